"""What speaks for one service explaining another."""

from datetime import timedelta

import pytest

from shared.incidents.correlation.features import change_of, illness_of, score_of, time_between
from shared.incidents.correlation.places import places_of, same_owner
from shared.incidents.correlation.relations import CALLEE, CALLEE_FAR, CALLER, CallGraph
from shared.models.correlation import Features
from tests.builders import NOON
from tests.unit.incidents.placing import a_node

WINDOW = 900.0


def time_for(lag: float) -> float | None:
    return time_between(a_node("effect", lag), a_node("cause"), window_seconds=WINDOW)


def test_an_effect_fits_the_better_the_sooner_it_follows() -> None:
    at_once, soon, late = time_for(0), time_for(60), time_for(600)
    assert at_once == 1.0
    assert soon is not None
    assert late is not None
    assert 1.0 > soon > late > 0.0


@pytest.mark.parametrize("lag", [-181, 901])
def test_starts_too_far_apart_do_not_fit_at_all(lag: float) -> None:
    assert time_for(lag) is None


def test_an_effect_may_alert_a_minute_before_its_cause() -> None:
    early = time_for(-60)
    assert early is not None
    assert 0.5 < early < 1.0


def test_a_service_that_was_noisy_long_before_fits_by_when_it_fell_ill_again() -> None:
    again = NOON + timedelta(seconds=20)
    noisy = a_node("effect", -3600, starts=(NOON - timedelta(hours=1), again), last_started_at=again)
    assert time_between(noisy, a_node("cause"), window_seconds=WINDOW) == time_for(20)


def test_a_change_speaks_for_a_cause_only_when_it_came_shortly_before() -> None:
    cause = a_node("payment")
    assert change_of(cause, {"payment": [NOON - timedelta(minutes=5)]}) == 1.0
    assert change_of(cause, {"payment": [NOON - timedelta(hours=2)]}) is None
    assert change_of(cause, {"payment": [NOON + timedelta(minutes=5)]}) is None
    assert change_of(cause, {}) is None


def test_time_alone_scores_nothing() -> None:
    assert score_of(Features(time=1.0)) == 0.0


def test_what_is_unknown_neither_adds_nor_takes() -> None:
    unknown, unrelated = Features(time=1.0, labels=1.0), Features(time=1.0, labels=1.0, topology=0.0)
    assert score_of(unknown) > score_of(unrelated) > 0.0


def test_grounds_add_up() -> None:
    call, both = Features(time=1.0, topology=1.0), Features(time=1.0, topology=1.0, change=1.0)
    assert 1.0 > score_of(both) > score_of(call)


def test_a_notice_and_a_rule_without_an_answer_are_hardly_signs_of_illness() -> None:
    sure = illness_of(a_node("payment"))
    lone_warning = illness_of(a_node("payment", severity="warning", names=("HighMemory",)))
    two_warnings = illness_of(a_node("payment", severity="warning", names=("HighLatency", "HighMemory")))
    notice = illness_of(a_node("payment", severity="info"))
    no_answer = illness_of(a_node("payment", service_failure=False))
    assert sure == two_warnings == 1.0
    assert lone_warning < 1.0
    assert notice == no_answer < lone_warning


def test_a_single_warning_is_believed_when_something_confirms_it_and_a_notice_is_not() -> None:
    warning = a_node("payment", severity="warning", names=("PodNotReady",))
    assert illness_of(warning, frozenset({"payment"})) == 1.0
    assert illness_of(warning, frozenset({"checkout"})) == illness_of(warning)
    notice = a_node("payment", severity="info", names=("PodRestarted",))
    assert illness_of(notice, frozenset({"payment"})) == illness_of(notice)


def test_a_callee_explains_its_caller_better_than_the_other_way_round() -> None:
    graph = CallGraph({"checkout": frozenset({"payment"})})
    both = frozenset({"checkout", "payment"})
    assert graph.explaining("checkout", both) == {"payment": CALLEE}
    assert graph.explaining("payment", both) == {"checkout": CALLER}


