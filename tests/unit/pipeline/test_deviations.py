"""A look's deviations become signals of its incident in the same write, and nothing takes them for alerts."""

from dataclasses import replace
from datetime import timedelta

from shared.adapters.memory.services import services_in_memory
from shared.incidents.recording import Work
from shared.incidents.silence import judge, quiet_ones
from shared.messages import BuildContext, Envelope
from shared.models.base import IncidentId, ReceiptId, TenantId
from shared.models.correlation import Joined, Membership
from shared.models.incidents import Departure, Incident, IncidentState, TimelineEvent
from shared.models.signals import Signal, SignalType
from shared.pipeline.context import build_context
from shared.pipeline.moving import move
from shared.pipeline.recording import record_in_incident
from shared.ports.metrics import MetricsSource
from shared.ports.services import Services
from tests.builders import ACME, NOON, ONE_SECOND, an_alert, an_arrival, resolved
from tests.unit.context.fake_source import FakeSource, Rule, samples, series

ONE, TWO = IncidentId("inc-one"), IncidentId("inc-two")
MESSAGE = Envelope(tenant_id=ACME, receipt_id=ReceiptId("rcp-1"), correlation_id="rcp-1")
NOW = NOON + timedelta(minutes=2)
TIMES = [NOON.timestamp() - 600 + 15 * index for index in range(48)]
SURGE: Rule = (
    "sum by (service) (rate(http_requests_total",
    series([{"service": "payment"}], TIMES, lambda at: 20.0 if at < 36 else 80.0),
)
DETECTED: Rule = (
    "count by (service) (http_requests_total",
    samples(({"binding": "prometheus_client/service", "service": "payment"}, 1)),
)
PACE: Rule = ("count_over_time(up", samples(({"pace": "0", "over": "120"}, 8)))


class OneSource:
    """Every tenant's Prometheus."""

    def __init__(self, source: MetricsSource) -> None:
        self._source = source

    async def of_tenant(self, tenant_id: TenantId) -> MetricsSource | None:
        del tenant_id
        return self._source


async def an_investigated_incident() -> Services:
    services = replace(services_in_memory(), metrics=OneSource(FakeSource([PACE, DETECTED, SURGE])))
    await record_in_incident(
        MESSAGE, ONE, [Work(an_arrival(), an_alert().signal_id)], services, rerun=False, now=NOON
    )
    await look(services, "opened")
    return services


async def look(services: Services, trigger: str) -> None:
    message = BuildContext(
        tenant_id=ACME, receipt_id=ReceiptId("rcp-1"), correlation_id="rcp-1", incident_id=ONE, trigger=trigger
    )
    await build_context(message, services, now=NOW)


async def incident(services: Services, incident_id: IncidentId = ONE) -> Incident:
    held = await services.incidents.read(ACME, incident_id)
    assert held is not None
    return held.value


async def signals(services: Services, incident_id: IncidentId = ONE) -> list[Signal]:
    return [one.value for one in await services.incidents.signals(ACME, incident_id)]


async def test_a_surge_is_a_signal_of_the_incident_and_told_in_its_timeline() -> None:
    services = await an_investigated_incident()
    (found,) = (one for one in await signals(services) if one.signal_type is SignalType.METRIC_DEVIATION)
    assert found.context_snapshot_id == (await incident(services)).latest_snapshot_id
    told = await services.incidents.timeline(ACME, ONE)
    (entry,) = (one for one in told if one.event is TimelineEvent.DEVIATIONS_FOUND)
    assert entry.signal_ids == (found.id,)
    page = await services.incidents.signal_page(ACME, ONE, limit=10)
    assert found.id in {one.id for one in page.items}


async def test_it_counts_neither_as_an_alert_nor_as_firing() -> None:
    services = await an_investigated_incident()
    after = await incident(services)
    assert (after.signal_count, after.firing_count) == (1, 1)
    assert [node.service_name for node in after.services] == ["payment"]


async def test_every_further_look_finds_the_same_one() -> None:
    services = await an_investigated_incident()
    await look(services, "asked-again")
    await look(services, "asked-again")
    assert len(await signals(services)) == 2
    events = [one.event for one in await services.incidents.timeline(ACME, ONE)]
    assert events.count(TimelineEvent.DEVIATIONS_FOUND) == 1
    assert events.count(TimelineEvent.CONTEXT_FROZEN) == 2


async def test_it_keeps_no_incident_open() -> None:
    services = await an_investigated_incident()
    over = an_arrival(resolved(an_alert()), received_at=NOW)
    await record_in_incident(MESSAGE, ONE, [Work(over, an_alert().signal_id)], services, rerun=False, now=NOW)
    assert (await incident(services)).state is IncidentState.RESOLVED


async def test_nobody_waits_for_it_to_be_repeated() -> None:
    services = await an_investigated_incident()
    found = [one for one in await signals(services) if not one.is_alert]
    much_later = NOON + timedelta(days=9)
    assert quiet_ones(found, window=timedelta(hours=24), now=much_later) == []
    judged = judge(await incident(services), found, {}, window=timedelta(hours=24), now=much_later)
    assert judged.over == []


async def test_a_later_look_is_not_about_it() -> None:
    services = await an_investigated_incident()
    await look(services, "asked-again")
    latest = (await incident(services)).latest_snapshot_id
    assert latest
    snapshot = await services.incidents.snapshot(ACME, ONE, latest)
    assert snapshot
    assert [one.kind for one in snapshot.body.evidence()].count("alert") == 1


async def test_it_stays_beside_its_snapshot_when_the_alerts_go_to_another_incident() -> None:
    services = await an_investigated_incident()
    other = an_arrival(an_alert(service_name="checkout", fingerprint="c"))
    await record_in_incident(MESSAGE, TWO, [Work(other, other.alert.signal_id)], services, rerun=False, now=NOON)
    why = Membership(reason=Joined.CORRELATED, at=NOW)
    gone = Departure(services=("payment",), target=TWO, memberships={"payment": why}, at=NOW)
    await move(MESSAGE, ONE, gone, services, now=NOW + ONE_SECOND)
    assert (await incident(services)).merged_into == TWO
    assert [one.is_alert for one in await signals(services)] == [False]
    assert {one.service_name for one in await signals(services, TWO)} == {"payment", "checkout"}
    assert (await incident(services, TWO)).signal_count == 2
