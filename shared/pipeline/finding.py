"""Find what is known of the alerts of a delivery: their claims, and the signals those stand for."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.errors import Conflict
from shared.incidents.correlate import home_after
from shared.models.base import IncidentId, TenantId
from shared.models.claims import EpisodeClaim
from shared.models.incidents import Incident
from shared.models.signals import Arrival, Signal
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.signals.claims import as_claimed

MAX_HOPS = 8


@dataclass(frozen=True)
class Known:
    """An arrival whose episode is claimed: where its signal is, or is to be written."""

    arrival: Arrival
    claim: Versioned[EpisodeClaim]
    incident_id: IncidentId
    signal: Signal | None


def known_by(arrival: Arrival, claim: Versioned[EpisodeClaim]) -> Known:
    """The arrival of a claimed episode, before its signal is looked for."""
    return Known(as_claimed(arrival, claim.value), claim, claim.value.incident_id, None)


async def find_known(tenant_id: TenantId, arrivals: Sequence[Arrival], services: Services) -> list[Known]:
    """Those of the arrivals whose episodes are claimed, each with its signal if that is written."""
    claims = await services.claims.episodes(tenant_id, [one.alert.episode for one in arrivals])
    claimed = [known_by(one, claims[one.alert.episode]) for one in arrivals if one.alert.episode in claims]
    return await with_signals(tenant_id, claimed, services)


async def with_signals(tenant_id: TenantId, claimed: Sequence[Known], services: Services) -> list[Known]:
    """The same, with their signals; where those were moved to another incident, that is looked into."""
    found: list[Known] = []
    looking = list(claimed)
    for _ in range(MAX_HOPS):
        groups = _by_incident(looking)
        looked = await asyncio.gather(*(_look(tenant_id, group, services) for group in groups))
        looking = []
        for group in looked:
            found += [one for one in group if one.signal]
            stay, go = await _followed(tenant_id, [one for one in group if not one.signal], services)
            found += stay
            looking += go
        if not looking:
            return found
    raise Conflict(f"alerts were sent on {MAX_HOPS} times from incident to incident")


def _by_incident(known: Sequence[Known]) -> list[list[Known]]:
    groups: dict[IncidentId, list[Known]] = defaultdict(list)
    for one in known:
        groups[one.incident_id].append(one)
    return list(groups.values())


async def _look(tenant_id: TenantId, group: Sequence[Known], services: Services) -> list[Known]:
    ids = [one.claim.value.signal_id for one in group]
    held = await services.incidents.signals(tenant_id, group[0].incident_id, ids)
    by_id = {one.value.id: one.value for one in held}
    return [replace(one, signal=by_id.get(one.claim.value.signal_id)) for one in group]


async def _followed(
    tenant_id: TenantId, missing: Sequence[Known], services: Services
) -> tuple[list[Known], list[Known]]:
    """Those that belong where they were looked for, and those that must be looked for elsewhere."""
    if not missing:
        return [], []
    incident = await services.incidents.read(tenant_id, missing[0].incident_id)
    if incident is None:
        return list(missing), []
    homes = [(one, home_after(incident.value, one.arrival.alert.service_name)) for one in missing]
    stay = [one for one, home in homes if home == one.incident_id]
    return stay, [replace(one, incident_id=home) for one, home in homes if home != one.incident_id]


@dataclass(frozen=True)
class Episode:
    """A recorded episode: its claim, and the signal with the incident that holds it."""

    claim: EpisodeClaim
    incident_id: IncidentId
    signal: Signal


async def find_episode(tenant_id: TenantId, episode: str, services: Services) -> Episode | None:
    """A recorded episode, wherever its signal was moved to; None when there is none."""
    held = (await services.claims.episodes(tenant_id, [episode])).get(episode)
    if held is None:
        return None
    looking, seen = [held.value.incident_id], set[IncidentId]()
    while looking and len(seen) < MAX_HOPS:
        incident_id = looking.pop(0)
        seen.add(incident_id)
        found = await services.incidents.signals(tenant_id, incident_id, [held.value.signal_id])
        if found:
            return Episode(held.value, incident_id, found[0].value)
        incident = await services.incidents.read(tenant_id, incident_id)
        looking += [one for one in _went_to(incident.value) if one not in seen] if incident else []
    return None


def _went_to(incident: Incident) -> list[IncidentId]:
    """The incidents that took over services of this one, the latest first."""
    departing = [incident.departing.target] if incident.departing else []
    merged = [incident.merged_into] if incident.merged_into else []
    return [*departing, *merged, *sorted(set(incident.departed.values()))]
