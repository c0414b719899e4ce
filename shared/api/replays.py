"""Answer for a frozen snapshot once more, and show how that differs from what was answered."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.feedback import SNAPSHOT_ID
from shared.api.idempotency import run_of
from shared.api.incident_ids import held_incident
from shared.api.preconditions import show_version
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views import HypothesesView
from shared.hypotheses.difference import Change, Compared
from shared.models.base import SnapshotId
from shared.models.hypotheses import Receipt
from shared.pipeline.auditing import record_view
from shared.pipeline.replaying import Replay, Replayed, replay

router = APIRouter(prefix="/incidents", tags=["incidents"], responses=PROBLEMS)

Named = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class ReplayRequest(BaseModel):
    """What is replayed, and with what; with neither a prompt version nor a model the ranker alone answers."""

    model_config = ConfigDict(extra="forbid")

    snapshot_id: Annotated[str, Field(pattern=SNAPSHOT_ID)] | None = Field(
        default=None, description="By default the latest."
    )
    prompt_version: Named | None = Field(default=None, description="Like `hypotheses-v2`.")
    model: Named | None = Field(
        default=None, description="A deployment that the settings allow; by default the one that answers incidents."
    )
    dry_run: bool = Field(default=False, description="Only say whether it could be done: no model is asked.")

    def wanted(self) -> Replayed:
        """The same for the use case."""
        snapshot_id = SnapshotId(self.snapshot_id) if self.snapshot_id else None
        return Replayed(snapshot_id, self.prompt_version, self.model, self.dry_run)


class ComparedView(BaseModel):
    """One suspect in the recorded answer and in the new one."""

    change: Change
    suspected_service: str
    suspected_change: str | None
    rank_before: int | None
    rank_after: int | None
    confidence_before: float | None
    confidence_after: float | None
    confidence_moved_by: float | None = Field(description="Null unless both answers have one.")

    @classmethod
    def of(cls, one: Compared) -> "ComparedView":
        """From the comparison."""
        before, after = one.before, one.after
        shown = after or before
        return cls(
            change=one.change,
            suspected_service=shown.suspected_service if shown else "",
            suspected_change=shown.suspected_change if shown else None,
            rank_before=before.rank if before else None,
            rank_after=after.rank if after else None,
            confidence_before=before.confidence if before else None,
            confidence_after=after.confidence if after else None,
            confidence_moved_by=one.confidence_moved_by,
        )


class ReplayView(BaseModel):
    """Two answers for one snapshot. The new one is stored nowhere, and is never the incident's answer."""

    snapshot_id: str
    dry_run: bool
    prompt_version_before: str | None
    prompt_version_after: str | None
    ranker_version_before: str | None
    ranker_version_after: str | None
    cost: Receipt | None = Field(description="Of the new answer; null when no model was asked.")
    difference: list[ComparedView]
    before: HypothesesView = Field(
        description="The recorded answer: the ranker's for the ranker, else the one that stood in the end."
    )
    after: HypothesesView

    @classmethod
    def of(cls, done: Replay, *, dry_run: bool) -> "ReplayView":
        """From what came of it."""
        return cls(
            snapshot_id=done.snapshot.id,
            dry_run=dry_run,
            prompt_version_before=done.before.prompt_version,
            prompt_version_after=done.after.prompt_version,
            ranker_version_before=done.before.ranker_version,
            ranker_version_after=done.after.ranker_version,
            cost=done.after.receipt,
            difference=[ComparedView.of(one) for one in done.difference],
            before=HypothesesView.of(done.before),
            after=HypothesesView.of(done.after),
        )


@router.post("/{incident_id}/replay", summary="Answer for a frozen snapshot once more")
async def replay_incident(
    incident_id: str,
    wanted: ReplayRequest,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("replay_incident"))],
    services: Wired,
) -> ReplayView:
    """With today's ranker, another prompt version or another model, beside the recorded answer. It changes nothing.

    Asking a model counts against the tenant's budget; the ranker alone and a dry run cost nothing.
    """
    incident = await held_incident(principal.tenant_id, incident_id, services)
    asked, now = wanted.wanted(), datetime.now(UTC)
    if asked.snapshot_id is not None:
        found = await services.incidents.snapshot(principal.tenant_id, incident.incident_id, asked.snapshot_id)
        if found is None:
            raise NotFound("There is no such snapshot.")
    if asked.asks_model:
        # It spends the tenant's money, so the trail says who did before anybody does.
        facts = wanted.model_dump(exclude={"dry_run"})
        await record_view(
            principal, "replay_incident", "incident", incident.incident_id, services, now=now, asked=facts
        )
    run_id = run_of(request).run_id
    done = await replay(principal.tenant_id, incident, asked, services, run_id=run_id, now=now)
    show_version(response, incident.version)
    return ReplayView.of(done, dry_run=wanted.dry_run)
