"""Calls that are made no more carry nothing; those that are declared count, though nobody knows how many they are."""

from collections.abc import Sequence

from shared.hypotheses.explain import explained
from shared.hypotheses.observation import SeriesKind
from shared.hypotheses.picture import picture_of
from shared.hypotheses.scene import Scene, scene_of
from shared.hypotheses.suspects import Suspected, observation_of, suspects_of
from shared.models.evidence import EdgeEvidence, EdgeSource
from shared.models.snapshots import SectionName
from tests.builders import NOON
from tests.unit.hypotheses.scenes import World


def scene(*edges: EdgeEvidence) -> Scene:
    """Checkout alerts; payment had errors before it. Who calls whom is as given."""
    world = World(alerting="checkout", calls={"checkout": {"payment": 10}})
    body = world.errors("payment", 0.5).errors("checkout", 0.5, at=15).body()
    sections = tuple(
        section.model_copy(update={"evidence": edges}) if section.name is SectionName.TOPOLOGY else section
        for section in body.sections
    )
    return scene_of(body.model_copy(update={"sections": sections}))


def an_edge(
    caller: str, callee: str, *, rate: float = 0, told_by: EdgeSource = EdgeSource.SERVICE_GRAPH
) -> EdgeEvidence:
    seen_at = None if told_by is EdgeSource.DECLARED else NOON
    return EdgeEvidence(
        caller=caller, callee=callee, calls_per_second=rate, failed_ratio=None, told_by=(told_by,), seen_at=seen_at
    )


def ranking(*edges: EdgeEvidence) -> Sequence[Suspected]:
    return suspects_of(scene(*edges))


def test_a_call_that_is_made_no_more_changes_no_ranking() -> None:
    unrelated = an_edge("web", "checkout", rate=5)
    silent = [an_edge("checkout", "payment"), an_edge("payment", "gone"), an_edge("old", "checkout")]
    assert ranking(unrelated, *silent) == ranking(unrelated)
    assert scene(unrelated, *silent).cone() == {"checkout"}


def test_an_entry_that_was_called_once_is_an_entry_still() -> None:
    assert scene(an_edge("old", "checkout")).callers_of("checkout") == []


def test_a_declared_call_explains_its_caller_though_nobody_counts_it() -> None:
    declared = scene(an_edge("checkout", "payment", told_by=EdgeSource.DECLARED))
    picture = picture_of(observation_of(declared))
    hurt = picture.of("checkout", SeriesKind.ERRORS, "")
    assert hurt is not None
    assert explained(picture, hurt) == 1
    assert suspects_of(declared)[0].service == "payment"


def test_a_call_with_the_rate_of_before_the_outage_explains_as_one_that_is_made() -> None:
    past = an_edge("checkout", "payment", rate=10).model_copy(update={"is_past": True})
    made = an_edge("checkout", "payment", rate=10)
    assert [one.score for one in ranking(past)] == [one.score for one in ranking(made)]
