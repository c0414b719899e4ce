"""What the host decides about a queue message: invoke it, retry it, poison it or leave it; and when to poll again."""

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum

_POISON_SUFFIX = "-poison"
_LONGEST_QUEUE_NAME = 63
_SHORTEST_POLL_SECONDS = 0.1
_LONGEST_BACK_OFF_EXPONENT = 20


class MessageEncoding(StrEnum):
    """How bodies travel: base64 is the host's default, none is raw text."""

    BASE64 = "base64"
    NONE = "none"


class OnReceipt(StrEnum):
    """What to do with a message that has just been received."""

    INVOKE = "invoke"
    POISON_UNREADABLE = "poison_unreadable"
    POISON_WORN_OUT = "poison_worn_out"
    LEAVE = "leave"


class OnFailure(StrEnum):
    """What to do with a message whose invocation failed."""

    RETRY = "retry"
    POISON = "poison"
    LEAVE = "leave"


@dataclass(frozen=True)
class QueueRules:
    """The `extensions.queues` section of host.json, defaults applied."""

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    retry_delay_seconds: float
    max_polling_seconds: float
    encoding: MessageEncoding


def poison_queue_of(queue: str) -> str | None:
    """Where failed messages of `queue` go; None when the host keeps no poison queue for it."""
    poison = queue + _POISON_SUFFIX
    if queue.endswith(_POISON_SUFFIX) or len(poison) > _LONGEST_QUEUE_NAME:
        return None
    return poison


def decode(text: str, encoding: MessageEncoding) -> bytes | None:
    """The body in `text`; None when it is not in the agreed encoding."""
    if encoding is MessageEncoding.NONE:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def encode(body: bytes, encoding: MessageEncoding) -> str:
    """The text that carries `body`; characters that are no UTF-8 are replaced when it travels raw."""
    if encoding is MessageEncoding.BASE64:
        return base64.b64encode(body).decode("ascii")
    return body.decode(errors="replace")


def on_receipt(*, readable: bool, dequeue_count: int, max_dequeue_count: int, poison: str | None) -> OnReceipt:
    """Decide about a received message before anything runs."""
    worn_out = dequeue_count > max_dequeue_count
    if readable and not worn_out:
        return OnReceipt.INVOKE
    if poison is None:
        return OnReceipt.LEAVE
    return OnReceipt.POISON_UNREADABLE if not readable else OnReceipt.POISON_WORN_OUT


def on_failure(*, dequeue_count: int, max_dequeue_count: int, poison: str | None) -> OnFailure:
    """Decide about a message whose invocation failed."""
    if poison is None:
        return OnFailure.LEAVE
    return OnFailure.POISON if dequeue_count >= max_dequeue_count else OnFailure.RETRY


def polling_delay(*, misses: int, jitter: float, longest_seconds: float) -> float:
    """Seconds to wait after `misses` polls in a row found nothing; `jitter` lies in 0.8 to 1.2."""
    exponent = min(misses - 1, _LONGEST_BACK_OFF_EXPONENT)
    growth = jitter * 2.0**exponent * _SHORTEST_POLL_SECONDS
    return min(_SHORTEST_POLL_SECONDS + growth, longest_seconds)
