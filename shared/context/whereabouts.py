"""Under which label and name of which convention each service around is measured, and what it runs on: asked once
for all collectors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.context.conventions import Binding, Carrier
from shared.context.finding import Conventions, by_their_own_names, conventions_of, prometheus_of
from shared.errors import StoreUnavailable
from shared.models.base import TenantId
from shared.ports.metrics import MetricsSource
from shared.ports.services import Services

Placed = Mapping[Binding, Mapping[str, str]]
"""By binding: the services that it carries, by their names there."""
Limited = Mapping[tuple[Carrier, str], Mapping[str, str]]
"""By carrier of limits and label (of processes alone): the services that have some there, by their names there."""


@dataclass(frozen=True)
class Whereabouts:
    """Where services are measured, and what limits it; and what has limits that they run on."""

    placed: Placed
    warnings: tuple[str, ...] = ()
    limited: Limited = field(default_factory=dict)

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
        return Whereabouts(placed, (*self.warnings, *unknown), self.limited)


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
            return _told(found, wanted)
    except StoreUnavailable as exc:
        untold = f"the service names could not be read: {exc.reason}"
        return _told(
            await by_their_own_names(tenant_id, wanted, source, reference=reference, now=now), wanted, untold
        )
    return _told(await by_their_own_names(tenant_id, wanted, source, reference=reference, now=now), wanted)


def _told(found: Conventions, wanted: Sequence[str], *warnings: str) -> Whereabouts:
    return Whereabouts(
        {binding: _by_name(names, wanted) for binding, names in found.resolution.bound.items()},
        (*warnings, *found.warnings),
        {place: _by_name(names, wanted) for place, names in found.subjects(wanted).items()},
    )


def _by_name(names: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """The services by their names. A name that fits two is that of who is called just so, or else of the first."""
    found = {names[service]: service for service in reversed(wanted) if service in names}
    return found | {name: name for service, name in names.items() if service == name}
