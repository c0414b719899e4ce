"""What people may merge and split, and what is kept of their word."""

from datetime import timedelta
from typing import Any

import pytest

from shared.incidents.people import MAX_PAIRS, Objection, Plan, merge, services_of, split
from shared.models.base import IncidentId
from shared.models.correlation import Correction, Joined, ServiceNode, Verdict
from shared.models.incidents import Departure, Incident, IncidentState
from tests.builders import GLOBEX, NOON, ONE_SECOND, a_signal, an_alert, an_incident

WINDOW = timedelta(minutes=30)
LATER = NOON + WINDOW


def with_services(*names: str, incident_id: str = "inc-1", **changes: Any) -> Incident:
    nodes = tuple(
        ServiceNode(service_name=name, first_started_at=NOON, last_started_at=NOON, severity="critical")
        for name in names
    )
    fields = {"incident_id": IncidentId(incident_id), "service_name": names[0], "services": nodes}
    return an_incident(**{**fields, **changes})


PAYMENT = with_services("payment", "ledger")
CHECKOUT = with_services("checkout", "cart", incident_id="inc-2")
UNDER_WAY = Departure(services=("payment",), target=IncidentId("inc-3"), at=NOON)


def merged(source: Incident, target: Incident = CHECKOUT) -> Plan | Objection:
    return merge(source, target, by="usr-1", now=LATER, reopen_within=WINDOW)


def planned(plan: Plan | Objection) -> Plan:
    assert isinstance(plan, Plan)
    return plan


def pairs(plan: Plan) -> list[tuple[str, str]]:
    return [one.services for one in plan.corrections]


def test_a_merge_moves_every_service_in_the_persons_name() -> None:
    plan = planned(merged(PAYMENT))
    assert (plan.source, plan.departure.target) == ("inc-1", "inc-2")
    assert (plan.departure.services, plan.departure.by) == (("ledger", "payment"), "usr-1")
    assert not plan.departure.opens_target
    assert {why.reason for why in plan.departure.memberships.values()} == {Joined.BY_PERSON}
    assert set(plan.departure.memberships) == {"ledger", "payment"}


def test_a_merge_is_kept_as_the_word_that_the_services_belong_together() -> None:
    plan = planned(merged(PAYMENT))
    assert pairs(plan) == [("checkout", "ledger"), ("checkout", "payment")]
    assert plan.corrections[0] == Correction(
        services=("checkout", "ledger"), verdict=Verdict.TOGETHER, by="usr-1", at=LATER
    )


@pytest.mark.parametrize(
    ("source", "target", "objection"),
    [
        (PAYMENT, PAYMENT, Objection.SAME_INCIDENT),
        (with_services("payment", tenant_id=GLOBEX), CHECKOUT, Objection.UNKNOWN_INCIDENT),
        (with_services("payment", merged_into="inc-3"), CHECKOUT, Objection.ALREADY_MERGED),
        (PAYMENT, CHECKOUT.model_copy(update={"merged_into": "inc-3"}), Objection.ALREADY_MERGED),
        (with_services("payment", departing=UNDER_WAY), CHECKOUT, Objection.MOVE_UNDER_WAY),
        (PAYMENT, CHECKOUT.model_copy(update={"departing": UNDER_WAY}), Objection.MOVE_UNDER_WAY),
        (PAYMENT, CHECKOUT.model_copy(update={"state": IncidentState.RESOLVED}), Objection.TARGET_NOT_OPEN),
        (with_services("payment", state=IncidentState.LEARNED), CHECKOUT, Objection.NOT_OPEN),
    ],
)
def test_a_merge_that_makes_no_sense_is_refused(source: Incident, target: Incident, objection: Objection) -> None:
    assert merged(source, target) is objection


def test_an_incident_is_merged_after_it_was_resolved_only_within_the_reopen_window() -> None:
    just = with_services("payment", state=IncidentState.RESOLVED, firing_count=0, resolved_at=NOON)
    long_ago = just.model_copy(update={"resolved_at": NOON - ONE_SECOND})
    assert isinstance(merged(just), Plan)
    assert merged(long_ago) is Objection.CLOSED_FOR_TOO_LONG


def parted(incident: Incident, *names: str) -> Plan | Objection:
    return split(incident, names, by="usr-1", now=LATER)


def test_a_split_moves_the_services_to_an_incident_of_their_own() -> None:
    plan = planned(parted(with_services("payment", "ledger", "cart"), "cart"))
    assert plan.departure.services == ("cart",)
    assert plan.departure.opens_target
    assert plan.departure.target.startswith("inc-")
    assert plan.departure.target != "inc-1"


def test_a_split_is_kept_as_the_word_that_those_that_leave_and_those_that_stay_are_apart() -> None:
    plan = planned(parted(with_services("payment", "ledger", "cart"), "cart"))
    assert pairs(plan) == [("cart", "payment"), ("cart", "ledger")]
    assert {one.verdict for one in plan.corrections} == {Verdict.APART}


def test_the_same_split_asked_twice_is_one_and_after_a_merge_back_another() -> None:
    before = with_services("payment", "cart", version=4)
    first, again = planned(parted(before, "cart")), planned(parted(before, "cart"))
    later = planned(parted(before.model_copy(update={"version": 9}), "cart"))
    assert first.departure.target == again.departure.target
    assert first.departure.target != later.departure.target


@pytest.mark.parametrize(
    ("incident", "names", "objection"),
    [
        (PAYMENT, ["payment", "ledger"], Objection.NOTHING_STAYS),
        (PAYMENT, [], Objection.UNKNOWN_SERVICE),
        (PAYMENT, ["search"], Objection.UNKNOWN_SERVICE),
        (PAYMENT.model_copy(update={"merged_into": "inc-3"}), ["ledger"], Objection.ALREADY_MERGED),
        (PAYMENT.model_copy(update={"departing": UNDER_WAY}), ["ledger"], Objection.MOVE_UNDER_WAY),
        (PAYMENT.model_copy(update={"state": IncidentState.INCONCLUSIVE}), ["ledger"], Objection.NOT_OPEN),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(incident: Incident, names: list[str], objection: Objection) -> None:
    assert parted(incident, *names) is objection


def test_a_huge_correction_is_capped_and_keeps_all_apart_from_the_first_service() -> None:
    leaving = [f"leaf-{number:02}" for number in range(50)]
    staying = [f"stays-{number:02}" for number in range(9)]
    plan = planned(parted(with_services("root", *staying, *leaving), *leaving))
    assert len(plan.corrections) == MAX_PAIRS
    assert {("leaf-00", "root"), ("leaf-49", "root")} <= set(pairs(plan))


def test_alerts_are_split_off_with_the_whole_of_their_service() -> None:
    signals = [
        a_signal(an_alert(service_name=service, fingerprint=name))
        for service, name in [("payment", "a"), ("payment", "b"), ("cart", "c")]
    ]
    one, two, three = (signal.id for signal in signals)
    assert services_of([one, two], signals) == {"payment"}
    assert services_of([three], signals) == {"cart"}
    assert services_of([one], signals) is Objection.SERVICE_DIVIDED
    assert services_of(["sig-none"], signals) is Objection.UNKNOWN_SIGNAL
    assert services_of([], signals) is Objection.UNKNOWN_SIGNAL


@pytest.mark.parametrize("objection", Objection)
def test_every_objection_is_one_clear_sentence(objection: Objection) -> None:
    assert objection.words[0].isupper()
    assert objection.words.endswith(".")
