"""Replay a tenant's stored signals under other thresholds: how many incidents there would be, and what would move."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from dev.sentences import CannotRun
from evals.simulation import Simulation
from shared.incidents.correlation import Placed, Surroundings
from shared.incidents.nodes import nodes_of
from shared.models.base import IncidentId, TenantId
from shared.models.correlation import CorrelationPolicy
from shared.models.signals import Signal
from shared.pipeline.surroundings import surroundings_of
from shared.ports.services import Services

PAGE = 100
MAX_SIGNALS = 20_000


@dataclass(frozen=True)
class Shift:
    """Signals of a service that would be in another incident."""

    service_name: str
    signals: int
    now_in: IncidentId
    would_be_in: IncidentId | None
    """None when it would be an incident that there is not."""
    would_be_with: tuple[str, ...]


@dataclass
class Backtest:
    """What the replay found; `replayed` counts the incidents under the thresholds in force."""

    signals: int = 0
    incidents: int = 0
    replayed: int = 0
    would_be: int = 0
    shifts: list[Shift] = field(default_factory=list)

    def compression(self, incidents: int) -> float:
        """Alerts to an incident."""
        return self.signals / incidents if incidents else 0.0


async def backtest(
    tenant_id: TenantId,
    services: Services,
    *,
    link_at: float | None,
    window_seconds: float | None,
    max_incidents: int = 500,
) -> Backtest:
    """Replay the newest incidents; thresholds that are not given stay as the tenant has them."""
    tenant = await services.directory.tenant(tenant_id)
    if tenant is None:
        raise CannotRun(f"there is no tenant {tenant_id}")
    given = {"link_at": link_at, "window_seconds": window_seconds}
    other = tenant.correlation.model_copy(update={name: value for name, value in given.items() if value is not None})
    signals = await stored_signals(tenant_id, services, max_incidents=max_incidents)
    found = Backtest(signals=len(signals), incidents=len({one.incident_id for one in signals}))
    widest = max(other, tenant.correlation, key=lambda policy: policy.window_seconds)
    for spell in spells(signals, quiet=timedelta(seconds=widest.window_seconds)):
        around = await surroundings_of(tenant_id, _placed(spell), services)
        as_now, then = _replayed(spell, tenant.correlation, around), _replayed(spell, other, around)
        found.replayed += len(as_now.groups())
        found.would_be += len(then.groups())
        found.shifts += shifts(spell, then)
    return found


async def stored_signals(tenant_id: TenantId, services: Services, *, max_incidents: int) -> list[Signal]:
    """The alerts of the newest incidents, by when their alerts started, at most MAX_SIGNALS."""
    found: list[Signal] = []
    cursor: str | None = None
    while max_incidents > 0 and len(found) < MAX_SIGNALS:
        page = await services.incident_list.page(tenant_id, limit=min(PAGE, max_incidents), cursor=cursor)
        for summary in page.items:
            held = await services.incidents.signals(tenant_id, IncidentId(summary.id))
            found += [one.value for one in held if one.value.is_alert]
        max_incidents -= len(page.items)
        cursor = page.cursor
        if cursor is None:
            break
    return sorted(found[:MAX_SIGNALS], key=lambda one: (one.timestamp, one.id))


def spells(signals: Sequence[Signal], *, quiet: timedelta) -> Iterator[list[Signal]]:
    """Signals with at most this long between one start and the next: across more than that nothing is linked."""
    spell: list[Signal] = []
    for one in signals:
        if spell and one.timestamp - spell[-1].timestamp > quiet:
            yield spell
            spell = []
        spell.append(one)
    if spell:
        yield spell


def shifts(spell: Sequence[Signal], then: Simulation) -> list[Shift]:
    """What would be elsewhere. A replayed incident is the stored one that it shares most signals with."""
    homes = then.homes
    shared = Counter((homes[one.service_name], one.incident_id) for one in spell)
    same: dict[IncidentId, IncidentId] = {}
    for (replayed, stored), _ in sorted(shared.items(), key=lambda one: (-one[1], one[0])):
        if replayed not in same and stored not in same.values():
            same[replayed] = stored
    elsewhere = Counter(
        (one.service_name, one.incident_id) for one in spell if same.get(homes[one.service_name]) != one.incident_id
    )
    return [
        Shift(
            service_name=service,
            signals=count,
            now_in=stored,
            would_be_in=same.get(homes[service]),
            would_be_with=tuple(
                sorted(name for name, home in homes.items() if home == homes[service] and name != service)
            ),
        )
        for (service, stored), count in sorted(elsewhere.items())
    ]


def as_text(found: Backtest, tenant_id: str) -> str:
    """The report for people."""
    lines = [
        f"{tenant_id}: {found.signals} signals in {found.incidents} incidents",
        f"{'':24}{'incidents':>10}{'alerts each':>12}",
        *(
            f"{name:24}{count:>10}{found.compression(count):>12.1f}"
            for name, count in (
                ("stored", found.incidents),
                ("replayed as it is now", found.replayed),
                ("with other thresholds", found.would_be),
            )
        ),
        f"{len(found.shifts)} services would be elsewhere:" if found.shifts else "nothing would be elsewhere",
    ]
    for one in found.shifts:
        company = ", ".join(one.would_be_with) or "nothing else"
        target = one.would_be_in or "an incident of its own"
        lines.append(f"  {one.service_name} ({one.signals} signals): {one.now_in} -> {target}, with {company}")
    return "\n".join(lines)


def _placed(spell: Sequence[Signal]) -> list[Placed]:
    nodes = nodes_of(one.normalized_data for one in spell).values()
    return [Placed(node, IncidentId("replayed"), node.first_started_at) for node in nodes]


def _replayed(spell: Sequence[Signal], policy: CorrelationPolicy, around: Surroundings) -> Simulation:
    simulation = Simulation(policy, around)
    for (received_at, _), delivery in groupby(sorted(spell, key=_as_received), key=_as_received):
        simulation.deliver([one.normalized_data for one in delivery], received_at)
    return simulation


def _as_received(signal: Signal) -> tuple[datetime, str]:
    return signal.created_at, signal.receipt_id
