"""Asks several at the same time, each alone: what one does not tell costs nothing of what the others do."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from shared.context.changes.told import Told
from shared.context.look import NotConfigured
from shared.errors import CopilotError

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """What one source told, or why it told nothing or not everything."""

    told: tuple[Told, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: str | None = None
    missing: str | None = None
    """Why there is nobody to ask."""
    is_connected: bool = False

    def beside(self, *others: "Part") -> "Part":
        """This and what others told; the first failure stands for all."""
        parts = (self, *others)
        return Part(
            tuple(told for one in parts for told in one.told),
            tuple(warning for one in parts for warning in one.warnings),
            failure=next((one.failure for one in parts if one.failure), None),
            missing=self.missing,
            is_connected=any(one.is_connected for one in parts),
        )


async def alone(what: str, question: Awaitable[T], ends: float) -> T | Part:
    """The answer of one, by `ends` of the loop's clock; or what it cost that there is none, which it is named for."""
    try:
        async with asyncio.timeout_at(ends):
            return await question
    except NotConfigured as exc:
        return Part(missing=exc.reason)
    except CopilotError as exc:
        return Part(failure=exc.reason, warnings=(f"{what} could not be asked: {exc.reason}",))
    except TimeoutError:
        return Part(failure="timeout", warnings=(f"{what} could not be asked: timeout",))


async def together(*questions: Awaitable[T]) -> list[T]:
    """All answers. All are awaited to their end, so that none goes on asking after another failed by a bug."""
    found = await asyncio.gather(*questions, return_exceptions=True)
    answers = []
    for one in found:
        if isinstance(one, BaseException):
            raise one
        answers.append(one)
    return answers
