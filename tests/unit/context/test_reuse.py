"""Reuse: measurements of minutes ago stand while they can show what the new alert is about."""

from datetime import timedelta

import pytest

from shared.context.freeze import freeze
from shared.context.reuse import REUSED_FOR, Reuse, reuse_of, with_alerts
from shared.context.window import window_for
from shared.models.base import SnapshotId
from shared.models.evidence import AlertEvidence, EdgeEvidence
from shared.models.signals import Signal
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot, digest
from tests.builders import ACME, NOON, a_signal, an_alert, an_incident, resolved

TAKEN = NOON + timedelta(minutes=2)
LATER = TAKEN + timedelta(minutes=3)


def taken(
    status: SectionStatus = SectionStatus.OK, service: str = "payment", reason: str | None = "timeout"
) -> Snapshot:
    edge = EdgeEvidence(caller="payment", callee="bank", calls_per_second=3, failed_ratio=None)
    sections = [
        Section(name=SectionName.ALERTS, status=SectionStatus.OK),
        Section(name=SectionName.TOPOLOGY, status=SectionStatus.OK, evidence=(edge,)),
        Section(name=SectionName.TRAFFIC, status=status, reason=reason),
    ]
    body = freeze(service, window_for(NOON, TAKEN, 15), sections)
    return Snapshot(
        id="snap-1",
        tenant_id=ACME,
        incident_id=an_incident().incident_id,
        taken_at=TAKEN,
        elapsed_seconds=1,
        body=body,
        sha256=digest(body),
    )


def firing(service: str = "payment", minutes: float = 0) -> Signal:
    return a_signal(an_alert(service_name=service, starts_at=NOON + timedelta(minutes=minutes)))


def test_a_snapshot_of_minutes_ago_that_saw_the_service_and_the_time_is_reused() -> None:
    assert reuse_of(taken(), an_incident(), [firing(), firing("bank", 1)], now=LATER) is Reuse.REUSED


@pytest.mark.parametrize(
    ("latest", "signals", "why"),
    [
        (None, [firing()], Reuse.NONE_YET),
        (taken(service="web"), [firing()], Reuse.NONE_YET),
        (taken(SectionStatus.FAILED), [firing()], Reuse.INCOMPLETE),
        (taken(SectionStatus.STALE), [firing()], Reuse.INCOMPLETE),
        (taken().model_copy(update={"whole_in": "gone"}), [firing()], Reuse.INCOMPLETE),
        (taken(), [firing("stranger")], Reuse.OUT_OF_SIGHT),
        (taken(), [firing(minutes=4)], Reuse.TOO_EARLY),
    ],
)
def test_what_cannot_show_why_the_alert_fires_is_measured_again(
    latest: Snapshot | None, signals: list[Signal], why: Reuse
) -> None:
    assert reuse_of(latest, an_incident(), signals, now=LATER) is why


@pytest.mark.parametrize("reason", ["expression_refused", "not_measured"])
def test_what_nobody_could_answer_minutes_later_asks_for_no_new_look(reason: str) -> None:
    latest = taken(SectionStatus.FAILED, reason=reason)
    assert reuse_of(latest, an_incident(), [firing()], now=LATER) is Reuse.REUSED


def test_what_is_over_asks_for_no_new_look() -> None:
    over = a_signal(resolved(an_alert(service_name="stranger")))
    assert reuse_of(taken(), an_incident(), [firing(), over], now=LATER) is Reuse.REUSED


def test_reuse_does_not_prolong_itself() -> None:
    again = with_alerts(taken(), [firing()], snapshot_id=SnapshotId("snap-2"), now=LATER)
    assert again.body.measured_at == TAKEN
    late = TAKEN + REUSED_FOR + timedelta(seconds=1)
    assert reuse_of(again, an_incident(), [firing()], now=late) is Reuse.TOO_OLD


def test_a_reused_snapshot_has_the_alerts_of_now_and_the_measurements_of_then() -> None:
    first = with_alerts(taken(), [firing()], snapshot_id=SnapshotId("snap-2"), now=LATER)
    again = with_alerts(first, [firing(), firing("bank")], snapshot_id=SnapshotId("snap-3"), now=LATER)
    alerts = [one.service for one in again.body.evidence() if isinstance(one, AlertEvidence)]
    assert sorted(alerts) == ["bank", "payment"]
    assert all(
        one.id and one.said and one.fetched_at for one in again.body.evidence() if isinstance(one, AlertEvidence)
    )
    assert again.body.section(SectionName.TOPOLOGY) == taken().body.section(SectionName.TOPOLOGY)
    assert (again.body.reused_from, again.id, again.is_intact) == ("snap-1", "snap-3", True)
