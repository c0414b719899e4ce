"""Which services make one incident, and what must move for that."""

import random
from datetime import timedelta

import pytest

from shared.incidents.correlation import Surroundings, decide_moves, group
from shared.incidents.nodes import is_news, joined
from shared.models.correlation import CorrelationPolicy, Joined, ServiceNode, Verdict
from tests.builders import NOON
from tests.unit.incidents.placing import a_node, calling, grouped, groups_of, partition, placed

SHOP = calling(web="checkout search", checkout="payment", search="index")
POLICY = CorrelationPolicy()


def said(verdict: Verdict, *names: str, around: Surroundings = SHOP) -> Surroundings:
    return Surroundings(calls=around.calls, history={frozenset(names): verdict})


def test_a_cascade_is_one_group() -> None:
    cascade = a_node("payment"), a_node("checkout", 20), a_node("web", 45)
    assert grouped(*cascade, around=SHOP) == groups_of("payment checkout web")


def test_a_caller_of_two_unrelated_faults_joins_the_better_one_and_merges_nothing() -> None:
    faults = a_node("checkout"), a_node("search", 90), a_node("web", 100)
    assert grouped(*faults, around=SHOP) == groups_of("checkout", "search web")


def test_without_anything_known_services_stay_apart_however_close_in_time() -> None:
    assert grouped(a_node("payment"), a_node("checkout")) == groups_of("payment", "checkout")


def test_a_service_without_edges_has_an_incident_of_its_own() -> None:
    assert grouped(a_node("payment"), a_node("lonely"), around=SHOP) == groups_of("payment", "lonely")


def test_services_on_one_node_are_one_group_whatever_calls_say() -> None:
    there = [a_node(name, labels={"node": ("n1",)}) for name in ("payment", "index")]
    assert grouped(*there, around=SHOP) == groups_of("payment index")


def test_a_single_warning_on_a_node_that_others_name_explains_a_caller_as_any_alert_does() -> None:
    shaky = a_node("payment", severity="warning", names=("PodNotReady",), labels={"node": ("n1",)})
    early_caller, alone = a_node("checkout", -110), a_node("index", labels={"node": ("n2",)})
    assert grouped(shaky, early_caller, alone, around=SHOP) == groups_of("payment", "checkout", "index")
    there = a_node("index", labels={"node": ("n1",)})
    assert grouped(shaky, early_caller, there, around=SHOP) == groups_of("payment checkout index")


def test_a_call_alone_does_not_link_a_mere_notice() -> None:
    notice = a_node("payment", severity="info")
    assert grouped(notice, a_node("checkout"), around=SHOP) == groups_of("payment", "checkout")


def test_a_surging_caller_alone_does_not_take_in_what_it_calls() -> None:
    assert grouped(a_node("checkout"), a_node("payment", 200), around=SHOP) == groups_of("checkout", "payment")


def test_calls_in_a_circle_make_one_group_with_one_root() -> None:
    circle = calling(a="b", b="c", c="a")
    found = group([placed(a_node(name)) for name in "abc"], circle, POLICY)
    assert partition(found) == groups_of("a b c")
    assert len(found.links) == 2


def test_starts_beyond_the_window_are_never_linked() -> None:
    far = a_node("payment"), a_node("checkout", 601)
    assert grouped(*far, around=SHOP, window_seconds=600) == groups_of("payment", "checkout")


def test_a_rule_without_an_answer_explains_nothing() -> None:
    blind = a_node("payment", service_failure=False)
    assert grouped(blind, a_node("checkout", 5), around=SHOP) == groups_of("payment", "checkout")


def test_a_group_takes_no_more_services_than_the_tenant_allows() -> None:
    cascade = a_node("payment"), a_node("checkout", 20), a_node("web", 45)
    assert max(len(one) for one in grouped(*cascade, around=SHOP, max_services=2)) == 2


def test_the_grouping_does_not_depend_on_the_order() -> None:
    nodes = [a_node(name, after) for name, after in (("payment", 0), ("checkout", 5), ("web", 5), ("index", 5))]
    around = calling(web="checkout index", checkout="payment", index="web")
    found = group([placed(node) for node in nodes], around, POLICY)
    for seed in range(20):
        shuffled = random.Random(seed).sample(nodes, len(nodes))
        assert group([placed(node) for node in shuffled], around, POLICY) == found


def test_what_a_person_parted_is_in_different_groups_even_through_others() -> None:
    cascade = a_node("payment"), a_node("checkout", 20), a_node("web", 45)
    parted = grouped(*cascade, around=said(Verdict.APART, "payment", "web"))
    assert not any({"payment", "web"} <= one for one in parted)


def test_what_a_person_put_together_is_linked_without_any_other_ground() -> None:
    together = said(Verdict.TOGETHER, "payment", "index")
    assert grouped(a_node("payment"), a_node("index", 60), around=together) == groups_of("payment index")


def test_an_old_word_of_a_person_does_not_join_what_begins_hours_apart() -> None:
    together = said(Verdict.TOGETHER, "payment", "index")
    assert grouped(a_node("payment"), a_node("index", 7200), around=together) == groups_of("payment", "index")


