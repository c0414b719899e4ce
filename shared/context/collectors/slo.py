"""Whether the error budgets of the services around burn: by recorded rules where there are some, else as declared."""

import asyncio
from collections.abc import Sequence

from shared.context.burning import WINDOWS
from shared.context.look import Collected, Look, View
from shared.context.slo_declared import Declared, declared_slos, periods_of, ratios_query
from shared.context.slo_rules import recorded_query, recorded_slos
from shared.errors import CopilotError
from shared.models.evidence import SloEvidence
from shared.models.objectives import Objective, Objectives

MAX_OBJECTIVES = 30


async def collect_slo(view: View) -> Collected:
    """Objectives of the alerting service and its neighbours; raises as the source does.

    At most four queries: the recorded rules, and for declared objectives how their services are known, what burns
    now, and what is left of the period.
    """
    look = await view.look()
    names, warnings = await view.around()
    query = recorded_query(names)
    answer = await look.source.query(query, at=look.window.end)
    recorded = recorded_slos(answer.samples, names, query)
    failure: str | None = None
    measured: list[SloEvidence] = []
    unmeasured: list[str] = []
    try:
        wanted = await _declared(view, names, recorded)
        measured, unmeasured = await _measured(view, look, wanted) if wanted else ([], [])
    except CopilotError as exc:
        if not recorded:
            raise
        failure, unmeasured = exc.reason, [f"the declared objectives could not be measured: {exc.reason}"]
    evidence = [*recorded, *measured]
    left_out = len(evidence) - MAX_OBJECTIVES
    more = [f"{left_out} more objectives are left out"] if left_out > 0 else []
    return Collected(
        evidence=tuple(evidence[:MAX_OBJECTIVES]),
        warnings=(*answer.warnings, *warnings, *unmeasured, *more),
        # An objective that nothing is known of is not the same as none.
        failure=failure or ("not_measured" if unmeasured and not evidence else None),
        why_empty="no_objectives",
    )


async def _declared(view: View, names: Sequence[str], recorded: Sequence[SloEvidence]) -> list[Objective]:
    """The tenant's own objectives of services that no rule tells of."""
    held = await view.services.records.read(view.tenant_id, Objectives, Objectives.id_for())
    told = {one.service for one in recorded}
    return [one for one in held.value.of_services(set(names)) if one.service not in told] if held else []


async def _measured(view: View, look: Look, wanted: Sequence[Objective]) -> tuple[list[SloEvidence], list[str]]:
    window = look.window
    names = sorted({one.service for one in wanted})
    found = (await view.whereabouts()).placed
    known = {service: (binding, name) for binding, there in found.items() for name, service in there.items()}
    declared = [Declared(one, *known[one.service]) for one in wanted if one.service in known]
    warnings = [
        f"no known request metrics of {name}: its objective is not measured" for name in names if name not in known
    ]
    if not declared:
        return [], warnings
    query = ratios_query(declared, WINDOWS)
    now, period = await asyncio.gather(
        look.source.query(query, at=window.end),
        look.source.query(ratios_query(declared, periods_of(declared)), at=window.end),
        return_exceptions=True,
    )
    if isinstance(now, BaseException):
        raise now
    if isinstance(period, CopilotError):
        # A month of samples is much to ask: without it the burn rates still say how bad it is.
        warnings.append(f"what is left of the budgets could not be asked: {period.reason}")
        return declared_slos(declared, now.samples, (), query), warnings
    if isinstance(period, BaseException):
        raise period
    return declared_slos(declared, now.samples, period.samples, query), [*warnings, *now.warnings, *period.warnings]
