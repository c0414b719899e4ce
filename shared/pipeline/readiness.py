"""Whether this process can do its work: its dependencies asked cheaply, within a deadline, and not too often."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.errors import CopilotError, Malformed
from shared.messages import QueueName
from shared.models.base import IntegrationId, TenantId
from shared.ports.services import Services

DEADLINE_SECONDS = 2.0
KEPT_SECONDS = 5.0
"""So often at most are the dependencies asked, however many ask us."""
NOBODY = TenantId("ten-nobody")
Clock = Callable[[], float]


@dataclass(frozen=True)
class Dependency:
    """Somebody whom the process needs. `is_required`: without it no delivery can be accepted or worked on."""

    name: str
    ask: Callable[[], Awaitable[object]]
    is_required: bool = True


@dataclass(frozen=True)
class Standing:
    """How a dependency answered; `last_error` is a reason, of now or of an earlier time in this process."""

    name: str
    is_required: bool
    is_up: bool
    latency_seconds: float
    last_error: str | None
    last_error_at: datetime | None


@dataclass(frozen=True)
class Report:
    """All dependencies at one moment."""

    asked_at: datetime
    standings: Sequence[Standing]

    @property
    def is_ready(self) -> bool:
        """Whether everything that is required answers."""
        return all(one.is_up for one in self.standings if one.is_required)


class Readiness:
    """Asks the dependencies of one process, at most every KEPT_SECONDS; who comes meanwhile gets the same report."""

    def __init__(
        self,
        dependencies: Sequence[Dependency],
        *,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._dependencies = dependencies
        self._clock = clock
        self._now = now
        self._deadline_seconds = deadline_seconds
        self._asking = asyncio.Lock()
        self._kept: tuple[float, Report] | None = None
        self._errors: dict[str, tuple[str, datetime]] = {}

    async def report(self) -> Report:
        """How everything stands. Never raises for what a dependency does."""
        async with self._asking:
            if self._kept is None or self._clock() - self._kept[0] >= KEPT_SECONDS:
                standings = await asyncio.gather(*(self._standing(one) for one in self._dependencies))
                self._kept = self._clock(), Report(self._now(), standings)
            return self._kept[1]

    async def _standing(self, one: Dependency) -> Standing:
        began = self._clock()
        error = await self._error_of(one)
        if error is not None:
            self._errors[one.name] = error, self._now()
        last, last_at = self._errors.get(one.name, (None, None))
        latency = round(self._clock() - began, 4)
        return Standing(one.name, one.is_required, error is None, latency, last, last_at)

    async def _error_of(self, one: Dependency) -> str | None:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await one.ask()
        except TimeoutError:
            return "timeout"
        except CopilotError as exc:
            return exc.reason
        return None


def dependencies_of(services: Services, reach_model: Callable[[], Awaitable[object]] | None) -> list[Dependency]:
    """Who is asked, and what: a point read, a queue's length, a blob that is not there, a seal, a connection."""

    async def blob() -> None:
        try:
            await services.raw.get(NOBODY, f"{NOBODY}/rcp-none")
        except Malformed as exc:
            if exc.reason != "payload_gone":
                raise

    found = [
        Dependency("database", lambda: services.lookups.inbound("int-nobody")),
        Dependency("queues", lambda: services.queues.line(QueueName.SIGNALS.value)),
        Dependency("blobs", blob),
        Dependency("keys", lambda: services.secret_box.seal(NOBODY, IntegrationId("int-nobody"), "ready?")),
    ]
    # It works when the model does not.
    return [*found, Dependency("model", reach_model, is_required=False)] if reach_model else found


def told(report: Report) -> Mapping[str, object]:
    """The report as an operator reads it."""
    return {
        "ready": report.is_ready,
        "asked_at": report.asked_at.isoformat(),
        "dependencies": [
            {
                "name": one.name,
                "required": one.is_required,
                "up": one.is_up,
                "latency_seconds": one.latency_seconds,
                "last_error": one.last_error,
                "last_error_at": one.last_error_at.isoformat() if one.last_error_at else None,
            }
            for one in report.standings
        ],
    }
