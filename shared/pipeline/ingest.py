"""Ingest a delivery: parse, drop repeats, record in incidents, ask for context. Every step may run twice."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import AlreadyExists, Conflict, Malformed
from shared.incidents.correlate import correlate, new_incident_id
from shared.messages import Ingest, QueueName
from shared.models.base import IncidentId, TenantId, document_id
from shared.models.claims import EpisodeClaim, OpenIncidentClaim
from shared.models.receipts import DeadLetter, Outcome, ReceiptPart
from shared.models.signals import Arrival, ParsedDelivery
from shared.pipeline.recording import record_in_incident
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.signals.claims import Repeat, completed, new_claim, outcome_of, repeat_of, without_copies
from shared.signals.sources import parse

MAX_RACES = 8


@dataclass(frozen=True)
class _Claimed:
    """An arrival with the claim it works under; `etag` is the claim's."""

    arrival: Arrival
    claim: EpisodeClaim
    etag: str
    repeat: Repeat


@dataclass
class _Tally:
    """What a receipt part will say."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    incidents: set[str] = field(default_factory=set)


async def ingest(message: Ingest, services: Services, *, now: datetime) -> None:
    """Turn one delivery into signals; raises Malformed when its body cannot be understood at all."""
    body, pointer = await _body(message, services)
    parsed = parse(message.source, body, received_at=message.received_at)
    arrivals, copies = without_copies(_arrivals(message, parsed, pointer))
    tally = _Tally(Counter({Outcome.DUPLICATE: copies}))
    claimed: list[_Claimed] = []
    for service_name, group in _by_service(arrivals).items():
        claimed += await _record(message, service_name, group, tally, services, now=now)
    await _dead_letter_rejected(message, parsed, pointer, tally, services, now=now)
    await services.receipts.add_part(message.tenant_id, _receipt_part(message, tally, now=now))
    # Last: from here on a repeat is dropped, so nothing above may still be undone.
    for one in claimed:
        await _complete(message.tenant_id, one, services)


async def _body(message: Ingest, services: Services) -> tuple[bytes, str]:
    inline = message.inline_body()
    if inline is not None:
        return inline, await services.raw.put(message.tenant_id, message.receipt_id, inline)
    if message.pointer is None:
        raise Malformed("the message has neither a body nor a pointer", reason="no_body")
    return await services.raw.get(message.tenant_id, message.pointer), message.pointer


def _arrivals(message: Ingest, parsed: ParsedDelivery, pointer: str) -> list[Arrival]:
    return [
        Arrival(alert=alert, received_at=message.received_at, receipt_id=message.receipt_id, raw_pointer=pointer)
        for alert in parsed.alerts
    ]


def _by_service(arrivals: Sequence[Arrival]) -> dict[str, list[Arrival]]:
    groups: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        groups[arrival.alert.service_name].append(arrival)
    return groups


async def _record(
    message: Ingest, service_name: str, arrivals: list[Arrival], tally: _Tally, services: Services, *, now: datetime
) -> list[_Claimed]:
    """Record the alerts of one service and return the claims to complete."""
    claimed = await _claims_of(message.tenant_id, service_name, arrivals, services, now=now)
    tally.outcomes.update(outcome_of(one.repeat, one.arrival, one.claim) for one in claimed)
    working = [one for one in claimed if one.repeat.needs_work]
    for incident_id, group in _by_incident(working).items():
        rerun = any(one.repeat is not Repeat.NEW_EPISODE for one in group)
        await record_in_incident(message, incident_id, [one.arrival for one in group], services, rerun=rerun, now=now)
        tally.incidents.add(incident_id)
    return working


async def _claims_of(
    tenant_id: TenantId, service_name: str, arrivals: list[Arrival], services: Services, *, now: datetime
) -> list[_Claimed]:
    """Every arrival with its claim: the one that is there, or one taken now."""
    known = await services.claims.episodes(tenant_id, [a.alert.episode for a in arrivals])
    found = [_under(known[a.alert.episode], a) for a in arrivals if a.alert.episode in known]
    unclaimed = [a for a in arrivals if a.alert.episode not in known]
    if unclaimed:
        incident_id = await _incident_of(tenant_id, service_name, unclaimed[0], services, now=now)
        found += [await _claim(tenant_id, arrival, incident_id, services, now=now) for arrival in unclaimed]
    return found


def _under(held: Versioned[EpisodeClaim], arrival: Arrival) -> _Claimed:
    return _Claimed(arrival, held.value, held.etag, repeat_of(arrival, held.value))


def _by_incident(working: Sequence[_Claimed]) -> dict[IncidentId, list[_Claimed]]:
    groups: dict[IncidentId, list[_Claimed]] = defaultdict(list)
    for one in working:
        groups[one.claim.incident_id].append(one)
    return groups


async def _incident_of(
    tenant_id: TenantId, service_name: str, first: Arrival, services: Services, *, now: datetime
) -> IncidentId:
    """The incident new alerts of a service go to: the open one, or a new one under the service's claim."""
    for _ in range(MAX_RACES):
        proposed = OpenIncidentClaim(
            id=OpenIncidentClaim.id_for(service_name),
            tenant_id=tenant_id,
            service_name=service_name,
            incident_id=new_incident_id(tenant_id, first.alert),
            created_at=now,
        )
        try:
            held = await services.claims.open_incident(tenant_id, service_name)
            if held is None:
                await services.claims.create(tenant_id, proposed)
                return proposed.incident_id
            current = await services.incidents.read(tenant_id, held.value.incident_id)
            if correlate(current.value if current else None).joins:
                return held.value.incident_id
            await services.claims.replace(tenant_id, proposed, held.etag)
        except (AlreadyExists, Conflict):
            continue
        return proposed.incident_id
    raise Conflict(f"the open incident of a service changed {MAX_RACES} times while it was read")


