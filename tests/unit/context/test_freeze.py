"""Freezing: one order, one id a piece, bounded."""

from datetime import timedelta

import pytest

from shared.context.changes.running import Grid, turns
from shared.context.freeze import coverage_of, freeze, onset_of
from shared.context.limit import within_limit
from shared.context.window import (
    DEFAULT_SCRAPE_SECONDS,
    MAX_POINTS,
    lag_of,
    onset_reference,
    scrape_interval,
    window_for,
)
from shared.models.evidence import ChangeEvidence, EdgeEvidence, SeriesEvidence
from shared.models.measures import RED, Direction, Metric, Movement, Relation
from shared.models.snapshots import Section, SectionName, SectionStatus
from shared.ports.metrics import Sample
from tests.builders import NOON, a_signal, an_alert, an_incident, resolved

WINDOW = window_for(NOON, NOON + timedelta(minutes=2), 15)
SMALL = 900_000
STEADY = Movement(baseline_median=0.0, baseline_spread=0.1, baseline_samples=20, current=0.0)


def a_series(service: str = "payment", **changes: object) -> SeriesEvidence:
    fields = {
        "service": service,
        "relation": Relation.SELF,
        "metric": Metric.ERROR_RATIO,
        "query": "q",
        "points": ((1.0, 0.5),),
        "movement": STEADY,
        **changes,
    }
    return SeriesEvidence.model_validate(fields)


def a_section(name: SectionName, *evidence: object, warnings: tuple[str, ...] = ()) -> Section:
    return Section.model_validate(
        {"name": name, "status": SectionStatus.OK, "evidence": evidence, "warnings": warnings}
    )


def moving(minutes: float, direction: Direction = Direction.UP) -> Movement:
    return STEADY.model_copy(update={"direction": direction, "onset_at": NOON + timedelta(minutes=minutes)})


def test_ids_and_bytes_do_not_depend_on_the_order_of_arrival() -> None:
    pieces = [
        a_series("cart", relation=Relation.CALLEE),
        a_series("web", relation=Relation.CALLER),
        a_series("bank", relation=Relation.CALLEE),
    ]
    edges = [EdgeEvidence(caller="b", callee=to, calls_per_second=1, failed_ratio=None) for to in ("d", "c")]

    def frozen(reverse: bool) -> str:
        sections = [
            a_section(SectionName.DEPENDENCIES, *(pieces[::-1] if reverse else pieces)),
            a_section(SectionName.TOPOLOGY, *(edges[::-1] if reverse else edges)),
        ]
        return freeze("payment", WINDOW, sections[::-1] if reverse else sections).canonical_json()

    assert frozen(reverse=False) == frozen(reverse=True)
    body = freeze("payment", WINDOW, [a_section(SectionName.DEPENDENCIES, *pieces)])
    assert [one.service for one in body.evidence() if isinstance(one, SeriesEvidence)] == ["web", "bank", "cart"]


def test_changes_stand_by_how_near_to_the_onset_they_were_and_those_after_it_last() -> None:
    def change(minutes: float) -> ChangeEvidence:
        return ChangeEvidence(service="payment", at=NOON + timedelta(minutes=minutes), title=f"{minutes:g}")

    changes = [change(minutes) for minutes in (-600, 1, -3, 30, -90)]
    body = freeze("payment", WINDOW, [a_section(SectionName.CHANGES, *changes)])
    found = [one for one in body.evidence() if isinstance(one, ChangeEvidence)]
    assert [one.title for one in found] == ["1", "-3", "-90", "-600", "30"]
    assert [one.seconds_before_onset for one in found] == [-60, 180, 5400, 36000, -1800]


def test_the_next_snapshot_names_the_same_thing_the_same() -> None:
    def ids(*pieces: SeriesEvidence) -> dict[str, str]:
        body = freeze("payment", WINDOW, [a_section(SectionName.DEPENDENCIES, *pieces)])
        return {one.service: one.id for one in body.evidence() if isinstance(one, SeriesEvidence)}

    moved = a_series("cart", movement=moving(1), points=((2.0, 7.0),))
    assert ids(a_series("bank"), moved)["cart"] == ids(a_series("cart"))["cart"]
    assert len(set(ids(a_series("bank"), moved).values())) == 2


