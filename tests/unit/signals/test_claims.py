"""What an episode's claim says of an alert that arrives."""

from datetime import timedelta

import pytest

from shared.models.base import IncidentId, ReceiptId
from shared.models.claims import ClaimState, EpisodeClaim
from shared.models.receipts import Outcome
from shared.models.signals import REFIRE_AFTER, AlertStatus
from shared.signals.claims import Repeat, completed, new_claim, outcome_of, repeat_of, without_copies
from tests.builders import ACME, NOON, ONE_SECOND, an_alert, an_arrival, resolved

FIRING = an_arrival()
RESOLVED = an_arrival(resolved(an_alert()), receipt_id=ReceiptId("rcp-2"))


def a_claim(**changes: object) -> EpisodeClaim:
    return new_claim(FIRING, IncidentId("inc-1"), now=NOON, tenant_id=ACME).model_copy(update=changes)


def recorded(**changes: object) -> EpisodeClaim:
    return completed(a_claim(), FIRING).model_copy(update=changes)


def test_an_alert_without_a_claim_is_a_new_episode() -> None:
    assert repeat_of(FIRING, None) is Repeat.NEW_EPISODE


def test_a_claim_left_half_done_is_completed_by_whoever_meets_it() -> None:
    assert repeat_of(an_arrival(receipt_id=ReceiptId("rcp-9")), a_claim()) is Repeat.UNFINISHED


def test_a_recorded_alert_from_another_delivery_is_a_duplicate() -> None:
    assert repeat_of(an_arrival(receipt_id=ReceiptId("rcp-2")), recorded()) is Repeat.DUPLICATE


def test_the_same_delivery_again_is_told_apart_from_a_duplicate() -> None:
    assert repeat_of(FIRING, recorded()) is Repeat.SAME_DELIVERY


def test_a_resolution_of_a_recorded_alert_is_news() -> None:
    assert repeat_of(RESOLVED, recorded()) is Repeat.NEW_STATUS


@pytest.mark.parametrize(
    ("late_by", "repeat"),
    [(timedelta(0), Repeat.STALE), (REFIRE_AFTER - ONE_SECOND, Repeat.STALE), (REFIRE_AFTER, Repeat.REFIRED)],
)
def test_firing_after_a_resolution_is_a_late_copy_at_first_and_news_later(late_by: timedelta, repeat: Repeat) -> None:
    over = recorded(covers=AlertStatus.RESOLVED)
    assert repeat_of(an_arrival(received_at=over.received_at + late_by), over) is repeat


def test_a_completed_claim_keeps_the_receipt_that_created_the_episode() -> None:
    helped = completed(a_claim(), an_arrival(receipt_id=ReceiptId("rcp-9")))
    assert (helped.state, helped.receipt_id) == (ClaimState.RECORDED, "rcp-1")


def test_a_claim_completed_by_a_resolution_covers_it() -> None:
    over = completed(recorded(), RESOLVED)
    assert (over.covers, over.receipt_id) == (AlertStatus.RESOLVED, "rcp-2")


@pytest.mark.parametrize(
    ("repeat", "receipt_id", "outcome"),
    [
        (Repeat.NEW_EPISODE, "rcp-1", Outcome.CREATED),
        (Repeat.UNFINISHED, "rcp-1", Outcome.CREATED),
        (Repeat.SAME_DELIVERY, "rcp-1", Outcome.CREATED),
        (Repeat.UNFINISHED, "rcp-2", Outcome.DUPLICATE),
        (Repeat.DUPLICATE, "rcp-2", Outcome.DUPLICATE),
        (Repeat.STALE, "rcp-2", Outcome.DUPLICATE),
        (Repeat.REFIRED, "rcp-2", Outcome.UPDATED),
        (Repeat.NEW_STATUS, "rcp-2", Outcome.UPDATED),
    ],
)
def test_the_receipt_counts_an_episode_as_created_once(repeat: Repeat, receipt_id: str, outcome: Outcome) -> None:
    assert outcome_of(repeat, an_arrival(receipt_id=ReceiptId(receipt_id)), a_claim()) is outcome


def test_a_resolution_that_finishes_a_half_done_claim_is_an_update() -> None:
    assert outcome_of(Repeat.UNFINISHED, RESOLVED, a_claim()) is Outcome.UPDATED


def test_copies_inside_one_delivery_count_once_and_the_resolution_wins() -> None:
    kept, copies = without_copies([FIRING, FIRING, an_arrival(resolved(an_alert())), FIRING])
    assert [one.alert.status for one in kept] == [AlertStatus.RESOLVED]
    assert copies == 3
