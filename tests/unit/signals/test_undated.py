"""A pipeline that tells neither an id nor a time, and tries again."""

from datetime import datetime, timedelta

import pytest

from shared.models.changes import ReportedChange
from shared.models.signals import Source
from shared.signals.sources import parse
from shared.signals.undated import RETRIED_WITHIN, as_first_reported
from tests.builders import NOON, ONE_SECOND

PLAIN = b'{"service": "payment", "version": "1.5.0"}'


def heard(body: bytes = PLAIN, *, at: datetime = NOON) -> ReportedChange:
    (change,) = parse(Source.CHANGES, body, received_at=at).changes
    return change


def test_a_retry_within_ten_minutes_is_the_change_that_was_heard_of_first() -> None:
    first, retry = heard(), heard(at=NOON + RETRIED_WITHIN)
    known = as_first_reported(retry, [first, heard(at=NOON + ONE_SECOND)])
    assert (known.change_id, known.at) == (first.change_id, NOON)


def test_heard_again_later_it_is_another_change() -> None:
    later = heard(at=NOON + RETRIED_WITHIN + ONE_SECOND)
    assert as_first_reported(later, [heard()]) == later


@pytest.mark.parametrize(
    "other",
    [
        b'{"service": "payment", "version": "1.5.1"}',
        b'{"service": "cart", "version": "1.5.0"}',
        b'{"service": "payment", "version": "1.5.0", "kind": "rollback"}',
        b'{"service": "payment", "version": "1.5.0", "status": "failed"}',
        b'{"service": "payment", "version": "1.5.0", "id": "run-1"}',
        b'{"service": "payment", "version": "1.5.0", "at": "2026-11-23T12:00:30Z"}',
    ],
)
def test_what_says_something_else_is_another_change(other: bytes) -> None:
    minute = timedelta(minutes=1)
    assert as_first_reported(heard(other, at=NOON + minute), [heard()]).change_id != heard().change_id
    assert as_first_reported(heard(at=NOON + minute), [heard(other)]).change_id != heard(other).change_id


def test_a_dated_change_is_what_its_sender_says_whatever_was_heard_before() -> None:
    dated = heard(b'{"service": "payment", "version": "1.5.0", "id": "run-1"}', at=NOON + ONE_SECOND)
    assert as_first_reported(dated, [heard()]) == dated