def test_two_pieces_about_the_same_thing_have_two_ids() -> None:
    body = freeze("payment", WINDOW, [a_section(SectionName.DEPENDENCIES, a_series("cart"), a_series("cart"))])
    assert len({one.id for one in body.evidence()}) == 2


def test_every_piece_says_in_a_sentence_what_it_is_and_when_it_was_asked() -> None:
    found = a_series(movement=moving(-2).model_copy(update={"current": 0.12}))
    (piece,) = freeze("payment", WINDOW, [a_section(SectionName.TRAFFIC, found)]).evidence()
    assert piece.said == "The error ratio of payment rose to 12 % at 11:58:00 UTC, where it was 0 % before."
    assert (piece.unit, piece.window_start, piece.window_end) == ("ratio", WINDOW.start, WINDOW.end)


def test_the_coverage_names_what_could_not_be_looked_at() -> None:
    sections = [
        a_section(SectionName.ALERTS),
        a_section(SectionName.TRAFFIC).model_copy(update={"status": SectionStatus.EMPTY}),
        a_section(SectionName.TOPOLOGY).model_copy(update={"status": SectionStatus.STALE}),
        a_section(SectionName.SLO).model_copy(update={"status": SectionStatus.FAILED, "reason": "timeout"}),
    ]
    coverage = coverage_of(sections)
    assert coverage.share == 0.75
    assert [(one.section, one.reason) for one in coverage.blind] == [(SectionName.SLO, "timeout")]


def test_points_are_rounded_and_bounded() -> None:
    points = tuple((1_800_000_000.12345 + n, 1 / 3) for n in range(MAX_POINTS + 50))
    moved = STEADY.model_copy(update={"baseline_median": 2 / 3, "current": None})
    body = freeze("payment", WINDOW, [a_section(SectionName.TRAFFIC, a_series(points=points, movement=moved))])
    (piece,) = body.evidence()
    assert isinstance(piece, SeriesEvidence)
    assert len(piece.points) == MAX_POINTS
    assert piece.points[-1] == (1_800_000_349.123, 0.333333)
    assert (piece.movement.baseline_median, piece.movement.current) == (0.666667, None)


def of_the_largest_kind(query_chars: int) -> list[SeriesEvidence]:
    points = tuple((1_800_000_000.5 + n, 123456.789 / (n + 1)) for n in range(MAX_POINTS))
    return [
        a_series(
            f"{n:03d}" + "s" * 200,
            relation=Relation.CALLEE,
            metric=metric,
            points=points,
            query="q" * query_chars,
            movement=STEADY.model_copy(update={"score": float(n)}),
        )
        for n in range(29)
        for metric in RED
    ]