def test_a_pinned_service_stays_and_others_come_to_it() -> None:
    pinned = placed(a_node("payment", pinned=True), "later", detected_after=60)
    caller = placed(a_node("checkout", 20), "older")
    moves = decide_moves([pinned, caller], group([pinned, caller], SHOP, POLICY))
    assert [(one.service_name, one.source, one.target) for one in moves] == [("checkout", "inc-older", "inc-later")]


def test_services_that_people_put_into_different_incidents_never_come_together() -> None:
    one, other = placed(a_node("payment", pinned=True)), placed(a_node("checkout", 20, pinned=True))
    between = placed(a_node("web", 30))
    found = group([one, other, between], SHOP, POLICY)
    assert found.roots["payment"] != found.roots["checkout"]


def test_services_that_people_put_into_one_incident_are_one_group() -> None:
    pinned = [placed(a_node(name, pinned=True), "shared") for name in ("payment", "index")]
    caller = placed(a_node("checkout", 20))
    found = group([*pinned, caller], SHOP, POLICY)
    assert partition(found) == groups_of("payment index checkout")
    moves = decide_moves([*pinned, caller], found)
    assert [(one.service_name, one.target) for one in moves] == [("checkout", "inc-shared")]


def test_everything_of_a_group_goes_to_its_oldest_incident() -> None:
    first = placed(a_node("web", 45), detected_after=0)
    second, third = placed(a_node("checkout", 20), detected_after=30), placed(a_node("payment"), detected_after=60)
    moves = decide_moves([first, second, third], group([first, second, third], SHOP, POLICY))
    assert {(one.service_name, one.target) for one in moves} == {("checkout", "inc-web"), ("payment", "inc-web")}
    assert [one.service_name for one in moves] == sorted(one.service_name for one in moves)


def test_every_move_says_on_what_it_rests() -> None:
    both = [placed(a_node("payment")), placed(a_node("checkout", 20), detected_after=5)]
    (move,) = decide_moves(both, group(both, SHOP, POLICY))
    assert (move.membership.reason, move.membership.leans_on) == (Joined.CORRELATED, "payment")
    assert move.membership.features is not None
    assert move.membership.features.topology == 1.0
    assert move.membership.features.history is None


def test_an_incident_that_falls_apart_stays_with_the_root_that_is_in_it() -> None:
    apart = [placed(a_node(name), "shared") for name in ("index", "payment")]
    (move,) = decide_moves(apart, group(apart, SHOP, POLICY))
    assert (move.service_name, move.target, move.group) == ("payment", None, "payment")


def test_nothing_moves_when_the_incidents_are_the_groups() -> None:
    settled = [placed(a_node("payment"), "shared"), placed(a_node("checkout", 20), "shared"), placed(a_node("index"))]
    assert decide_moves(settled, group(settled, SHOP, POLICY)) == []


def test_a_service_in_two_incidents_at_once_comes_to_be_in_one() -> None:
    twice = [placed(a_node("payment"), "one"), placed(a_node("payment", 5), "two", detected_after=5)]
    (move,) = decide_moves(twice, group(twice, SHOP, POLICY))
    assert (move.source, move.target) == ("inc-two", "inc-one")


def a_random_node(draw: random.Random) -> ServiceNode:
    start = NOON + timedelta(seconds=draw.uniform(0, 7200))
    return a_node(
        "payment",
        first_started_at=start,
        last_started_at=start,
        starts=(start,),
        severity=draw.choice(["critical", "warning"]),
        labels={"node": (draw.choice("abcdef"),), **({"zone": (draw.choice("xy"),)} if draw.random() < 0.5 else {})},
        names=(draw.choice("abcdefghijkl"),),
    )


@pytest.mark.parametrize("seed", range(10))
def test_what_a_service_contributes_does_not_depend_on_the_order_of_its_alerts(seed: int) -> None:
    draw = random.Random(seed)
    nodes = [a_random_node(draw) for _ in range(draw.randint(2, 60))]

    def all_joined(order: list[ServiceNode]) -> ServiceNode:
        found = order[0]
        for node in [*order[1:], *order[:3]]:
            found = joined(found, node)
        return found

    assert all_joined(nodes) == all_joined(draw.sample(nodes, len(nodes)))


def test_a_later_alert_of_the_same_minutes_is_no_news() -> None:
    before = a_node("payment", names=("A", "B"))
    after = joined(before, a_node("payment", 60, names=("B",)))
    assert after.last_started_at > before.last_started_at
    assert not is_news([before], [after])
    assert is_news([before], [joined(before, a_node("payment", 900, names=("B",)))])


def test_a_node_of_before_several_places_were_kept_is_read() -> None:
    stored = {**a_node("payment").model_dump(mode="json", exclude={"starts"}), "labels": {"node": "n1"}}
    read = ServiceNode.model_validate(stored)
    assert read.labels == {"node": ("n1",)}
    assert grouped(read, a_node("checkout", 20), around=SHOP) == groups_of("payment checkout")
