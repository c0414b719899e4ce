"""Code hosts, annotations and silences in memory: what they answer is said beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from shared.errors import CopilotError
from shared.models.base import TenantId
from shared.ports.alert_sources import DEFAULT_GRACE, FiringNow
from shared.ports.annotations import Annotation, Annotations, AnnotationSource
from shared.ports.deployments import Deployed, DeploymentSource
from shared.ports.silencing import Silence, Silences, SilenceState, SilencingSource

AHEAD = timedelta(minutes=5)

S = TypeVar("S")


@dataclass
class ScriptedDeployments:
    """Implements DeploymentSource. `repositories` has the services it knows; an error is raised instead."""

    found: Deployed | CopilotError = field(default_factory=Deployed)
    repositories: Mapping[str, str] = field(default_factory=dict)
    integration_id: str = "int-github"
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def look(self, services: Sequence[str], *, since: datetime, until: datetime) -> Deployed:
        """See DeploymentSource."""
        self.asked.append(tuple(services))
        if isinstance(self.found, CopilotError):
            raise self.found
        unmapped = tuple(service for service in services if service not in self.repositories)
        if len(unmapped) == len(services):
            return Deployed(unmapped=unmapped)
        deployments = [
            replace(one, services=tuple(service for service in one.services if service in services))
            for one in self.found.deployments
            if since <= one.at <= until + AHEAD and not set(one.services).isdisjoint(services)
        ]
        releases = [one for one in self.found.releases if since <= one.published_at <= until + AHEAD]
        return replace(
            self.found,
            deployments=tuple(sorted(deployments, key=lambda one: one.at, reverse=True)),
            releases=tuple(sorted(releases, key=lambda one: one.published_at, reverse=True)),
            unmapped=unmapped,
        )


@dataclass
class ScriptedAnnotations:
    """Implements AnnotationSource; an error is raised instead."""

    found: Sequence[Annotation] | CopilotError = ()
    integration_id: str = "int-grafana"

    async def between(
        self, start: datetime, end: datetime, *, tags: Sequence[str] = (), limit: int = 100
    ) -> Annotations:
        """See AnnotationSource."""
        if isinstance(self.found, CopilotError):
            raise self.found
        touching = [
            one
            for one in self.found
            if one.at <= end + AHEAD and (one.until or one.at) >= start and set(tags) <= set(one.tags)
        ]
        newest_first = sorted(touching, key=lambda one: one.at, reverse=True)
        is_cut = len(newest_first) >= limit
        return Annotations(
            tuple(newest_first[:limit]), (f"only the latest {limit} annotations are here",) if is_cut else ()
        )


@dataclass
class ScriptedSilencing:
    """Implements SilencingSource; an error is raised instead."""

    alerts: FiringNow | None = None
    silenced: Sequence[Silence] = ()
    failing: CopilotError | None = None
    integration_id: str = "int-alertmanager"
    receiver: str | None = None
    grace: timedelta = DEFAULT_GRACE

    async def firing(self, *, now: datetime) -> FiringNow:
        """See AlertSource."""
        if self.failing:
            raise self.failing
        return self.alerts or FiringNow(alerts=(), asked_at=now)

    async def silences(self, *, since: datetime) -> Silences:
        """See SilencingSource."""
        if self.failing:
            raise self.failing
        order = (SilenceState.ACTIVE, SilenceState.EXPIRED, SilenceState.PENDING)
        wanted = [one for one in self.silenced if one.state is not SilenceState.EXPIRED or one.ends_at > since]
        return Silences(tuple(sorted(wanted, key=lambda one: (order.index(one.state), -one.starts_at.timestamp()))))


@dataclass
class _OfTenants(Generic[S]):
    """Sources by tenant; who is not named has none."""

    by_tenant: Mapping[TenantId, Sequence[S]] = field(default_factory=dict)

    async def of_tenant(self, tenant_id: TenantId) -> Sequence[S]:
        """The tenant's."""
        return self.by_tenant.get(tenant_id, ())


class MemoryDeployments(_OfTenants[DeploymentSource]):
    """Implements DeploymentSources."""


class MemoryAnnotations(_OfTenants[AnnotationSource]):
    """Implements AnnotationSources."""


class MemorySilencing(_OfTenants[SilencingSource]):
    """Implements SilencingSources."""