def test_a_body_too_large_loses_points_of_the_least_moved_series() -> None:
    whole = freeze("x" * 500, WINDOW, [a_section(SectionName.DEPENDENCIES, *of_the_largest_kind(4000))])
    body = within_limit(whole, max_bytes=SMALL)
    assert len(body.canonical_json().encode()) < SMALL
    assert len(body.service) == 120
    assert body.sections[0].warnings == ("points are thinned out to keep the snapshot small",)
    kept = [len(one.points) for one in body.evidence() if isinstance(one, SeriesEvidence)]
    assert len(kept) == 87
    assert set(kept) == {MAX_POINTS // 5, MAX_POINTS}


def test_the_newest_point_survives_thinning() -> None:
    whole = freeze("s", WINDOW, [a_section(SectionName.DEPENDENCIES, *of_the_largest_kind(4000))])
    piece = next(within_limit(whole, max_bytes=SMALL).evidence())
    assert isinstance(piece, SeriesEvidence)
    assert piece.points[-1][0] == 1_800_000_000.5 + MAX_POINTS - 1


def test_no_text_whatever_makes_a_body_too_large() -> None:
    wide = "\U0001f600" * 5000
    edges = [EdgeEvidence(caller=wide, callee=wide, calls_per_second=1, failed_ratio=None) for _ in range(300)]
    series = [one.model_copy(update={"query": wide}) for one in of_the_largest_kind(1)]
    sections = [
        a_section(SectionName.TOPOLOGY, *edges, warnings=(wide,)),
        a_section(SectionName.DEPENDENCIES, *series),
    ]
    body = within_limit(freeze(wide, WINDOW, sections), max_bytes=SMALL // 10)
    assert len(body.canonical_json().encode()) < SMALL // 10
    assert any("evidence is left out to keep the snapshot small" in one.warnings for one in body.sections)


def test_warnings_are_told_once_and_bounded() -> None:
    warnings = ("same", "same", *(f"w{n} " + "x" * 400 for n in range(40)))
    (section,) = freeze("s", WINDOW, [a_section(SectionName.TRAFFIC, warnings=warnings)]).sections
    assert len(section.warnings) == 20
    assert section.warnings[0] == "same"
    assert section.warnings[-1] == "22 more warnings are left out"
    assert max(map(len, section.warnings)) <= 300


@pytest.mark.parametrize(
    ("newest", "lag"), [((880.0,), 120.0), ((995.0, 880.0), 5.0), ((1010.0,), 0.0), ((), 0.0), ((float("nan"),), 0.0)]
)
def test_the_newest_sample_of_all_says_how_far_a_source_lags(newest: tuple[float, ...], lag: float) -> None:
    others = [Sample({"pace": "0", "over": "120"}, 0, 8)]
    assert lag_of([*others, *(Sample({"pace": "newest"}, 0, value) for value in newest)], 1000.0) == lag


@pytest.mark.parametrize(
    ("movements", "expected"),
    [
        ([], 0),
        ([(Metric.ERROR_RATIO, moving(-3))], -3),
        ([(Metric.ERROR_RATIO, moving(-3)), (Metric.LATENCY_P95, moving(-4))], -4),
        ([(Metric.ERROR_RATIO, moving(-3)), (Metric.REQUEST_RATE, moving(-9, Direction.DOWN))], -3),
        ([(Metric.REQUEST_RATE, moving(-9, Direction.DOWN))], -9),
        ([(Metric.LATENCY_P95, moving(-8, Direction.DOWN)), (Metric.ERROR_RATIO, moving(-3))], -3),
        ([(Metric.ERROR_RATIO, moving(1))], 0),
    ],
)
def test_the_onset_is_the_earliest_symptom_of_the_service_itself(
    movements: list[tuple[Metric, Movement]], expected: float
) -> None:
    own = [a_series(metric=metric, movement=movement) for metric, movement in movements]
    other = a_series("cart", relation=Relation.CALLEE, movement=moving(-30))
    assert onset_of([a_section(SectionName.TRAFFIC, *own, other)], NOON) == NOON + timedelta(minutes=expected)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"1": [0, 1, 2], "2": [3, 4]}, [("2", "1", 3)]),
        ({"1": [0, 1, 2, 3, 4]}, []),
        ({"1": [0, 1, 4, 5]}, []),
        ({"1": [2, 3, 4]}, []),
        ({"1": [0, 1, 2, 3], "2": [2, 3]}, [("2", "1", 2)]),
        ({"1": [0, 1], "2": [2, 3], "3": [4, 5]}, [("2", "1", 2), ("3", "2", 4)]),
        ({"lib": [0, 1, 2, 3, 4], "1": [0, 1, 2], "2": [3, 4]}, [("2", "1", 3)]),
    ],
    ids=["deploy", "nothing", "restart", "young data", "canary", "two deploys", "the one that ended"],
)
def test_a_deploy_is_a_version_that_appeared_where_another_ran(
    seen: dict[str, list[float]], expected: list[tuple[str, str, float]]
) -> None:
    found = turns(seen, Grid(fine_from=0, fine_step=1, coarse_step=1))
    assert [(one.version, one.previous, one.at) for one in found] == expected


