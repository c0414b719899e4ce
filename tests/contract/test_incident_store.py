"""What every IncidentStore promises."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.cosmos.incidents import CosmosIncidents
from shared.adapters.memory import MemoryIncidents
from shared.errors import Conflict, Malformed, StoreRejected
from shared.incidents.timeline import entry
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.feedback import FeedbackVerdict
from shared.models.incidents import Incident, TimelineEntry, TimelineEvent
from shared.models.signals import AlertStatus, Signal
from shared.ports.listing import TimelineOrder
from shared.ports.stores import IncidentChange, IncidentStore, Versioned
from tests.builders import (
    NOON,
    a_feedback,
    a_hypothesis_set,
    a_resolution,
    a_signal,
    a_snapshot,
    an_alert,
    an_incident,
)
from tests.contract.conftest import BACKENDS

INCIDENT = IncidentId("inc-1")


@pytest.fixture(params=BACKENDS)
def incidents(request: pytest.FixtureRequest) -> IncidentStore:
    if request.param == "memory":
        return MemoryIncidents()
    return CosmosIncidents(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def the_incident(tenant: TenantId, **changes: Any) -> Incident:
    return an_incident(tenant_id=tenant, **changes)


def the_signal(tenant: TenantId, fingerprint: str = "f", **changes: Any) -> Signal:
    return a_signal(an_alert(fingerprint=fingerprint), tenant_id=tenant, **changes)


async def opened(incidents: IncidentStore, tenant: TenantId) -> Versioned[Incident]:
    incident = the_incident(tenant)
    told = entry(incident, TimelineEvent.OPENED, "first", now=NOON)
    signals = [the_signal(tenant, "a"), the_signal(tenant, "b")]
    await incidents.commit(tenant, IncidentChange(incident, None, created_signals=signals, timeline=[told]))
    held = await incidents.read(tenant, INCIDENT)
    assert held is not None
    return held


async def test_a_change_is_read_back_whole(incidents: IncidentStore, tenant: TenantId) -> None:
    held = await opened(incidents, tenant)
    assert held.value == the_incident(tenant)
    assert {one.value.fingerprint for one in await incidents.signals(tenant, INCIDENT)} == {"a", "b"}
    assert [one.event for one in await incidents.timeline(tenant, INCIDENT)] == [TimelineEvent.OPENED]


async def test_what_one_write_tells_has_the_order_of_its_events(incidents: IncidentStore, tenant: TenantId) -> None:
    held = await opened(incidents, tenant)
    after = the_incident(tenant, version=2)
    order = [TimelineEvent.SIGNALS_JOINED, TimelineEvent.SIGNALS_RESOLVED, TimelineEvent.RESOLVED]
    told = [entry(after, event, "why", now=NOON) for event in reversed(order)]
    await incidents.commit(tenant, IncidentChange(after, held.etag, timeline=told))
    assert [one.event for one in await incidents.timeline(tenant, INCIDENT)] == [TimelineEvent.OPENED, *order]


async def test_signals_can_be_asked_for_by_id(incidents: IncidentStore, tenant: TenantId) -> None:
    await opened(incidents, tenant)
    wanted = an_alert(fingerprint="b").signal_id
    found = await incidents.signals(tenant, INCIDENT, [wanted, an_alert(fingerprint="none").signal_id])
    assert [one.value.id for one in found] == [wanted]


async def test_an_incident_is_created_once(incidents: IncidentStore, tenant: TenantId) -> None:
    await opened(incidents, tenant)
    with pytest.raises(Conflict):
        await incidents.commit(tenant, IncidentChange(the_incident(tenant, title="second"), None))


async def test_a_stale_etag_writes_nothing_of_the_change(incidents: IncidentStore, tenant: TenantId) -> None:
    held = await opened(incidents, tenant)
    await incidents.commit(tenant, IncidentChange(the_incident(tenant, version=2), held.etag))
    late = IncidentChange(the_incident(tenant, version=9), held.etag, created_signals=[the_signal(tenant, "c")])
    with pytest.raises(Conflict):
        await incidents.commit(tenant, late)
    now = await incidents.read(tenant, INCIDENT)
    assert now is not None
    assert now.value.version == 2
    assert len(await incidents.signals(tenant, INCIDENT)) == 2


async def test_a_signal_that_exists_makes_the_whole_change_fail(incidents: IncidentStore, tenant: TenantId) -> None:
    held = await opened(incidents, tenant)
    change = IncidentChange(
        the_incident(tenant, version=2), held.etag, created_signals=[the_signal(tenant, "c"), the_signal(tenant, "a")]
    )
    with pytest.raises(Conflict):
        await incidents.commit(tenant, change)
    assert len(await incidents.signals(tenant, INCIDENT)) == 2


async def test_a_signal_changes_only_under_the_etag_it_was_read_with(
    incidents: IncidentStore, tenant: TenantId
) -> None:
    held = await opened(incidents, tenant)
    read = (await incidents.signals(tenant, INCIDENT))[0]
    over = Versioned(read.value.model_copy(update={"status": AlertStatus.RESOLVED}), read.etag)
    await incidents.commit(tenant, IncidentChange(the_incident(tenant, version=2), held.etag, changed_signals=[over]))
    again = await incidents.read(tenant, INCIDENT)
    assert again is not None
    with pytest.raises(Conflict):
        await incidents.commit(
            tenant, IncidentChange(the_incident(tenant, version=3), again.etag, changed_signals=[over])
        )


async def test_a_document_of_another_incident_or_tenant_is_refused(
    incidents: IncidentStore, tenant: TenantId
) -> None:
    foreign = the_signal(TenantId("ten-other"))
    astray = the_signal(tenant, incident_id=IncidentId("inc-2"))
    for signal in (foreign, astray):
        with pytest.raises(StoreRejected):
            await incidents.commit(tenant, IncidentChange(the_incident(tenant), None, created_signals=[signal]))
    assert await incidents.read(tenant, INCIDENT) is None


async def test_a_change_of_more_than_a_hundred_documents_is_refused(
    incidents: IncidentStore, tenant: TenantId
) -> None:
    many = [the_signal(tenant, str(number)) for number in range(100)]
    with pytest.raises(StoreRejected):
        await incidents.commit(tenant, IncidentChange(the_incident(tenant), None, created_signals=many))


async def test_another_tenant_sees_nothing_under_the_same_id(incidents: IncidentStore, tenant: TenantId) -> None:
    await opened(incidents, tenant)
    other = TenantId(f"{tenant}-other")
    assert await incidents.read(other, INCIDENT) is None
    assert await incidents.signals(other, INCIDENT) == []
    assert await incidents.timeline(other, INCIDENT) == []
    assert await incidents.all_hypotheses(other, INCIDENT) == []


async def test_a_snapshot_and_its_answers_are_read_back_whole(incidents: IncidentStore, tenant: TenantId) -> None:
    held = await opened(incidents, tenant)
    snapshot = a_snapshot(tenant_id=tenant)
    first, refined = (
        a_hypothesis_set(tenant_id=tenant, id=name, created_at=NOON + timedelta(seconds=seconds))
        for name, seconds in (("hyp-z", 1), ("hyp-a", 2))
    )
    change = IncidentChange(
        the_incident(tenant, version=2), held.etag, snapshots=[snapshot], hypotheses=[refined, first]
    )
    await incidents.commit(tenant, change)
    read = await incidents.snapshot(tenant, INCIDENT, snapshot.id)
    assert read == snapshot
    assert read.is_intact
    assert await incidents.hypotheses(tenant, INCIDENT, "hyp-a") == refined
    assert await incidents.all_hypotheses(tenant, INCIDENT) == [first, refined]


async def test_an_id_of_another_kind_of_document_finds_nothing(incidents: IncidentStore, tenant: TenantId) -> None:
    await opened(incidents, tenant)
    for other in (INCIDENT, an_alert(fingerprint="a").signal_id):
        assert await incidents.snapshot(tenant, INCIDENT, SnapshotId(other)) is None
        assert await incidents.hypotheses(tenant, INCIDENT, other) is None


@pytest.mark.parametrize(
    "odd", ["..", ".", "a/b", "a?b", "a#b", "a\\b", "a b", "ä", "%2e%2e", "\n", "\ud800", "x" * 2000]
)
async def test_an_id_that_no_document_can_have_finds_nothing(
    incidents: IncidentStore, tenant: TenantId, odd: str
) -> None:
    assert await incidents.read(tenant, IncidentId(odd)) is None
    assert await incidents.snapshot(tenant, INCIDENT, SnapshotId(odd)) is None


async def test_a_document_with_such_an_id_is_refused_and_nothing_is_written(
    incidents: IncidentStore, tenant: TenantId
) -> None:
    odd = the_signal(tenant, id="../inc-2")
    with pytest.raises(StoreRejected):
        await incidents.commit(tenant, IncidentChange(the_incident(tenant), None, created_signals=[odd]))
    assert await incidents.read(tenant, INCIDENT) is None


async def test_a_change_of_an_incident_that_is_not_there_conflicts(
    incidents: IncidentStore, tenant: TenantId
) -> None:
    with pytest.raises(Conflict):
        await incidents.commit(tenant, IncidentChange(the_incident(tenant), '"0"'))


async def test_the_same_incident_id_under_two_tenants_is_two_incidents(
    incidents: IncidentStore, tenant: TenantId
) -> None:
    other = TenantId(f"{tenant}-other")
    await opened(incidents, tenant)
    theirs = the_incident(other, title="theirs")
    await incidents.commit(other, IncidentChange(theirs, None, created_signals=[the_signal(other, "c")]))
    held = await incidents.read(other, INCIDENT)
    assert held is not None
    await incidents.commit(other, IncidentChange(the_incident(other, title="moved", version=2), held.etag))
    ours = await incidents.read(tenant, INCIDENT)
    assert ours is not None
    assert ours.value == the_incident(tenant)
    assert {one.value.fingerprint for one in await incidents.signals(tenant, INCIDENT)} == {"a", "b"}
    assert {one.value.fingerprint for one in await incidents.signals(other, INCIDENT)} == {"c"}


async def test_signals_are_removed_with_the_change_that_says_so(incidents: IncidentStore, tenant: TenantId) -> None:
    held = await opened(incidents, tenant)
    signals = await incidents.signals(tenant, INCIDENT)
    after = the_incident(tenant, version=2)
    await incidents.commit(tenant, IncidentChange(after, held.etag, removed_signals=signals[:1]))
    assert await incidents.signals(tenant, INCIDENT) == signals[1:]


async def test_a_signal_that_moved_is_not_removed_and_nothing_else_is_written(
    incidents: IncidentStore, tenant: TenantId
) -> None:
    held = await opened(incidents, tenant)
    first, second = await incidents.signals(tenant, INCIDENT)
    stale = IncidentChange(
        the_incident(tenant, version=2), held.etag, removed_signals=[second, Versioned(first.value, '"0"')]
    )
    with pytest.raises(Conflict):
        await incidents.commit(tenant, stale)
    assert await incidents.signals(tenant, INCIDENT) == [first, second]
    assert await incidents.read(tenant, INCIDENT) == held


async def test_signals_come_in_pages_oldest_first(incidents: IncidentStore, tenant: TenantId) -> None:
    signals = [the_signal(tenant, str(n), timestamp=NOON + timedelta(seconds=n // 2)) for n in range(7)]
    await incidents.commit(tenant, IncidentChange(the_incident(tenant), None, created_signals=signals))
    seen: list[Signal] = []
    cursor = None
    for size in (3, 3, 1):
        page = await incidents.signal_page(tenant, INCIDENT, limit=3, cursor=cursor)
        assert len(page.items) == size
        seen, cursor = [*seen, *page.items], page.cursor
    assert cursor is None
    assert seen == [held.value for held in await incidents.signals(tenant, INCIDENT)]
    assert (await incidents.signal_page(TenantId(f"{tenant}-other"), INCIDENT, limit=3)).items == []
    for foreign in ("x", "W10", "a" * 500):
        with pytest.raises(Malformed):
            await incidents.signal_page(tenant, INCIDENT, limit=3, cursor=foreign)


async def told_in_writes(incidents: IncidentStore, tenant: TenantId, writes: int) -> list[TimelineEntry]:
    """Each write tells of two events."""
    etag = None
    for version in range(1, writes + 1):
        after = the_incident(tenant, version=version)
        events = (TimelineEvent.SIGNALS_RESOLVED, TimelineEvent.RESOLVED)
        told = [entry(after, event, "why", now=NOON) for event in events]
        await incidents.commit(tenant, IncidentChange(after, etag, timeline=told))
        held = await incidents.read(tenant, INCIDENT)
        assert held is not None
        etag = held.etag
    return await incidents.timeline(tenant, INCIDENT)


@pytest.mark.parametrize("order", TimelineOrder)
async def test_a_timeline_comes_in_pages_that_end_with_a_write(
    incidents: IncidentStore, tenant: TenantId, order: TimelineOrder
) -> None:
    whole = await told_in_writes(incidents, tenant, 5)
    seen: list[TimelineEntry] = []
    cursor = None
    for size in (4, 4, 2):
        page = await incidents.timeline_page(tenant, INCIDENT, limit=3, cursor=cursor, order=order)
        assert len(page.items) == size
        seen, cursor = [*seen, *page.items], page.cursor
    assert cursor is None
    assert seen == (whole if order is TimelineOrder.OLDEST else whole[::-1])


async def test_a_timelines_cursor_has_one_order_and_one_spelling(incidents: IncidentStore, tenant: TenantId) -> None:
    await told_in_writes(incidents, tenant, 2)
    cursor = (await incidents.timeline_page(tenant, INCIDENT, limit=1)).cursor
    assert cursor is not None
    for foreign in (cursor + "=", cursor[:-1], "x", "W10", "a" * 500):
        with pytest.raises(Malformed):
            await incidents.timeline_page(tenant, INCIDENT, limit=1, cursor=foreign)
    with pytest.raises(Malformed):
        await incidents.timeline_page(tenant, INCIDENT, limit=1, cursor=cursor, order=TimelineOrder.NEWEST)
    other = TenantId(f"{tenant}-other")
    assert (await incidents.timeline_page(other, INCIDENT, limit=1, cursor=cursor)).items == []


async def test_one_entry_is_found_by_its_id_and_a_signal_is_none(incidents: IncidentStore, tenant: TenantId) -> None:
    await opened(incidents, tenant)
    (told,) = await incidents.timeline(tenant, INCIDENT)
    assert await incidents.timeline_entry(tenant, INCIDENT, told.id) == told
    assert await incidents.timeline_entry(tenant, INCIDENT, the_signal(tenant, "a").id) is None
    assert await incidents.timeline_entry(TenantId(f"{tenant}-other"), INCIDENT, told.id) is None


async def test_snapshots_are_listed_oldest_first_without_what_they_hold(
    incidents: IncidentStore, tenant: TenantId
) -> None:
    snapshots = [
        a_snapshot(tenant_id=tenant, id=SnapshotId(f"snap-{n}"), taken_at=NOON - timedelta(seconds=n)) for n in (1, 2)
    ]
    await incidents.commit(tenant, IncidentChange(the_incident(tenant), None, snapshots=snapshots))
    lines = await incidents.snapshot_lines(tenant, INCIDENT)
    assert [line.id for line in lines] == ["snap-2", "snap-1"]
    assert (lines[0].service, lines[0].sha256) == ("payment", snapshots[0].sha256)
    assert await incidents.snapshot_lines(TenantId(f"{tenant}-other"), INCIDENT) == []


async def test_what_people_said_is_read_back_the_oldest_first(incidents: IncidentStore, tenant: TenantId) -> None:
    held = await opened(incidents, tenant)
    assert await incidents.feedback(tenant, INCIDENT) == []
    assert await incidents.resolution(tenant, INCIDENT) is None
    later = a_feedback(tenant_id=tenant, given_by="ann", given_at=NOON + timedelta(seconds=1))
    first, named = a_feedback(tenant_id=tenant), a_resolution(tenant_id=tenant)
    change = IncidentChange(the_incident(tenant, version=2), held.etag, said=[later, named, first])
    await incidents.commit(tenant, change)
    assert [one.value for one in await incidents.feedback(tenant, INCIDENT)] == [first, later]
    kept = await incidents.resolution(tenant, INCIDENT)
    assert kept is not None
    assert kept.value == named
    other = TenantId(f"{tenant}-other")
    assert await incidents.feedback(other, INCIDENT) == []
    assert await incidents.resolution(other, INCIDENT) is None


async def test_what_a_person_says_anew_replaces_it_under_the_etag_it_was_read_with(
    incidents: IncidentStore, tenant: TenantId
) -> None:
    held = await opened(incidents, tenant)
    given = a_feedback(tenant_id=tenant)
    await incidents.commit(tenant, IncidentChange(the_incident(tenant, version=2), held.etag, said=[given]))
    (read,) = await incidents.feedback(tenant, INCIDENT)
    anew = Versioned(given.model_copy(update={"verdict": FeedbackVerdict.WRONG}), read.etag)
    for version, expected in ((3, None), (4, Conflict)):
        current = await incidents.read(tenant, INCIDENT)
        assert current is not None
        change = IncidentChange(the_incident(tenant, version=version), current.etag, said_anew=[anew])
        if expected is None:
            await incidents.commit(tenant, change)
        else:
            with pytest.raises(expected):
                await incidents.commit(tenant, change)
    (kept,) = await incidents.feedback(tenant, INCIDENT)
    assert kept.value.verdict is FeedbackVerdict.WRONG


async def test_what_is_said_for_the_first_time_is_said_once(incidents: IncidentStore, tenant: TenantId) -> None:
    held = await opened(incidents, tenant)
    given = a_feedback(tenant_id=tenant)
    await incidents.commit(tenant, IncidentChange(the_incident(tenant, version=2), held.etag, said=[given]))
    current = await incidents.read(tenant, INCIDENT)
    assert current is not None
    with pytest.raises(Conflict):
        await incidents.commit(tenant, IncidentChange(the_incident(tenant, version=3), current.etag, said=[given]))
