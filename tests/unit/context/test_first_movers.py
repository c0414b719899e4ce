"""Who moved first: one piece a service, in the order of onsets."""

from datetime import timedelta

from shared.context.first_movers import first_movers
from shared.context.freeze import freeze
from shared.context.identity import about
from shared.context.window import window_for
from shared.models.evidence import SeriesEvidence
from shared.models.measures import Direction, Metric, Movement, Relation
from shared.models.snapshots import Section, SectionName, SectionStatus
from tests.builders import NOON

STEP = 15.0


def moved(
    service: str,
    seconds: float | None,
    metric: Metric = Metric.ERROR_RATIO,
    direction: Direction = Direction.UP,
) -> SeriesEvidence:
    onset = None if seconds is None else NOON + timedelta(seconds=seconds)
    movement = Movement(
        baseline_median=1.0, baseline_spread=0.1, baseline_samples=9, current=3.0, direction=direction, onset_at=onset
    )
    name = f"{service}/{metric.value}"
    return SeriesEvidence(
        id=name, service=service, relation=Relation.CALLEE, metric=metric, points=((1.0, 1.0),), movement=movement
    )


def order(*pieces: SeriesEvidence) -> tuple[tuple[str, ...], ...]:
    return first_movers(pieces, step_seconds=STEP)


def test_each_service_stands_where_its_first_series_moved() -> None:
    pieces = (moved("web", 120), moved("db", 0, Metric.LATENCY_P95), moved("db", 60), moved("cart", 60))
    assert order(*pieces) == (("db/latency_p95",), ("cart/error_ratio",), ("web/error_ratio",))


def test_onsets_two_samples_apart_cannot_be_told_apart() -> None:
    assert order(moved("a", 0), moved("b", 30), moved("c", 31)) == (
        ("a/error_ratio", "b/error_ratio"),
        ("c/error_ratio",),
    )


def test_what_got_better_or_has_no_onset_did_not_move_first() -> None:
    better = moved("a", 0, direction=Direction.DOWN)
    since_before = moved("b", None, Metric.REQUEST_RATE)
    steady = moved("c", 0, direction=Direction.STEADY)
    other_quantile = moved("d", 0, Metric.LATENCY_P99)
    drop = moved("e", 0, Metric.REQUEST_RATE, Direction.DOWN)
    assert order(better, since_before, steady, other_quantile, drop) == (("e/request_rate",),)


def test_a_snapshot_names_its_first_movers_by_the_ids_of_their_evidence() -> None:
    pieces = (moved("web", 120), moved("db", 0))
    section = Section(name=SectionName.DEPENDENCIES, status=SectionStatus.OK, evidence=pieces)
    body = freeze("web", window_for(NOON, NOON + timedelta(minutes=3), STEP), [section])
    by_id = {one.id: one for one in body.evidence()}
    assert [[about(by_id[name])[0] for name in group] for group in body.first_movers] == [["db"], ["web"]]