@pytest.mark.parametrize("scrape_seconds", [1, 5, 15, 30, 60, 120])
@pytest.mark.parametrize("age", [0, 1, 90, 3600, 6 * 3600])
def test_a_window_is_aligned_and_has_at_most_300_points(scrape_seconds: int, age: int) -> None:
    now = NOON + timedelta(seconds=7.3)
    window = window_for(now - timedelta(seconds=age), now, scrape_seconds)
    span = (window.end - window.start).total_seconds()
    assert span / window.step_seconds + 1 <= MAX_POINTS
    assert window.start.timestamp() % window.step_seconds == window.end.timestamp() % window.step_seconds == 0
    assert now - timedelta(seconds=window.step_seconds) <= window.end <= now
    assert window.rate_seconds >= max(4 * scrape_seconds, 4, window.step_seconds)
    assert timedelta(minutes=10) <= window.reference - window.start <= timedelta(minutes=60, seconds=120)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"0/15": 15, "0/120": 120, "0/600": 600}, 1),
        ({"0/15": 15, "0/120": 30, "0/600": 30}, 1),
        ({"0/15": 1, "0/120": 8, "0/600": 40}, 15),
        ({"0/15": 2, "0/120": 9, "0/600": 41}, 13),
        ({"0/120": 2, "0/600": 10}, 60),
        ({"0/600": 2}, 300),
        ({"0/600": 30}, 20),
        ({"0/120": 1, "0/600": 1}, 120),
        ({"0/120": 2, "3/15": 15, "3/120": 120}, 60),
        ({"0/600": 1, "3/120": 8}, 15),
        ({}, DEFAULT_SCRAPE_SECONDS),
        ({"0/120": float("nan")}, DEFAULT_SCRAPE_SECONDS),
    ],
    ids=[
        "fast", "fast and new", "usual", "usual, inclusive ends", "slow", "seldom", "gone of late", "one sample",
        "others are faster", "own say too little", "nothing", "nonsense",
    ],
)  # fmt: skip
def test_the_scrape_interval_is_told_from_the_counts(counts: dict[str, float], expected: float) -> None:
    labelled = [(dict(zip(("pace", "over"), of.split("/"), strict=True)), value) for of, value in counts.items()]
    assert scrape_interval([Sample(labels, 0, value) for labels, value in labelled]) == expected


def test_the_reference_is_the_earliest_firing_alert_within_six_hours() -> None:
    alerts = [an_alert(fingerprint=str(m), starts_at=NOON + timedelta(minutes=m)) for m in (-5, -9)]
    firing, over = [a_signal(one) for one in alerts], a_signal(resolved(alerts[1]))
    assert onset_reference(an_incident(), firing, NOON) == NOON - timedelta(minutes=9)
    assert onset_reference(an_incident(), [firing[0], over], NOON) == NOON - timedelta(minutes=5)
    assert onset_reference(an_incident(), [over], NOON) == NOON - timedelta(minutes=9)
    assert onset_reference(an_incident(), firing, NOON + timedelta(days=1)) == NOON + timedelta(hours=18)
    assert onset_reference(an_incident(), firing, NOON - timedelta(minutes=30)) == NOON - timedelta(minutes=30)
    assert onset_reference(an_incident(detected_at=NOON), [], NOON) == NOON


def test_a_look_for_a_new_alert_is_about_its_time_not_about_one_that_never_resolved() -> None:
    old = a_signal(an_alert(fingerprint="old", starts_at=NOON - timedelta(hours=2)), created_at=NOON)
    new = a_signal(
        an_alert(fingerprint="new", starts_at=NOON + timedelta(minutes=9)), created_at=NOON + timedelta(minutes=10)
    )
    wanted = an_incident(context_wanted_at=NOON + timedelta(minutes=10))
    assert onset_reference(wanted, [old, new], NOON + timedelta(minutes=11)) == NOON + timedelta(minutes=9)


def test_what_was_masked_is_counted_by_kind() -> None:
    secret = a_series(query='up{token="abcdefghijklmnop"} and up{owner="erin@acme.example"}')
    body = freeze("payment", WINDOW, [a_section(SectionName.TRAFFIC, secret)])
    assert "abcdefghijklmnop" not in body.canonical_json()
    assert sum(body.redacted.values()) == body.canonical_json().count("[redacted:") == 2
