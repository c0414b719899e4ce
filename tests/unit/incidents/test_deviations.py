"""Deviations as signals: the same one once, and never an alert."""

from datetime import timedelta

import pytest

from shared.incidents.deviations import MAX_DEVIATIONS, deviations_in, ids_of, name_of, signals_of, told_of
from shared.models.base import ReceiptId
from shared.models.evidence import SeriesEvidence
from shared.models.incidents import TimelineEvent
from shared.models.measures import Direction, Metric, Movement, Relation, TrafficShift
from shared.models.signals import AlertStatus, Severity, Signal, SignalType, Source
from shared.models.snapshots import PARTIAL, Section, SectionName, SectionStatus, Snapshot
from tests.builders import ACME, NOON, a_snapshot, an_incident

RECEIPT = ReceiptId("rcp-1")


def a_piece(
    service: str = "payment",
    metric: Metric = Metric.REQUEST_RATE,
    *,
    relation: Relation = Relation.SELF,
    direction: Direction = Direction.UP,
    shift: TrafficShift | None = TrafficShift.SURGE,
    onset_seconds: float | None = 0.0,
    score: float = 3.0,
) -> SeriesEvidence:
    movement = Movement(
        baseline_median=20.0,
        baseline_spread=1.0,
        baseline_samples=90,
        current=60.0,
        score=score,
        direction=direction,
        shift=shift if metric is Metric.REQUEST_RATE else None,
        onset_at=None if onset_seconds is None else NOON + timedelta(seconds=onset_seconds),
    )
    return SeriesEvidence(
        id=f"{service}-{metric.value}",
        said="It surged.",
        service=service,
        relation=relation,
        metric=metric,
        query="rate(x)",
        points=((1.0, 1.0),),
        movement=movement,
    )


def looked_at(*pieces: SeriesEvidence) -> Snapshot:
    snapshot = a_snapshot()
    section = Section(name=SectionName.TRAFFIC, status=SectionStatus.OK, evidence=pieces)
    return snapshot.model_copy(update={"body": snapshot.body.model_copy(update={"sections": (section,)})})


def test_fewer_requests_are_no_deviation_where_a_part_of_them_could_not_be_read() -> None:
    drop = a_piece(direction=Direction.DOWN, shift=TrafficShift.DROP)
    errors = a_piece("bank", Metric.ERROR_RATIO, relation=Relation.CALLEE)
    snapshot = looked_at(drop, errors)
    (whole,) = snapshot.body.sections
    partial = whole.model_copy(update={"status": SectionStatus.FAILED, "reason": PARTIAL})
    assert len(deviations_in(snapshot.body)) == 2
    assert deviations_in(snapshot.body.model_copy(update={"sections": (partial,)})) == [errors]


def found(*pieces: SeriesEvidence) -> list[str]:
    return [piece.id for piece in deviations_in(looked_at(*pieces).body)]


def made(*pieces: SeriesEvidence, known: tuple[str, ...] = ()) -> list[Signal]:
    snapshot = looked_at(*pieces)
    return signals_of(snapshot, deviations_in(snapshot.body), known, receipt_id=RECEIPT, now=NOON)


def test_a_shift_of_traffic_and_what_got_worse_around_are_deviations() -> None:
    pieces = (
        a_piece(),
        a_piece("db", Metric.LATENCY_P95, relation=Relation.CALLEE),
        a_piece("web", relation=Relation.CALLER, shift=TrafficShift.DROP, direction=Direction.DOWN),
    )
    assert set(found(*pieces)) == {"payment-request_rate", "db-latency_p95", "web-request_rate"}


@pytest.mark.parametrize(
    "piece",
    [
        a_piece(metric=Metric.ERROR_RATIO),
        a_piece(shift=None),
        a_piece("db", Metric.ERROR_RATIO, relation=Relation.CALLEE, direction=Direction.DOWN),
        a_piece("db", Metric.SATURATION, relation=Relation.CALLEE, direction=Direction.STEADY),
        a_piece("db", Metric.LATENCY_P99, relation=Relation.CALLEE),
    ],
    ids=["own errors, which alert", "no shift to speak of", "got better", "steady", "a further quantile"],
)
def test_the_rest_is_none(piece: SeriesEvidence) -> None:
    assert found(piece) == []


def test_of_many_those_that_went_farthest_are_told() -> None:
    pieces = [a_piece(f"s{n}", relation=Relation.CALLEE, score=float(n)) for n in range(30)]
    assert found(*pieces) == [f"s{n}-request_rate" for n in range(29, 29 - MAX_DEVIATIONS, -1)]


def test_a_deviation_is_an_observation_of_the_look_that_found_it() -> None:
    (signal,) = made(a_piece())
    assert (signal.signal_type, signal.source, signal.status) == (
        SignalType.METRIC_DEVIATION, Source.MEASURED, AlertStatus.OBSERVED,
    )  # fmt: skip
    assert not signal.is_alert
    assert (signal.tenant_id, signal.incident_id, signal.context_snapshot_id) == (ACME, "inc-1", "snap-1")
    assert (signal.timestamp, signal.severity, signal.normalized_data.name) == (
        NOON, Severity.INFO, "request rate surge",
    )  # fmt: skip
    assert signal.normalized_data.summary == "It surged."
    assert signal.normalized_data.values == {"current": 60.0, "baseline": 20.0, "score": 3.0}


@pytest.mark.parametrize("seconds", [-300, -31, 0, 29, 299])
def test_a_look_that_finds_the_onset_a_little_off_finds_the_same_deviation(seconds: float) -> None:
    (first,) = made(a_piece())
    assert made(a_piece(onset_seconds=seconds), known=(first.id,)) == []


def test_an_hour_later_it_is_another_one() -> None:
    (first,) = made(a_piece())
    assert len(made(a_piece(onset_seconds=3600), known=(first.id,))) == 1


def test_another_metric_service_or_direction_is_another_one() -> None:
    others = [
        a_piece("web", relation=Relation.CALLER),
        a_piece(direction=Direction.DOWN),
        a_piece("payment", Metric.LATENCY_P95, relation=Relation.CALLEE),
    ]
    ids = {name for piece in (a_piece(), *others) for name in ids_of(an_incident().incident_id, piece)[:1]}
    assert len(ids) == 4


def test_what_was_there_before_the_window_is_one_for_all_looks() -> None:
    before = a_piece(onset_seconds=None)
    (first,) = made(before)
    assert first.timestamp == a_snapshot().body.window_start
    assert not first.normalized_data.start_known
    assert made(before, known=(first.id,)) == []


def test_the_timeline_tells_of_new_ones_and_of_nothing_else() -> None:
    before = a_piece("web", relation=Relation.CALLER, onset_seconds=None)
    signals = made(a_piece(), before)
    (entry,) = told_of(an_incident(), signals, now=NOON)
    assert entry.event is TimelineEvent.DEVIATIONS_FOUND
    assert (
        entry.text
        == "Measured: web: request rate surge (before 11:00:00 UTC); payment: request rate surge (12:00:00 UTC)"
    )
    assert set(entry.signal_ids) == {one.id for one in signals}
    assert told_of(an_incident(), [], now=NOON) == []


def test_what_has_no_name_is_called_by_its_direction() -> None:
    assert name_of(a_piece("db", Metric.LATENCY_P95)) == "latency p95 up"
