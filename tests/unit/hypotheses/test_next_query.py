"""The next query: made of queries that found evidence, and with another outcome for each of two suspects."""

from typing import Any

import pytest

from shared.hypotheses.answer import ranked_set
from shared.hypotheses.discriminate import MAX_QUERY_CHARS, next_query, sentence
from shared.models.evidence import AlertEvidence, EdgeEvidence, EdgeSource, SeriesEvidence
from shared.models.hypotheses import Hypothesis, NextQuery
from shared.models.measures import Metric
from shared.models.snapshots import Section, SectionName, SectionStatus, SnapshotBody
from tests.builders import NOON
from tests.unit.hypotheses.scenes import World, a_snapshot_of

CALLS = {"web": {"cart": 10, "search": 10}, "cart": {"stock": 5}}


def suspects(*services: str) -> list[Hypothesis]:
    return [
        Hypothesis(
            rank=at, claim=name, suspected_service=name, mechanism="it fails", supporting=("E1",), score=0.5,
            confidence=0.5 - at / 100,
        )
        for at, name in enumerate(services, start=1)
    ]  # fmt: skip


def changed(body: SnapshotBody, change: Any) -> SnapshotBody:
    """The body with each piece as `change` makes it; None leaves it out."""
    sections = [
        section.model_copy(update={"evidence": tuple(new for one in section.evidence if (new := change(one)))})
        for section in body.sections
    ]
    return body.model_copy(update={"sections": tuple(sections)})


def blind(body: SnapshotBody, *unmeasured: str) -> SnapshotBody:
    """Services could not be measured, and the snapshot says so."""
    without = changed(
        body, lambda one: None if isinstance(one, SeriesEvidence) and one.service in unmeasured else one
    )

    def failing(section: Section) -> Section:
        is_it = section.name is SectionName.DEPENDENCIES
        return section.model_copy(update={"status": SectionStatus.FAILED, "reason": "timeout"}) if is_it else section

    return without.model_copy(update={"sections": tuple(map(failing, without.sections))})


def queries_of(body: SnapshotBody) -> set[str]:
    return {piece.query for piece in body.evidence() if piece.query}


def test_a_service_that_could_not_be_measured_and_tells_the_suspects_apart_is_asked_for() -> None:
    body = blind(World("web", CALLS).errors("web", 0.4).errors("search", 0.3).body(), "cart")
    asked = next_query(body, suspects("search", "stock"))
    assert asked.query == 'error_ratio{service="cart"}'
    assert asked.distinguishes == ("search", "stock")
    assert asked.expected == {
        "search": "cart is as usual",
        "stock": "cart is worse than usual since 12:00:00 UTC",
    }


def test_a_suspect_that_could_not_be_measured_is_asked_for_itself() -> None:
    body = blind(World("web", CALLS).errors("web", 0.4).errors("search", 0.3).body(), "cart", "stock")
    asked = next_query(body, suspects("search", "stock"))
    assert asked.query == 'error_ratio{service="stock"}'
    assert asked.expected["search"] == "stock is as usual"


def test_a_longer_name_does_not_make_a_query_too_long() -> None:
    def longer(piece: Any) -> Any:
        if not isinstance(piece, SeriesEvidence):
            return piece
        room = MAX_QUERY_CHARS - len(piece.query or "") - 1
        return piece.model_copy(update={"query": f"{piece.query} {'x' * room}"})

    name = "s" * 100
    world = World("web", {"web": {name: 10, "search": 10}}).errors("web", 0.4).errors("search", 0.3)
    body = changed(blind(world.body(), name), longer)
    assert len(next_query(body, suspects("search", name)).query or "") <= MAX_QUERY_CHARS


def test_who_was_asked_for_and_has_no_metrics_is_not_asked_for_again() -> None:
    world = World("web", CALLS, silent={"cart", "stock"}).errors("web", 0.4).errors("search", 0.3)
    asked = next_query(world.body(), suspects("search", "stock"))
    assert asked.query is None
    assert "logs of search and of stock" in asked.look_at


def test_two_that_moved_together_are_drawn_together() -> None:
    body = World("web", CALLS).errors("cart", 0.3).errors("search", 0.3).body()
    asked = next_query(body, suspects("cart", "search"))
    assert asked.query == '(error_ratio{service="cart"}) or (error_ratio{service="search"})'
    assert asked.expected["cart"] == "cart rises before search"


def istio(piece: Any) -> Any:
    """As a mesh measures it: both proxies of a call report it."""
    if isinstance(piece, SeriesEvidence):
        asked = f'latency{{destination="{piece.service}",reporter="destination"}}'
        return piece.model_copy(update={"query": asked})
    if isinstance(piece, EdgeEvidence):
        return piece.model_copy(update={"told_by": (EdgeSource.ISTIO,)})
    return piece


