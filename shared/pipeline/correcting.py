"""People put services where they belong: merge and split. Their word is kept first, so that nothing undoes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from shared.errors import Conflict, NotAllowed
from shared.messages import Envelope
from shared.models.base import IncidentId, TenantId, document_id
from shared.models.correlation import Correction, Joined, Membership, Verdict
from shared.models.incidents import Departure, Incident
from shared.models.surroundings import Corrections
from shared.pipeline.moving import move
from shared.ports.services import Services

MAX_TRIES = 4
MAX_PAIRS = 100
"""A correction of large incidents is kept for so many pairs of services."""


@dataclass(frozen=True)
class Correcting:
    """Who corrects, and the message that what follows is part of."""

    message: Envelope
    by: str

    @property
    def tenant_id(self) -> TenantId:
        """Whose incidents."""
        return self.message.tenant_id


async def merge_incidents(
    who: Correcting, source_id: IncidentId, target_id: IncidentId, services: Services, *, now: datetime
) -> IncidentId:
    """Move everything of one incident into another and return that; raises NotAllowed with the reason why not."""
    source, target = await _open(who, source_id, services), await _open(who, target_id, services)
    if source_id == target_id:
        raise NotAllowed("an incident cannot be merged into itself", reason="same_incident")
    names = [node.service_name for node in source.services]
    pairs = [(name, target.service_name) for name in names if name != target.service_name]
    await _keep(who, pairs, Verdict.TOGETHER, services, now=now)
    await _move(who, source_id, names, target_id, services, opens_target=False, now=now)
    return target_id


async def split_incident(
    who: Correcting, source_id: IncidentId, names: Iterable[str], services: Services, *, now: datetime
) -> IncidentId:
    """Move some services to an incident of their own and return that; raises NotAllowed with the reason why not."""
    source = await _open(who, source_id, services)
    leaving = sorted(set(names))
    present = {node.service_name for node in source.services}
    if not leaving or not present.issuperset(leaving):
        raise NotAllowed("the incident has no such service", reason="unknown_service")
    staying = sorted(present.difference(leaving))
    if not staying:
        raise NotAllowed("one service at least must stay", reason="nothing_stays")
    target_id = IncidentId(document_id("inc", who.tenant_id, source_id, *leaving, str(source.version)))
    await _keep(who, product(leaving, staying), Verdict.APART, services, now=now)
    await _move(who, source_id, leaving, target_id, services, opens_target=True, now=now)
    return target_id


async def _open(who: Correcting, incident_id: IncidentId, services: Services) -> Incident:
    held = await services.incidents.read(who.tenant_id, incident_id)
    if held is None:
        raise NotAllowed("there is no such incident", reason="unknown_incident")
    if not held.value.is_open:
        raise NotAllowed("the incident is closed or merged", reason="incident_not_open")
    return held.value


async def _keep(
    who: Correcting, pairs: Iterable[tuple[str, str]], verdict: Verdict, services: Services, *, now: datetime
) -> None:
    for _ in range(MAX_TRIES):
        held = await services.surroundings.corrections(who.tenant_id)
        kept = held.value if held else Corrections(id=Corrections.id_for(), tenant_id=who.tenant_id)
        for one, other in list(pairs)[:MAX_PAIRS]:
            first, second = sorted((one, other))
            kept = kept.with_correction(Correction(services=(first, second), verdict=verdict, by=who.by, at=now))
        try:
            await services.surroundings.keep(who.tenant_id, kept, held.etag if held else None)
        except Conflict:
            continue
        return
    raise Conflict(f"the corrections changed {MAX_TRIES} times while one was added")


async def _move(
    who: Correcting,
    source_id: IncidentId,
    names: list[str],
    target_id: IncidentId,
    services: Services,
    *,
    opens_target: bool,
    now: datetime,
) -> None:
    put = Membership(reason=Joined.BY_PERSON, at=now)
    departure = Departure(
        services=tuple(names),
        target=target_id,
        memberships=dict.fromkeys(names, put),
        opens_target=opens_target,
        by=who.by,
        at=now,
    )
    await move(who.message, source_id, departure, services, now=now)
