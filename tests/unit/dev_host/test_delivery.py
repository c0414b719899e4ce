from itertools import pairwise

import pytest

from dev.host.delivery import (
    MessageEncoding,
    OnFailure,
    OnReceipt,
    decode,
    encode,
    on_failure,
    on_receipt,
    poison_queue_of,
    polling_delay,
)


def test_the_poison_queue_carries_the_name_of_its_queue() -> None:
    assert poison_queue_of("work") == "work-poison"


@pytest.mark.parametrize("queue", ["work-poison", "q" * 57])
def test_a_poison_queue_and_a_name_too_long_for_one_have_none(queue: str) -> None:
    assert poison_queue_of(queue) is None
    assert poison_queue_of("q" * 56) is not None


@pytest.mark.parametrize(
    ("readable", "dequeue_count", "poison", "verdict"),
    [
        (True, 5, "p", OnReceipt.INVOKE),
        (True, 6, "p", OnReceipt.POISON_WORN_OUT),
        (False, 1, "p", OnReceipt.POISON_UNREADABLE),
        (True, 6, None, OnReceipt.LEAVE),
        (False, 1, None, OnReceipt.LEAVE),
        (True, 1, None, OnReceipt.INVOKE),
    ],
)
def test_a_received_message_runs_unless_it_is_unreadable_or_worn_out(
    *, readable: bool, dequeue_count: int, poison: str | None, verdict: OnReceipt
) -> None:
    decided = on_receipt(readable=readable, dequeue_count=dequeue_count, max_dequeue_count=5, poison=poison)
    assert decided is verdict


@pytest.mark.parametrize(
    ("dequeue_count", "poison", "verdict"),
    [(4, "p", OnFailure.RETRY), (5, "p", OnFailure.POISON), (1, None, OnFailure.LEAVE)],
)
def test_a_failed_message_is_retried_until_its_last_attempt(
    dequeue_count: int, poison: str | None, verdict: OnFailure
) -> None:
    assert on_failure(dequeue_count=dequeue_count, max_dequeue_count=5, poison=poison) is verdict


def test_bodies_survive_both_encodings_and_foreign_text_is_unreadable_as_base64() -> None:
    for encoding in MessageEncoding:
        assert decode(encode("täxt".encode(), encoding), encoding) == "täxt".encode()
    assert decode("{}", MessageEncoding.BASE64) is None
    assert decode("täxt", MessageEncoding.BASE64) is None


def test_the_polling_delay_grows_to_its_limit_and_stays_there() -> None:
    delays = [polling_delay(misses=n, jitter=1.0, longest_seconds=2.0) for n in (1, 2, 3, 4, 5, 6, 5000)]
    assert delays[0] == pytest.approx(0.2)
    assert all(earlier <= later for earlier, later in pairwise(delays))
    assert delays[-1] == 2.0
