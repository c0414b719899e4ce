"""What a seal covers, what follows what, and what is known of a change that was announced."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.access.audit_chain import (
    WRITTEN_WITHIN,
    Waiting,
    announcement,
    carried,
    end_of,
    is_ours,
    is_sealed_by,
    next_in_chain,
    not_carried,
    says_so_already,
    seal_of,
    seconds_kept,
)
from shared.models.audit import AuditAction, AuditEntry, AuditHome, AuditIntent, AuditWhere
from shared.models.audit_log import (
    AuditLog,
    AuditOutcome,
    month_after,
    month_before,
    months_back,
    number_of,
    place_of,
)
from shared.ports.audit import SealingTerms
from tests.builders import ACME, GLOBEX, NOON, ONE_SECOND

TERMS = SealingTerms(key=b"k" * 32, retention=timedelta(days=400))
WHERE = AuditWhere(home=AuditHome.DIRECTORY, id=ACME)
SOON, LATE = NOON + WRITTEN_WITHIN - ONE_SECOND, NOON + WRITTEN_WITHIN


def an_entry(**changes: Any) -> AuditEntry:
    fields: dict[str, Any] = {
        "entry_id": "aud-1",
        "at": NOON,
        "user_id": "oid-1",
        "event_type": "update_tenant",
        "action": AuditAction.UPDATE,
        "resource_type": "tenant",
        "resource_id": ACME,
        "before": {"max_services": 5},
        "after": {"max_services": 10},
        "request_id": "req-1",
    }
    return AuditEntry(**{**fields, **changes})


def a_log(**changes: Any) -> AuditLog:
    known: dict[str, Any] = {"tail": None, "earlier": None, "now": NOON + ONE_SECOND, "terms": TERMS}
    return next_in_chain(ACME, an_entry(), AuditOutcome.DONE, **{**known, **changes})


def sealed(stored: dict[str, Any]) -> bool:
    return is_sealed_by(TERMS.key, stored, stored["hash"])


def test_a_sealed_entry_verifies_and_names_the_one_before() -> None:
    first = a_log()
    second = a_log(tail=first)
    assert sealed(first.to_stored())
    assert sealed(second.to_stored())
    assert (first.id, second.id, second.previous_hash) == ("0000000001", "0000000002", first.hash)


COVERED = sorted(set(AuditLog.model_fields) - {"id", "hash"})


@pytest.mark.parametrize("field", COVERED)
def test_no_field_can_be_altered_under_its_seal(field: str) -> None:
    stored = a_log().to_stored()
    assert not sealed({**stored, field: "altered"})


def test_what_is_added_to_an_entry_breaks_its_seal_and_what_the_store_adds_does_not() -> None:
    stored = a_log().to_stored()
    assert not sealed({**stored, "note": "added"})
    assert sealed({**stored, "_etag": '"1"', "_ts": 1, "write_id": "w"})


def test_a_seal_is_of_one_key() -> None:
    forged = a_log(terms=SealingTerms(key=b"f" * 32, retention=TERMS.retention))
    assert not sealed(forged.to_stored())
    assert not is_sealed_by(TERMS.key, forged.to_stored(), None)


@pytest.mark.parametrize(("written", "given_back"), [(1.0, 1), (0.25, 0.25), (7, 7.0), (10**400, 10**400)])
def test_a_number_has_one_spelling_whatever_the_store_makes_of_it(written: float, given_back: float) -> None:
    assert seal_of({"after": {"n": written}}, b"k") == seal_of({"after": {"n": given_back}}, b"k")


def test_true_is_not_one() -> None:
    assert seal_of({"after": True}, b"k") != seal_of({"after": 1}, b"k")


def test_only_the_first_of_a_month_names_how_an_earlier_one_ended() -> None:
    tail = a_log()
    end = end_of(tail)
    assert a_log(earlier=end).earlier == end
    assert a_log(earlier=end, tail=tail).earlier is None


def test_all_entries_of_a_month_expire_at_one_moment() -> None:
    moments = [NOON, NOON + timedelta(days=5), datetime(2026, 12, 3, tzinfo=UTC)]
    expiries = {at + timedelta(seconds=seconds_kept("2026-11", TERMS.retention, now=at)) for at in moments}
    assert expiries == {datetime(2026, 12, 1, tzinfo=UTC) + TERMS.retention}
    assert seconds_kept("2020-01", TERMS.retention, now=NOON) == 1


def test_an_announcement_is_ours_only_as_we_made_it() -> None:
    intent = announcement(ACME, an_entry(), WHERE, TERMS.key)
    assert is_ours(intent, TERMS.key)
    assert is_ours(AuditIntent.from_stored(intent.to_stored()), TERMS.key)
    assert not is_ours(intent.model_copy(update={"entry": an_entry(user_id="oid-2")}), TERMS.key)
    assert not is_ours(intent.model_copy(update={"tenant_id": GLOBEX}), TERMS.key)


def test_what_a_document_carries_is_sealed_as_it_was_announced() -> None:
    intent = announcement(ACME, an_entry(), WHERE, TERMS.key)
    altered = an_entry(user_id="oid-2")
    assert carried(altered, intent, TERMS.key, now=LATE) == (an_entry(), AuditOutcome.DONE)


def test_what_nobody_announced_is_sealed_as_such() -> None:
    forged = announcement(ACME, an_entry(), WHERE, b"f" * 32)
    other = announcement(ACME, an_entry(entry_id="aud-2"), WHERE, TERMS.key)
    for intent in (None, forged, other):
        found = carried(an_entry(), intent, TERMS.key, now=LATE)
        assert found == (an_entry(at=LATE), AuditOutcome.UNANNOUNCED)


@pytest.mark.parametrize(
    ("action", "is_there", "now", "known"),
    [
        (AuditAction.UPDATE, True, SOON, Waiting.MAY_STILL_BE_WRITTEN),
        (AuditAction.CREATE, False, SOON, Waiting.MAY_STILL_BE_WRITTEN),
        (AuditAction.DELETE, True, SOON, Waiting.MAY_STILL_BE_WRITTEN),
        (AuditAction.DELETE, False, SOON, AuditOutcome.GONE),
        (AuditAction.UPDATE, True, LATE, AuditOutcome.NOT_CARRIED_OUT),
        (AuditAction.DELETE, True, LATE, AuditOutcome.NOT_CARRIED_OUT),
        (AuditAction.CREATE, False, LATE, AuditOutcome.NOT_THERE),
    ],
)
def test_what_is_known_of_a_change_that_is_not_written(
    action: AuditAction, is_there: bool, now: datetime, known: object
) -> None:
    intent = announcement(ACME, an_entry(action=action), WHERE, TERMS.key)
    assert not_carried(intent, TERMS.key, is_there=is_there, now=now) is known


def test_an_announcement_that_is_not_ours_is_sealed_as_unannounced() -> None:
    forged = announcement(ACME, an_entry(), WHERE, b"f" * 32)
    assert not_carried(forged, TERMS.key, is_there=True, now=SOON) is AuditOutcome.UNANNOUNCED


def test_a_change_that_turns_up_after_it_was_given_up_is_still_told() -> None:
    given_up = next_in_chain(
        ACME, an_entry(), AuditOutcome.NOT_CARRIED_OUT, TERMS, tail=None, earlier=None, now=NOON
    ).to_stored()
    done = a_log().to_stored()
    assert not says_so_already(given_up, AuditOutcome.DONE, TERMS.key)
    assert says_so_already(given_up, AuditOutcome.NOT_CARRIED_OUT, TERMS.key)
    assert says_so_already(done, AuditOutcome.DONE, TERMS.key)
    assert says_so_already(done, AuditOutcome.NOT_CARRIED_OUT, TERMS.key)


def test_an_entry_that_somebody_forged_into_the_chain_keeps_nothing_from_being_sealed() -> None:
    forged = {**a_log().to_stored(), "user_id": "oid-2"}
    assert not says_so_already(forged, AuditOutcome.DONE, TERMS.key)


@pytest.mark.parametrize(
    "text", ["", "1", "0000000000", "00000000001", "000000000a", "\u00b2000000001", "\u0660" * 9 + "\u0661"]
)
def test_what_is_no_place_of_the_chain_has_no_number(text: str) -> None:
    assert number_of(text) is None


def test_places_say_their_numbers_and_months_follow_each_other() -> None:
    assert number_of(place_of(42)) == 42
    assert (month_after("2026-12"), month_before("2026-01")) == ("2027-01", "2025-12")
    assert months_back("2026-02", 3) == ["2026-01", "2025-12", "2025-11"]
