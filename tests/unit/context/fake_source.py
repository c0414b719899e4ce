"""A metrics source that answers by what is asked for."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.ports.metrics import Answer, Sample, Series

Reply = Answer | Exception | asyncio.Event
Rule = tuple[str, Reply]


@dataclass
class FakeSource:
    """Gives the reply of the first rule whose text is in the query; an event is waited for. Else nothing."""

    rules: Sequence[Rule] = ()
    asked: list[str] = field(default_factory=list)

    async def query(self, promql: str, *, at: datetime, max_series: int = 500) -> Answer:
        del at, max_series
        return await self._reply(promql)

    async def query_range(
        self, promql: str, *, start: datetime, end: datetime, step_seconds: float, max_series: int = 500
    ) -> Answer:
        del start, end, step_seconds, max_series
        return await self._reply(promql)

    async def _reply(self, promql: str) -> Answer:
        self.asked.append(promql)
        reply = next((reply for text, reply in self.rules if text in promql), Answer())
        if isinstance(reply, asyncio.Event):
            await reply.wait()
            return Answer()
        if isinstance(reply, Exception):
            raise reply
        return reply


def samples(*found: tuple[dict[str, str], float], warnings: Sequence[str] = ()) -> Answer:
    """An instant vector."""
    return Answer(samples=tuple(Sample(labels, 0.0, value) for labels, value in found), warnings=warnings)


def series(
    found: Sequence[dict[str, str]],
    times: Sequence[float],
    value: Callable[[int], float],
    warnings: Sequence[str] = (),
) -> Answer:
    """A matrix in which every series has the same points."""
    points = tuple((at, value(index)) for index, at in enumerate(times))
    return Answer(series=tuple(Series(labels, points) for labels in found), warnings=warnings)
