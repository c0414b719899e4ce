"""The claims that alerts take."""

from shared.models.base import IncidentId, ReceiptId
from shared.models.signals import AlertStatus
from shared.signals.claims import new_claim, next_generation, without_copies
from tests.builders import ACME, NOON, an_alert, an_arrival, resolved

FIRING = an_arrival()


def test_the_same_alert_always_claims_the_same_signal() -> None:
    first = new_claim(FIRING, IncidentId("inc-1"), now=NOON, tenant_id=ACME)
    again = new_claim(an_arrival(receipt_id=ReceiptId("rcp-9")), IncidentId("inc-2"), now=NOON, tenant_id=ACME)
    assert (first.id, first.signal_id) == (again.id, again.signal_id)


def test_an_episode_that_fires_again_elsewhere_becomes_another_signal() -> None:
    first = new_claim(FIRING, IncidentId("inc-1"), now=NOON, tenant_id=ACME)
    again = an_arrival(receipt_id=ReceiptId("rcp-2"))
    second = next_generation(first, again, IncidentId("inc-2"))
    third = next_generation(second, again, IncidentId("inc-3"))
    assert {first.id, second.id, third.id} == {first.id}
    assert len({first.signal_id, second.signal_id, third.signal_id}) == 3
    assert (second.incident_id, second.receipt_id) == ("inc-2", "rcp-2")


def test_copies_inside_one_delivery_count_once_and_the_resolution_wins() -> None:
    kept, copies = without_copies([FIRING, FIRING, an_arrival(resolved(an_alert())), FIRING])
    assert [one.alert.status for one in kept] == [AlertStatus.RESOLVED]
    assert copies == 3
