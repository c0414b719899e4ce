"""Under which conventions services are measured: detected, kept for a quarter of an hour, matched by name."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.context.conventions.detect import detection
from shared.context.conventions.listing import heard, listing, with_names
from shared.context.service_names import Resolution, resolve
from shared.models.base import IntegrationId, TenantId
from shared.models.conventions import Detected, ServiceNames
from shared.ports.metrics import MOST_SERIES, MetricsSource
from shared.ports.services import Services
from shared.telemetry import logger

log = logger(__name__)

ASK_AGAIN_AFTER = timedelta(minutes=1)
"""For a service that is not known: it may be new. Sooner than this the answer would be the same."""


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

    At most two queries, and none while what is kept is fresh and knows them all. Raises SourceUnavailable,
    AddressRefused and StoreUnavailable.
    """
    mapping = await mapping_of(tenant_id, services, now=now)
    held = await services.conventions.detected(tenant_id, integration_id)
    if held:
        known = Conventions(held, mapping, resolve(wanted, held, mapping))
        if held.is_fresh(now) and (now - held.asked_at < ASK_AGAIN_AFTER or not _unplaced(wanted, known.resolution)):
            return known
    before = held or Detected.nothing_yet(tenant_id, integration_id, now=now)
    detected = await _detect(source, before, mapping, wanted=wanted, reference=reference, now=now)
    await services.conventions.keep(tenant_id, detected)
    log.info("conventions_detected", extra={"bindings": len(detected.found), "cut": len(detected.cut)})
    return Conventions(detected, mapping, resolve(wanted, detected, mapping))


async def mapping_of(tenant_id: TenantId, services: Services, *, now: datetime) -> ServiceNames:
    """What the tenant calls its services; raises StoreUnavailable."""
    held = await services.records.read(tenant_id, ServiceNames, ServiceNames.id_for())
    return held.value if held else ServiceNames.none_yet(tenant_id, now=now)


async def _detect(
    source: MetricsSource,
    before: Detected,
    mapping: ServiceNames,
    *,
    wanted: Collection[str],
    reference: datetime,
    now: datetime,
) -> Detected:
    """Also as it was when the trouble began: what is dead now was there then."""
    ago = (now - reference).total_seconds()
    answer = await source.query(listing(seconds_ago=ago), at=now, max_series=MOST_SERIES)
    detected = heard(answer.samples, before, max_series=MOST_SERIES, now=now)
    missing = _unplaced(wanted, resolve(wanted, detected, mapping))
    if not detected.cut or not missing:
        return detected
    # Among so many names those that are asked for may have been left out: they are asked for by themselves.
    spellings = sorted({name for service in missing for name in (service, *mapping.group_of(service))})
    return with_names(detected, (await source.query(detection(spellings, seconds_ago=ago), at=now)).samples)


def _unplaced(wanted: Collection[str], resolution: Resolution) -> list[str]:
    return sorted(set(wanted) - resolution.places.keys() - resolution.candidates.keys())