def test_calls_are_followed_through_a_service_that_does_not_alert() -> None:
    graph = CallGraph({"web": frozenset({"checkout"}), "checkout": frozenset({"payment"})})
    assert graph.explaining("web", frozenset({"web", "payment"})) == {"payment": CALLEE_FAR}
    assert graph.explaining("web", frozenset({"web", "checkout", "payment"})) == {"checkout": CALLEE}


def test_only_services_with_a_measured_call_are_known() -> None:
    graph = CallGraph({"checkout": frozenset({"payment"})})
    assert graph.knows("checkout")
    assert graph.knows("payment")
    assert not graph.knows("search")


def test_services_on_one_node_are_related_the_later_to_the_earlier() -> None:
    cart, media = a_node("cart", 10, labels={"node": ("n1",)}), a_node("media", labels={"node": ("n1",)})
    assert places_of([cart, media]) == {("cart", "media"): 1.0}


def test_a_port_is_no_part_of_a_place_and_loopback_is_none() -> None:
    one, other = (
        a_node("cart", labels={"instance": ("10.0.0.1:80",)}),
        a_node("x", labels={"instance": ("10.0.0.1:9",)}),
    )
    assert places_of([one, other])
    local = [
        a_node(name, labels={"instance": (f"{host}:80",)}) for name, host in (("a", "127.0.0.1"), ("b", "127.0.0.1"))
    ]
    assert places_of(local) == {}


def test_a_node_among_several_speaks_less_and_everywhere_is_no_place() -> None:
    wide, narrow = a_node("cart", 10, labels={"node": ("n1", "n2")}), a_node("media", labels={"node": ("n1",)})
    assert places_of([wide, narrow]) == {("cart", "media"): 0.5}
    assert places_of([a_node("cart", labels={"node": ()}), a_node("media", labels={"node": ()})]) == {}


def test_a_zone_speaks_only_when_more_are_in_it_than_chance_would_have() -> None:
    zones = [a_node(f"s{number}", number, labels={"zone": ("a",)}) for number in range(5)]
    elsewhere = [a_node(name, 1000, labels={"zone": (name,)}) for name in ("b", "c")]
    assert ("s1", "s0") in places_of([*zones, *elsewhere])
    assert places_of([*zones[:2], *elsewhere]) == {}, "two in one of three zones is nothing"
    assert places_of(zones) == {}, "where there is one zone only, all are in it"


def test_a_service_that_was_noisy_before_is_in_the_crowd_of_a_zone_when_it_falls_ill_with_the_others() -> None:
    crowd = [a_node(f"s{number}", number, labels={"zone": ("a",)}) for number in range(5)]
    elsewhere = [a_node(name, 1000, labels={"zone": (name,)}) for name in ("b", "c")]
    before = NOON - timedelta(hours=1)
    noisy = a_node("noisy", -3600, starts=(before, NOON), labels={"zone": ("a",)})
    only_before = a_node("noisy", -3600, starts=(before,), labels={"zone": ("a",)})
    assert ("s0", "noisy") in places_of([noisy, *crowd, *elsewhere])
    assert ("s0", "noisy") not in places_of([only_before, *crowd, *elsewhere])


def test_an_alert_that_names_what_it_needs_points_at_it() -> None:
    worker, queue = a_node("mailer", labels={"queue": ("jobs",)}), a_node("jobs", 60)
    assert places_of([worker, queue]) == {("mailer", "jobs"): 1.0}


def test_one_owner_is_a_hint_and_no_owner_is_unknown() -> None:
    ours, theirs = a_node("a", labels={"team": ("x",)}), a_node("b", labels={"team": ("y",)})
    assert same_owner(ours, ours)
    assert same_owner(ours, theirs) == 0.0
    assert same_owner(ours, a_node("c")) is None
