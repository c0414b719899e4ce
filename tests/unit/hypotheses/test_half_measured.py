"""Half-measured snapshots are not health, numbers are for people, and the model sees how it is now."""

import json

import pytest

from shared.hypotheses.answer import ranked_set
from shared.hypotheses.propose import render
from shared.hypotheses.rendering import MAX_TREND
from shared.models.evidence import SeriesEvidence
from shared.models.hypotheses import Conclusion
from shared.models.measures import Metric
from shared.models.snapshots import SectionName, SectionStatus, Snapshot
from tests.builders import NOON
from tests.unit.hypotheses.scenes import a_snapshot_of
from tests.unit.hypotheses.test_ranking import answer, the_shop


@pytest.mark.parametrize("section", [SectionName.TRAFFIC, SectionName.DEPENDENCIES])
def test_steady_series_beside_a_section_that_failed_are_not_read_as_health(section: SectionName) -> None:
    world = the_shop("frontend")
    world.statuses = {section: SectionStatus.FAILED}
    assert answer(world).conclusion is Conclusion.NOT_MEASURED


def test_long_latencies_are_told_without_exponents() -> None:
    world = the_shop("payment").move("payment", Metric.LATENCY_P95, 0.05, 2.0)
    world.move("frontend", Metric.REQUEST_RATE, 40, 12345)
    claims = " ".join(one.claim for one in answer(world).hypotheses)
    assert "takes 2 s at" in claims
    assert "gets 12345 requests/s" in claims


def with_points(count: int) -> Snapshot:
    body = the_shop("payment").errors("payment", 0.5).body()
    points = tuple((float(at), float(at)) for at in range(count))
    sections = tuple(
        section.model_copy(
            update={
                "evidence": tuple(
                    piece.model_copy(update={"points": points}) if isinstance(piece, SeriesEvidence) else piece
                    for piece in section.evidence
                )
            }
        )
        for section in body.sections
    )
    return a_snapshot_of(body.model_copy(update={"sections": sections}))


@pytest.mark.parametrize("count", [20, 39, 300])
def test_a_long_series_is_shown_in_few_points_and_the_last_is_one_of_them(count: int) -> None:
    snapshot = with_points(count)
    lines = render(snapshot, ranked_set(snapshot, now=NOON)).material.splitlines()[1:-1]
    shown = next(one for one in map(json.loads, lines) if one["kind"] == "series")
    assert shown["trend"][-1] == shown["last"] == count - 1
    assert len(shown["trend"]) <= MAX_TREND
    assert (shown["min"], shown["max"]) == (0, count - 1)