async def _claim(
    tenant_id: TenantId, arrival: Arrival, incident_id: IncidentId, services: Services, *, now: datetime
) -> _Claimed:
    claim = new_claim(arrival, incident_id, now=now, tenant_id=tenant_id)
    try:
        etag = await services.claims.create(tenant_id, claim)
    except AlreadyExists:
        held = (await services.claims.episodes(tenant_id, [claim.id])).get(claim.id)
        if held is None:
            raise Conflict("a claim vanished between two reads") from None
        return _under(held, arrival)
    return _Claimed(arrival, claim, etag, Repeat.NEW_EPISODE)


async def _complete(tenant_id: TenantId, one: _Claimed, services: Services) -> None:
    claim = Versioned(one.claim, one.etag)
    for _ in range(MAX_RACES):
        try:
            await services.claims.replace(tenant_id, completed(claim.value, one.arrival), claim.etag)
        except Conflict:
            # Another worker finished the same claim, or recorded a later status of the episode: look again.
            found = (await services.claims.episodes(tenant_id, [one.claim.id])).get(one.claim.id)
            if found is None or not repeat_of(one.arrival, found.value).needs_work:
                return
            claim = found
        else:
            return
    raise Conflict(f"an episode's claim changed {MAX_RACES} times while it was completed")


async def _dead_letter_rejected(
    message: Ingest, parsed: ParsedDelivery, pointer: str, tally: _Tally, services: Services, *, now: datetime
) -> None:
    for rejected in parsed.rejected:
        letter = DeadLetter(
            id=document_id("dead", message.receipt_id, str(rejected.position)),
            tenant_id=message.tenant_id,
            queue=QueueName.SIGNALS,
            stage="parse",
            reason=rejected.reason,
            detail=f"alert {rejected.position}: {rejected.detail}",
            attempt=message.attempt,
            receipt_id=message.receipt_id,
            payload_pointer=pointer,
            message=None,
            recorded_at=now,
        )
        await services.dead_letters.add(message.tenant_id, letter)
        tally.outcomes[Outcome.DEAD_LETTERED] += 1


def _receipt_part(message: Ingest, tally: _Tally, *, now: datetime) -> ReceiptPart:
    return ReceiptPart(
        id=document_id("part", message.receipt_id, "0"),
        tenant_id=message.tenant_id,
        receipt_id=message.receipt_id,
        integration_id=message.integration_id,
        received_at=message.received_at,
        outcomes={outcome: count for outcome, count in tally.outcomes.items() if count},
        incident_ids=tuple(sorted(tally.incidents)),
        recorded_at=now,
    )
