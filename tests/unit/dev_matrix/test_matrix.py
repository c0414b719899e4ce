"""Which cases the matrix plays, how an answer is judged, and when the whole of it is good enough."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dev.matrix.breaking import flag_turned, next_version, requests_per_second
from dev.matrix.cases import SERVICES, WINDOWS, Case, FaultKind, between, cases_of
from dev.matrix.judging import Outcome, Result, are_met, by_fault, judged, shares_of, told_of
from dev.matrix.lane import Lane
from dev.matrix.printing import as_json, line_of, print_report
from dev.ports import Ports
from dev.shop.topology import ServiceName
from dev.stack import Layout, Stack, StackOptions
from shared.adapters.memory import services_in_memory
from shared.errors import StoreUnavailable
from tests.builders import NOON

PAYMENT, CATALOG, CART = ServiceName.PAYMENT, ServiceName.CATALOG, ServiceName.CART
BROKEN = Case(1, FaultKind.DOWN, PAYMENT, 0.5, CATALOG, 20)
CALM = Case(2, None, None, 0.5, None, 20)


def an_answer(*services: str, change: str | None = None, conclusion: str = "ranked") -> dict[str, Any]:
    """An answer that suspects these services, the first with a change."""
    hypotheses = [
        {
            "suspected_service": name,
            "suspected_change": change if at == 0 else None,
            "score": 0.5,
            "claim": "it moved",
        }
        for at, name in enumerate(services)
    ]
    return {"hypotheses": hypotheses, "conclusion": conclusion}


NOTHING = an_answer(conclusion="no_evidence")


def test_each_fault_is_played_on_each_service_and_ten_windows_have_none() -> None:
    cases = cases_of(7)
    played = Counter((case.fault, case.service) for case in cases)
    assert played == {**{(fault, on): 1 for fault in FaultKind for on in SERVICES}, (None, None): WINDOWS}
    assert [case.number for case in cases] == list(range(1, 41))


def test_half_of_each_fault_and_of_the_windows_have_a_decoy_that_is_not_the_broken_service() -> None:
    cases = cases_of(7)
    decoys = Counter(case.fault for case in cases if case.decoy)
    assert sum(decoys.values()) == len(cases) / 2
    assert all(decoys[fault] in (2, 3) for fault in FaultKind)
    assert all(case.decoy != case.service for case in cases if case.decoy)


def test_a_seed_decides_order_sizes_and_decoys() -> None:
    assert cases_of(7) == cases_of(7)
    assert cases_of(7) != cases_of(8)


def test_a_few_of_the_cases_are_a_mixture() -> None:
    assert len({case.fault for case in cases_of(1)[:12]}) >= 4


def test_the_broken_service_named_first_is_right_whatever_comes_after() -> None:
    assert judged(BROKEN, an_answer("payment", "catalog"), {}) is Outcome.RIGHT


def test_another_service_named_first_is_wrong() -> None:
    assert judged(BROKEN, an_answer("checkout", "payment"), {}) is Outcome.WRONG


@pytest.mark.parametrize(
    ("answer", "changes"),
    [(an_answer("catalog", "payment"), {}), (an_answer("payment", change="E1"), {"E1": "catalog"})],
    ids=["its service is named first", "its deploy is suspected of what is named first"],
)
def test_a_decoy_is_blamed_by_its_service_and_by_its_deploy(answer: dict[str, Any], changes: dict[str, str]) -> None:
    assert judged(BROKEN, answer, changes) is Outcome.DECOY_BLAMED


def test_an_answer_without_hypotheses_is_a_miss_where_something_is_broken() -> None:
    assert judged(BROKEN, NOTHING, {}) is Outcome.NOTHING_FOUND


def test_without_a_fault_only_no_evidence_is_silence() -> None:
    assert judged(CALM, NOTHING, {}) is Outcome.SILENT
    assert judged(CALM, an_answer("catalog"), {}) is Outcome.FALSE_SUSPECT
    assert judged(CALM, an_answer(conclusion="not_measured"), {}) is Outcome.FALSE_SUSPECT


def results(right: int, wrong: int, blamed: int, silent: int, loud: int) -> list[Result]:
    """So many results of each kind; every fault has a decoy."""
    of_faults = [Outcome.RIGHT] * right + [Outcome.WRONG] * wrong + [Outcome.DECOY_BLAMED] * blamed
    of_windows = [Outcome.SILENT] * silent + [Outcome.FALSE_SUSPECT] * loud
    return [Result(BROKEN, one) for one in of_faults] + [Result(CALM, one) for one in of_windows]


@pytest.mark.parametrize(
    ("counts", "met"),
    [
        ((24, 6, 0, 9, 1), True),
        ((23, 7, 0, 9, 1), False),
        ((26, 0, 4, 10, 0), False),
        ((30, 0, 0, 8, 2), False),
    ],
    ids=["just good enough", "too few right", "too many decoys blamed", "too many windows loud"],
)
def test_the_goals_are_gates(counts: tuple[int, int, int, int, int], met: bool) -> None:
    assert are_met(results(*counts)) is met


def test_nothing_played_is_not_good_enough() -> None:
    assert not are_met([])


def test_what_could_not_be_played_counts_as_a_miss() -> None:
    failed = [Result(BROKEN, Outcome.FAILED, why="the shop did not open")]
    assert shares_of(failed)[0].count == 0
    assert not are_met(failed)


def test_the_table_counts_each_fault_and_the_windows() -> None:
    assert by_fault(results(2, 1, 0, 3, 1)) == [("down", 2, 3), ("no fault", 3, 4)]


def test_a_miss_tells_the_first_hypotheses_and_whose_change_they_suspect() -> None:
    told = told_of(an_answer("a", "b", "c", "d", change="E1"), {"E1": "catalog"})
    assert [one.service for one in told] == ["a", "b", "c"]
    assert told[0].change_of == "catalog"


def test_json_holds_every_case_in_the_order_of_the_seed() -> None:
    later = Result(CALM, Outcome.SILENT, seconds=70.0)
    written = json.loads(as_json(7, [later, Result(BROKEN, Outcome.WRONG)], 140.0))
    assert [case["case"]["number"] for case in written["cases"]] == [1, 2]
    assert [case["good"] for case in written["cases"]] == [False, True]
    assert written["met"] is False


def test_a_line_says_what_became_of_a_case() -> None:
    line = line_of(Result(BROKEN, Outcome.FAILED, why="no page", seconds=12.3), 3, 40)
    assert line == "[3/40] MISS down on payment, decoy catalog: failed (no page), 12 s in all"


def test_the_report_names_each_miss_and_what_was_said_instead(capsys: pytest.CaptureFixture[str]) -> None:
    told = told_of(an_answer("checkout"), {})
    print_report(7, [Result(BROKEN, Outcome.WRONG, told=told), Result(CALM, Outcome.SILENT)], 60.0)
    printed = capsys.readouterr().out
    assert "down on payment, decoy catalog: wrong" in printed
    assert "1. checkout (0.50): it moved" in printed
    assert "right service first: 0 of 1" in printed
    assert "The goals are missed." in printed


def test_the_size_of_a_fault_lies_in_its_range() -> None:
    assert between(BROKEN, 0.6, 0.9) == 0.75


def test_a_new_version_follows_the_first_one() -> None:
    assert next_version(PAYMENT) == "1.5.0"


def test_what_reaches_a_service_follows_from_visits_and_calls() -> None:
    """Of 10 visits: 5 products; 2 into the cart; 1 quote and 2 orders, which both read the cart and prices."""
    assert requests_per_second(ServiceName.FRONTEND, 10) == 0
    assert requests_per_second(CATALOG, 10) == pytest.approx(5 + 1 + 2)
    assert requests_per_second(CART, 10) == pytest.approx(2 + 1 + 2)
    assert requests_per_second(ServiceName.ORDERS_DB, 10) == pytest.approx(2 + 1 + 2 * 3)


class Unreachable:
    """A store that cannot be asked."""

    def __getattr__(self, name: str) -> Any:
        raise StoreUnavailable("it does not answer")


async def test_a_case_that_cannot_be_played_is_a_miss_and_no_error(tmp_path: Path) -> None:
    stack = Stack(StackOptions(Ports(1), Layout(tmp_path)))
    services: Any = SimpleNamespace(services=replace(services_in_memory(), lookups=Unreachable()))
    result = await Lane(1, Ports(1), stack, services).play(BROKEN, "run")
    assert (result.outcome, result.why) == (Outcome.FAILED, "StoreUnavailable: it does not answer")


def test_what_lanes_start_is_stopped_with_the_stack(tmp_path: Path) -> None:
    stack = Stack(StackOptions(Ports(1), Layout(tmp_path)))
    nothing: Any = None
    Lane(1, Ports(1), stack, nothing)
    assert len(stack.beside) == 1


def test_a_flag_is_reported_as_a_flag_without_a_version() -> None:
    assert flag_turned(CART, NOON)["kind"] == "feature_flag"
    assert flag_turned(CART, NOON)["at"] == NOON.isoformat()
    assert "version" not in flag_turned(CART, NOON)
