"""One more try of a question that changes nothing, where the first was lost on its way."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from shared.errors import SourceUnavailable

PAUSE_SECONDS: Final = 0.3
"""The longest pause before it, which is a random part of this: what one restart broke does not come back at once."""
LOST: Final = frozenset(("connect", "protocol", "http_5xx"))
"""Refused, reset, closed under us, or failed there. After a timeout the time is gone; a refusal stays one."""

T = TypeVar("T")


async def once_more(ask: Callable[[], Awaitable[T]], *, pause_seconds: float = PAUSE_SECONDS) -> T:
    """The answer of the first try or the second; raises what the last one raised."""
    try:
        return await ask()
    except SourceUnavailable as exc:
        if exc.reason not in LOST:
            raise
    await asyncio.sleep(pause_seconds * random.random())  # noqa: S311 -- spreads load, guards nothing
    return await ask()
