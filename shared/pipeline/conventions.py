"""Under which conventions services are measured: detected, kept for a quarter of an hour, matched by name."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.context.conventions.detect import detection
from shared.context.conventions.listing import asked_for, heard, listing
from shared.context.service_names import Resolution, resolve
from shared.models.base import IntegrationId, TenantId
from shared.models.conventions import FRESH_FOR, Detected, ServiceNames
from shared.models.tenants import IntegrationType
from shared.ports.metrics import MOST_SERIES, MetricsSource, Sample
from shared.ports.services import Services
from shared.telemetry import logger

log = logger(__name__)

ASK_AGAIN_AFTER = timedelta(minutes=1)
"""For a service that is not known, by its own names: it may be new."""
LIST_AGAIN_AFTER = timedelta(minutes=5)
"""For a service that is not known by any: most will stay so, and every name of a large estate takes seconds."""


@dataclass(frozen=True)
class Conventions:
    """What is known of a Prometheus, and where the wanted services are in it."""

    detected: Detected
    mapping: ServiceNames
    resolution: Resolution

    @property
    def warnings(self) -> tuple[str, ...]:
        """What limits it."""
        return (*self.detected.warnings, *self.resolution.warnings)


async def conventions_of(
    tenant_id: TenantId,
    integration_id: IntegrationId,
    source: MetricsSource,
    services: Services,
    *,
    wanted: Collection[str],
    reference: datetime,
    now: datetime,
) -> Conventions:
    """Where these services are measured; `reference` is when their trouble began.

    No query while what is kept is fresh and knows them all. Else one asks for their own names, at a cost that does
    not grow with the estate; and only for those with another name a second one asks for every name there is. Both
    also ask what was there when the trouble began. Raises SourceUnavailable, AddressRefused and StoreUnavailable.
    """
    mapping = await mapping_of(tenant_id, services, now=now)
    held = await services.conventions.detected(tenant_id, integration_id)
    before = held or Detected.nothing_yet(tenant_id, integration_id, now=now)
    detected = await _Detection(source, mapping, wanted, reference, now).brought_up_to_date(before)
    if detected is not before:
        await services.conventions.keep(tenant_id, detected)
    return Conventions(detected, mapping, resolve(wanted, detected, mapping))


@dataclass(frozen=True)
class _Detection:
    """Asks what is not known any more, or not yet."""

    source: MetricsSource
    mapping: ServiceNames
    wanted: Collection[str]
    reference: datetime
    now: datetime

    async def brought_up_to_date(self, held: Detected) -> Detected:
        """What was held, itself when nothing had to be asked."""
        missing = self._missing(held)
        own = await self._ask(detection(_spellings(missing), seconds_ago=self._ago)) if missing else ()
        detected = asked_for(own, held, missing, now=self.now) if missing else held
        if not self._must_list(detected):
            return detected
        every = heard(await self._ask(listing(seconds_ago=self._ago)), detected, max_series=MOST_SERIES, now=self.now)
        log.info("conventions_listed", extra={"bindings": len(every.found), "cut": len(every.cut)})
        # A list that was cut may lack the very names that were asked for.
        return asked_for(own, every, missing, now=self.now) if missing else every

    @property
    def _ago(self) -> float:
        return (self.now - self.reference).total_seconds()

    async def _ask(self, promql: str) -> Sequence[Sample]:
        return (await self.source.query(promql, at=self.now, max_series=MOST_SERIES)).samples

    def _missing(self, held: Detected) -> dict[str, tuple[str, ...]]:
        """The services to be asked for, each with its own names."""
        places = resolve(self.wanted, held, self.mapping).places
        certain = {service for service, place in places.items() if place.is_certain}
        known = held.asked_within(FRESH_FOR, self.now) & certain | held.asked_within(ASK_AGAIN_AFTER, self.now)
        if held.listed_within(FRESH_FOR, self.now):
            known |= places.keys()
        return {one: (one, *self.mapping.group_of(one)) for one in sorted(set(self.wanted) - known)}

    def _must_list(self, detected: Detected) -> bool:
        found = resolve(self.wanted, detected, self.mapping)
        if all(one in found.places and found.places[one].is_certain for one in self.wanted):
            return False
        is_known = all(one in found.places or one in found.candidates for one in self.wanted)
        return not detected.listed_within(FRESH_FOR if is_known else LIST_AGAIN_AFTER, self.now)


def _spellings(missing: Mapping[str, Sequence[str]]) -> list[str]:
    return sorted({name for own in missing.values() for name in own})


async def prometheus_of(tenant_id: TenantId, services: Services) -> IntegrationId | None:
    """The integration whose Prometheus `services.metrics` asks: the first in use; raises StoreUnavailable."""
    for one in await services.directory.integrations(tenant_id, IntegrationType.PROMETHEUS):
        if one.is_active and one.config:
            return IntegrationId(one.id)
    return None


async def mapping_of(tenant_id: TenantId, services: Services, *, now: datetime) -> ServiceNames:
    """What the tenant calls its services; raises StoreUnavailable."""
    held = await services.records.read(tenant_id, ServiceNames, ServiceNames.id_for())
    return held.value if held else ServiceNames.none_yet(tenant_id, now=now)
