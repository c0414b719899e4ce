"""Crash a worker at any step: every call of a port is a step, before it takes effect or after."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from shared.ports.services import Services


class Crash(BaseException):
    """The worker is gone: nothing after this line runs. Not an Exception, so that nothing catches it."""


@dataclass
class Steps:
    """Counts calls over all ports, and crashes at one of them."""

    crash_at: int | None = None
    takes_effect: bool = False
    taken: int = 0

    async def take(self, call: Callable[[], Any]) -> Any:
        """Make a call as the next step; other workers may run in between."""
        self.taken += 1
        is_last = self.taken == self.crash_at
        if is_last and not self.takes_effect:
            raise Crash
        await asyncio.sleep(0)
        answer = await call()
        if is_last:
            raise Crash
        return answer


class _Stepping:
    """A port whose every call is a step."""

    def __init__(self, port: Any, steps: Steps) -> None:
        self._port = port
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._steps.take(lambda: method(*args, **kwargs))

        return call


def stepping(services: Services, steps: Steps) -> Services:
    """The same services, seen by one worker that may crash."""
    held = {one.name: getattr(services, one.name) for one in fields(services)}
    ports = {name: port and _Stepping(port, steps) for name, port in held.items() if name != "model_terms"}
    return Services(**ports, model_terms=services.model_terms)
