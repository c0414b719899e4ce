"""Answer for a frozen snapshot once more: with today's ranker, another prompt or another model. Nothing is stored.

A replay is never an answer of its incident: it is returned to who asked, beside the answer that is recorded.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.errors import NotAllowed
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.difference import Compared, compared
from shared.hypotheses.propose import PROMPT_VERSION, PROMPT_VERSIONS
from shared.models.base import SnapshotId, TenantId, document_id
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident
from shared.models.signals import Severity
from shared.models.snapshots import Snapshot
from shared.pipeline.calibrating import curve_in_force
from shared.pipeline.hypothesise import answered, is_ranking
from shared.pipeline.paying import paid_model
from shared.pipeline.snapshots import whole_snapshot
from shared.ports.services import Services

DESERVES = Severity.INFO
"""What a replay may take of a tenant's budget, whatever its incident: the last of it is kept for incidents."""


@dataclass(frozen=True)
class Replayed:
    """What is replayed, and with what. Without a prompt version and a model, the ranker alone answers."""

    snapshot_id: SnapshotId | None = None
    """None is the latest one."""
    prompt_version: str | None = None
    model: str | None = None
    """A deployment that the settings allow for replays."""
    is_dry: bool = False
    """Only say whether it could be done."""

    @property
    def asks_model(self) -> bool:
        """Whether it costs anything."""
        return not self.is_dry and self.names_model

    @property
    def names_model(self) -> bool:
        """Whether it is about the model's answer."""
        return self.prompt_version is not None or self.model is not None


@dataclass(frozen=True)
class Replay:
    """The recorded answer, the new one, and how they differ."""

    snapshot: Snapshot
    before: HypothesisSet
    after: HypothesisSet

    @property
    def difference(self) -> tuple[Compared, ...]:
        """Suspect by suspect."""
        return compared(self.before, self.after)


async def replay(
    tenant_id: TenantId, incident: Incident, wanted: Replayed, services: Services, *, run_id: str, now: datetime
) -> Replay:
    """Answer once more; raises NotAllowed with the reason why that cannot be done.

    Everything is looked at before the model is asked, so that what is refused costs nothing. The same question about
    the same snapshot is paid for once, by the run that asked first.
    """
    chosen = with_model(wanted, services) if wanted.names_model else services
    snapshot = await _intact(tenant_id, incident, wanted.snapshot_id, services)
    before = await _recorded(tenant_id, incident, snapshot, services, by_model=wanted.names_model)
    after = ranked_set(snapshot, now=now, curve=await curve_in_force(tenant_id, services))
    if wanted.asks_model:
        after = await _asked(after, snapshot, wanted, chosen, run_id=run_id, now=now)
    return Replay(snapshot, before, _as_replay(after, before, wanted))


async def _asked(
    ranked: HypothesisSet, snapshot: Snapshot, wanted: Replayed, services: Services, *, run_id: str, now: datetime
) -> HypothesisSet:
    """The model's answer, asked, checked and paid for as any other."""
    paid = await paid_model(
        snapshot.tenant_id, snapshot.sha256, DESERVES, services, payer=f"replay-{run_id}", now=now
    )
    if paid is None:
        raise NotAllowed("no model is configured", reason="model_not_configured")
    version = wanted.prompt_version or PROMPT_VERSION
    done = await answered(snapshot, ranked, paid, services, now=now, version=version)
    return done.answer.model_copy(update={"rung": paid.rung, "receipt": paid.receipt})


def with_model(wanted: Replayed, services: Services) -> Services:
    """The services with the model that a replay asks; raises NotAllowed for what cannot be used."""
    if wanted.prompt_version is not None and wanted.prompt_version not in PROMPT_VERSIONS:
        known = ", ".join(PROMPT_VERSIONS)
        raise NotAllowed(f"there is no such prompt version; there are {known}", reason="unknown_prompt_version")
    if wanted.model is None:
        if services.model is None:
            raise NotAllowed("no model is configured", reason="model_not_configured")
        return services
    if wanted.model not in services.replay_models:
        raise NotAllowed("the settings allow no replay with this model", reason="model_not_allowed")
    terms = services.model_terms.model_copy(update={"deployment": wanted.model})
    return replace(services, model=services.replay_models[wanted.model], model_terms=terms)


async def _intact(
    tenant_id: TenantId, incident: Incident, snapshot_id: SnapshotId | None, services: Services
) -> Snapshot:
    wanted = snapshot_id or incident.latest_snapshot_id
    found = await whole_snapshot(tenant_id, incident.incident_id, wanted, services) if wanted else None
    if found is None:
        raise NotAllowed("there is no snapshot to replay", reason="no_snapshot")
    if not found.is_intact:
        # Without its points, or altered: an answer for it would say nothing about the one that was given.
        raise NotAllowed("the snapshot is not whole any more", reason="snapshot_not_whole")
    return found


async def _recorded(
    tenant_id: TenantId, incident: Incident, snapshot: Snapshot, services: Services, *, by_model: bool
) -> HypothesisSet:
    """The answer to compare with: the ranker's with the ranker's, the one that stood in the end with a model's."""
    answers = await services.incidents.all_hypotheses(tenant_id, incident.incident_id)
    of_snapshot = [one for one in answers if one.snapshot_id == snapshot.id]
    rankings = [one for one in of_snapshot if is_ranking(one)]
    finals = [one for one in of_snapshot if not is_ranking(one)]
    preferred = (finals or rankings) if by_model else (rankings or finals)
    if not preferred:
        raise NotAllowed("no answer for this snapshot is recorded", reason="no_answer")
    return preferred[-1]


def _as_replay(answer: HypothesisSet, before: HypothesisSet, wanted: Replayed) -> HypothesisSet:
    replay_id = document_id("rpl", before.id, wanted.prompt_version or "", wanted.model or "")
    return answer.model_copy(update={"id": replay_id, "replay_of": before.id})