def test_a_caller_and_its_callee_are_told_apart_by_what_is_spent_between_them() -> None:
    world = World("web", CALLS).move("cart", Metric.LATENCY_P95, 0.05, 2).move("stock", Metric.LATENCY_P95, 0.05, 2)
    body = changed(world.body(), istio)
    asked = next_query(body, suspects("cart", "stock"))
    assert asked.query == (
        '(latency{destination="stock",reporter="source"}) - (latency{destination="stock",reporter="destination"})'
    )
    assert asked.expected["cart"].startswith("cart waits longer than stock takes")


def test_nobody_is_said_to_measure_both_ends_of_a_call_who_does_not() -> None:
    world = World("web", CALLS).move("cart", Metric.LATENCY_P95, 0.05, 2).move("stock", Metric.LATENCY_P95, 0.05, 2)
    asked = next_query(world.body(), suspects("cart", "stock"))
    assert asked.query is not None
    assert " - " not in asked.query


def test_of_a_lone_suspect_its_own_past_is_asked_for() -> None:
    body = World("web", CALLS).errors("cart", 0.3).body()
    asked = next_query(body, suspects("cart"))
    assert (asked.query, asked.distinguishes) == ('error_ratio{service="cart"}', ("cart",))


def test_of_a_lone_suspect_that_nobody_measures_the_logs_are_looked_at() -> None:
    assert next_query(World("web", CALLS).body(), suspects("stock")).query is None


def test_a_question_about_several_days_is_asked_of_now_alone() -> None:
    def many(piece: Any) -> Any:
        if not isinstance(piece, SeriesEvidence):
            return piece
        days = " or ".join(
            f'label_replace({piece.query} offset {back}s, "back", "{back}", "", "")' for back in (86400, 604800)
        )
        return piece.model_copy(update={"query": f'label_replace({piece.query}, "back", "0", "", "") or {days}'})

    body = changed(World("web", CALLS).errors("cart", 0.3).body(), many)
    assert next_query(body, suspects("cart")).query == 'error_ratio{service="cart"}'


@pytest.mark.parametrize("name", ['a"} or vector(1) #', "a\\", "x" * 121, "a b"])
def test_a_name_that_is_no_plain_name_is_never_put_into_a_query(name: str) -> None:
    world = World("web", {"web": {name: 10, "search": 10}}).errors("web", 0.4).errors("search", 0.3)
    body = blind(world.body(), name)
    asked = next_query(body, suspects("search", name[:120]))
    assert asked.query is None or asked.query in queries_of(body)


def test_a_query_that_is_too_long_is_not_shown() -> None:
    def longer(piece: Any) -> Any:
        is_series = isinstance(piece, SeriesEvidence)
        return piece.model_copy(update={"query": "x" * (MAX_QUERY_CHARS + 1)}) if is_series else piece

    body = changed(World("web", CALLS).errors("cart", 0.3).errors("search", 0.3).body(), longer)
    assert next_query(body, suspects("cart", "search")).query is None


@pytest.mark.parametrize(("length", "told"), [(389, "Look. Run: " + "x" * 389), (390, "Look.")])
def test_as_a_next_step_it_is_one_short_line_and_never_half_a_query(length: int, told: str) -> None:
    assert sentence(NextQuery(query="x" * length, look_at="Look.", distinguishes=("a",), expected={})) == told


def test_an_inconclusive_answer_of_the_ranker_carries_its_question() -> None:
    world = World("web", {"web": {"cart": 10, "search": 10}})
    world.errors("web", 0.4, 5).errors("cart", 0.2).errors("search", 0.2)
    found = ranked_set(a_snapshot_of(world.body()), now=NOON)
    assert found.next_query is not None
    assert set(found.next_query.distinguishes) == {"cart", "search"}


def test_a_step_of_the_ranker_never_holds_half_a_query() -> None:
    def longer(piece: Any) -> Any:
        match piece:
            case SeriesEvidence():
                return piece.model_copy(update={"query": "x" * 500})
            case AlertEvidence():
                return piece.model_copy(update={"expression": "y" * 500})
            case _:
                return piece

    ill = changed(World("web", CALLS).errors("cart", 0.3).body(), longer)
    first = ranked_set(a_snapshot_of(ill), now=NOON).hypotheses[0]
    assert any(f"Watch it: the query of {one}." in first.next_steps for one in first.supporting)
    well = changed(World("web", CALLS).body(), longer)
    assert (
        "Run the alert's own expression over a longer range." in ranked_set(a_snapshot_of(well), now=NOON).next_steps
    )
