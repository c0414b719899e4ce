"""Under which label and name of which convention each service around is measured: asked once for all collectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.context.conventions import Binding, bindings_of, detection
from shared.context.finding import conventions_of, prometheus_of
from shared.errors import StoreUnavailable
from shared.models.base import TenantId
from shared.ports.metrics import MetricsSource
from shared.ports.services import Services

Placed = Mapping[Binding, Mapping[str, str]]
"""By binding: the services that it carries, by their names there."""


@dataclass(frozen=True)
class Whereabouts:
    """Where services are measured, and what limits it."""

    placed: Placed
    warnings: tuple[str, ...] = ()

    def of(self, services: Sequence[str]) -> "Whereabouts":
        """Of some of them, with a warning for each that is not measured."""
        wanted = set(services)
        placed = {
            binding: kept
            for binding, names in self.placed.items()
            if (kept := {name: service for name, service in names.items() if service in wanted})
        }
        measured = {service for names in placed.values() for service in names.values()}
        unknown = tuple(f"no known request metrics of {name}" for name in services if name not in measured)
        return Whereabouts(placed, (*self.warnings, *unknown))


async def whereabouts(
    tenant_id: TenantId,
    wanted: Sequence[str],
    source: MetricsSource,
    services: Services,
    *,
    reference: datetime,
    now: datetime,
) -> Whereabouts:
    """By what is remembered of the tenant's Prometheus and by its service names; by their own names alone where
    that cannot be read, which is only a memory. Raises as the source does.
    """
    try:
        integration_id = await prometheus_of(tenant_id, services)
        if integration_id is not None:
            found = await conventions_of(
                tenant_id, integration_id, source, services, wanted=wanted, reference=reference, now=now
            )
            bound = found.resolution.bound
            return Whereabouts(
                {binding: {name: service for service, name in names.items()} for binding, names in bound.items()},
                tuple(found.warnings),
            )
    except StoreUnavailable as exc:
        untold = f"the service names could not be read: {exc.reason}"
        return await _by_their_own_names(wanted, source, (untold,), reference=reference, now=now)
    return await _by_their_own_names(wanted, source, (), reference=reference, now=now)


async def _by_their_own_names(
    wanted: Sequence[str], source: MetricsSource, warnings: tuple[str, ...], *, reference: datetime, now: datetime
) -> Whereabouts:
    ago = (now - reference).total_seconds()
    answer = await source.query(detection(wanted, seconds_ago=ago), at=now)
    bound = bindings_of(answer.samples, wanted)
    placed = {binding: {name: name for name in names} for binding, names in bound.items()}
    return Whereabouts(placed, (*warnings, *answer.warnings))
