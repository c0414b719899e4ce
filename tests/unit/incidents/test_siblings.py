"""Services that fall ill together because of one that all of them call and that has no alerts of its own."""

from dataclasses import replace
from datetime import timedelta

from shared.incidents.correlation import group
from shared.models.correlation import CorrelationPolicy, Verdict
from tests.builders import NOON
from tests.unit.incidents.placing import a_node, calling, grouped, groups_of, placed

BANKED = calling(payment="bank", tax="bank", checkout="payment", web="tax")
PAYMENT, TAX = a_node("payment"), a_node("tax", 20)


def test_all_callers_of_a_silent_third_party_are_one_group_with_their_own_callers() -> None:
    callers = a_node("checkout", 30), a_node("web", 50)
    assert grouped(PAYMENT, TAX, *callers, around=BANKED) == groups_of("payment tax checkout web")


def test_the_later_sibling_leans_on_the_earlier_one() -> None:
    found = group([placed(TAX), placed(PAYMENT)], BANKED, CorrelationPolicy())
    assert found.roots == {"payment": "payment", "tax": "payment"}
    assert found.links["tax"].score >= CorrelationPolicy().link_at


def test_siblings_stay_apart_while_another_caller_of_the_same_is_well() -> None:
    around = calling(payment="bank", tax="bank", orders="bank")
    assert grouped(PAYMENT, TAX, around=around) == groups_of("payment", "tax")


def test_siblings_stay_apart_when_one_of_them_is_explained_otherwise() -> None:
    around = calling(payment="bank ledger", tax="bank")
    faults = a_node("ledger", -10), PAYMENT, TAX
    assert grouped(*faults, around=around) == groups_of("ledger payment", "tax")


def test_siblings_stay_apart_when_one_of_them_was_just_changed() -> None:
    deployed = replace(BANKED, changes=[("tax", NOON - timedelta(minutes=3), "deploy-1")])
    assert grouped(PAYMENT, TAX, around=deployed) == groups_of("payment", "tax")


def test_what_calls_others_itself_is_no_end_that_can_ail_alone() -> None:
    around = calling(payment="hub", tax="hub", hub="ledger")
    assert grouped(PAYMENT, TAX, around=around) == groups_of("payment", "tax")


def test_siblings_that_fell_ill_minutes_apart_stay_apart() -> None:
    assert grouped(PAYMENT, a_node("tax", 240), around=BANKED) == groups_of("payment", "tax")


def test_single_warnings_and_rules_without_an_answer_make_no_siblings() -> None:
    warning = a_node("tax", 60, severity="warning", names=("HighMemory",))
    assert grouped(PAYMENT, warning, around=BANKED) == groups_of("payment", "tax")
    blind = a_node("tax", 20, service_failure=False)
    assert grouped(PAYMENT, blind, around=BANKED, link_at=0.3) == groups_of("payment", "tax")


def test_what_a_person_parted_are_no_siblings() -> None:
    parted = replace(BANKED, history={frozenset({"payment", "tax"}): Verdict.APART})
    assert grouped(PAYMENT, TAX, around=parted) == groups_of("payment", "tax")
