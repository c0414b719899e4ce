"""Replay every regression case of a tenant, from the stores that this environment's settings name."""

from collections.abc import Sequence
from datetime import datetime

from evals.case_scores import Scored, Summary, places_of
from shared.access.operators import Operator
from shared.errors import BlobUnavailable, Conflict, NotAllowed
from shared.incidents.causes import case_of
from shared.models.audit import AuditAction, Facts
from shared.models.base import TenantId
from shared.models.feedback import RegressionCase
from shared.models.hypotheses import HypothesisSet
from shared.pipeline.auditing import append
from shared.pipeline.editing import every
from shared.pipeline.onboarding import tenant_named
from shared.pipeline.replaying import Replayed, replay
from shared.ports.services import Services

NOT_ANSWERED = frozenset(
    {
        "model_not_configured",
        "model_not_deployed",
        "model_throttled",
        "model_timeout",
        "model_unreachable",
        "model_unauthorised",
        "model_unavailable",
        "model_interrupted",
        "model_budget_spent",
        "model_budget_kept",
    }
)
"""Reasons that say nothing of a prompt: the model was not asked, or did not come to answer."""


async def replayed_cases(tenant: str, wanted: Replayed, services: Services, *, run_id: str, now: datetime) -> Summary:
    """Every active case, in the order in which their causes were named; raises NotAllowed for an unknown tenant.

    The tenant's audit trail says that an operator did this, before it is done.
    """
    tenant_id = (await tenant_named(tenant, services)).tenant_id
    facts: Facts = {"prompt_version": wanted.prompt_version, "model": wanted.model}
    entry = Operator(tenant_id, run_id).entry("replay_cases", AuditAction.VIEW, after=facts, now=now)
    await append(tenant_id, entry, services, now)
    cases = [one for one in await every(tenant_id, RegressionCase, services) if one.is_active]
    return Summary(await _scored(tenant_id, cases, wanted, services, run_id=run_id, now=now))


async def _scored(
    tenant_id: TenantId,
    cases: Sequence[RegressionCase],
    wanted: Replayed,
    services: Services,
    *,
    run_id: str,
    now: datetime,
) -> list[Scored]:
    # One after the other: a tenant's budget is one, and its incidents come first.
    return [await _one(tenant_id, case, wanted, services, run_id=run_id, now=now) for case in cases]


async def _one(
    tenant_id: TenantId, case: RegressionCase, wanted: Replayed, services: Services, *, run_id: str, now: datetime
) -> Scored:
    held = await services.incidents.read(tenant_id, case.incident_id)
    as_it_stands = case_of(held.value) if held else None
    if held is None or as_it_stands is None or not as_it_stands.is_active:
        # The incident says what it is; the case may be a moment behind.
        return Scored(case, skipped="no_case_any_more")
    asked = Replayed(case.snapshot_id, wanted.prompt_version, wanted.model)
    try:
        done = await replay(tenant_id, held.value, asked, services, run_id=run_id, now=now)
    except (NotAllowed, BlobUnavailable, Conflict) as exc:
        return Scored(case, skipped=exc.reason)
    if wanted.names_model and _is_unanswered(done.after):
        return Scored(case, skipped=done.after.reason)
    return Scored(case, places_of(done.before, case), places_of(done.after, case))


def _is_unanswered(answer: HypothesisSet) -> bool:
    return answer.model is None and answer.reason in NOT_ANSWERED
