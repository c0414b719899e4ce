"""What every collector is given, and what it gives back."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from shared.context.neighbourhood import Neighbourhood
from shared.context.whereabouts import Whereabouts, whereabouts
from shared.context.window import Window
from shared.errors import CopilotError, SourceUnavailable
from shared.models.base import TenantId
from shared.models.evidence import Evidence
from shared.models.incidents import Incident
from shared.models.signals import Signal
from shared.models.snapshots import Section, SectionName
from shared.ports.metrics import MetricsSource
from shared.ports.services import Services

PATIENCE_SECONDS = 3.0
"""How long the services around are waited for by who can do without: a slow topology must not cost the rest."""
MAX_SERVICE_CHARS = 120
"""A longer name is cut where it is shown, and not followed where a graph gives it."""

T = TypeVar("T")


class NotConfigured(CopilotError):
    """The tenant has connected nothing that could answer; `reason` says what is missing."""

    default_reason = "not_configured"


@dataclass(frozen=True)
class Look:
    """Whom to ask, about which service, over which time."""

    source: MetricsSource
    service: str
    window: Window


@dataclass(frozen=True)
class Collected:
    """The evidence of one section. With `failure` set, a part could not be asked and the rest is here."""

    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: str | None = None
    why_empty: str | None = None
    as_of: datetime | None = None
    """When it was fetched, where that is not now."""
    is_stale: bool = False
    """Whether it could not be fetched again though it is due: shown with its age, never as if it were of now."""


@dataclass
class View:
    """An incident, seen by its collectors. The window and the neighbourhood are found once and shared by all."""

    incident: Incident
    signals: Sequence[Signal]
    services: Services
    reference: datetime
    """When the alert began to fire: the trouble began at or before it."""
    now: datetime
    looking: "asyncio.Task[Look]" = field(init=False)
    finding: "asyncio.Task[Neighbourhood]" = field(init=False)
    sections: "dict[SectionName, asyncio.Task[Section]]" = field(default_factory=dict)
    """The sections that are being answered, for those that build on another's."""
    _placing: "asyncio.Future[Whereabouts] | None" = field(init=False, default=None)
    _gave_up: bool = field(init=False, default=False)

    @property
    def tenant_id(self) -> TenantId:
        """Whose incident it is."""
        return self.incident.tenant_id

    @property
    def service(self) -> str:
        """The service that alerted."""
        return self.incident.service_name

    async def look(self) -> Look:
        """How to ask the tenant's Prometheus; raises NotConfigured without one, and as the source does."""
        return await shared_task(self.looking)

    async def neighbourhood(self) -> Neighbourhood:
        """The services around; raises NotConfigured or SourceUnavailable (`no_topology`) when they are not known."""
        await asyncio.wait([self.finding])
        if self.finding.cancelled():
            raise SourceUnavailable("the topology was not found in time", reason="no_topology")
        match self.finding.exception():
            case None:
                return self.finding.result()
            case NotConfigured() as exc:
                raise exc
            case exc:
                message = "without the topology nobody knows whom to ask about"
                raise SourceUnavailable(message, reason="no_topology") from exc

    async def neighbourhood_in_time(self, *, patience_seconds: float = PATIENCE_SECONDS) -> Neighbourhood:
        """The services around, or nobody, when they are not known by then: for who can do without."""
        if not await self._found_within(patience_seconds) or self.finding.cancelled() or self.finding.exception():
            return Neighbourhood({}, ())
        return self.finding.result()

    async def whereabouts(self) -> Whereabouts:
        """Where the alerting service and those around it are measured: asked once; raises as the source does."""
        if self._placing is None:
            self._placing = asyncio.ensure_future(self._placed_around())
        return await shared_task(self._placing)

    async def own_whereabouts(self) -> Whereabouts:
        """The same of the alerting service alone, which does not wait for the topology."""
        return await self._placed([self.service])

    async def _placed_around(self) -> Whereabouts:
        names, _ = await self.around()
        return await self._placed(names)

    async def _placed(self, names: list[str]) -> Whereabouts:
        look = await self.look()
        return await whereabouts(
            self.tenant_id, names, look.source, self.services, reference=self.reference, now=look.window.end
        )

    async def evidence_of(self, *names: SectionName) -> list[Evidence]:
        """What these sections found, once they are answered."""
        waiting = [self.sections[name] for name in names if name in self.sections]
        found = [await shared_task(task) for task in waiting]
        return [piece for section in found for piece in section.evidence]

    async def around(self, *, patience_seconds: float = PATIENCE_SECONDS) -> tuple[list[str], list[str]]:
        """The alerting service first, then those around it; and a warning when they are not known, or not in time."""
        if not await self._found_within(patience_seconds):
            return [self.service], ["the topology was not found in time: only this service was asked"]
        try:
            found = await self.neighbourhood()
        except CopilotError:
            return [self.service], ["the topology failed: only this service was asked"]
        return [self.service, *found.neighbours], []

    async def _found_within(self, patience_seconds: float) -> bool:
        """Whether the topology is known, or failed, by then. It is waited for once: who asks later waits no more."""
        await asyncio.wait([self.finding], timeout=0 if self._gave_up else patience_seconds)
        self._gave_up = not self.finding.done()
        return self.finding.done()

    @property
    def under_way(self) -> "list[asyncio.Future[Any]]":
        """Everything that was begun for this look, to be ended with it."""
        shared: list[asyncio.Future[Any]] = [self.looking, self.finding, *self.sections.values()]
        return [*shared, self._placing] if self._placing else shared


async def shared_task(task: "Awaitable[T]") -> T:
    """The result of a shared task. Waiting for it must not cancel it for the others."""
    return await asyncio.shield(task)
