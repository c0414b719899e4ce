"""Under which conventions services are measured: detected, kept for a quarter of an hour, matched by name."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.context.conventions.detect import with_subjects
from shared.context.conventions.listing import asked_for, heard, listing
from shared.context.conventions.rows import Carrier
from shared.context.service_names import Index, Resolution, resolve, subjects, workload_names
from shared.errors import AddressRefused, SourceUnavailable
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

    index: Index
    mapping: ServiceNames
    resolution: Resolution
    untold: str | None = None
    """Why every name could not be asked for, when it had to be."""
    heard: tuple[str, ...] = ()
    """What Prometheus warned of when it was asked without any memory."""

    def subjects(self, wanted: Collection[str]) -> Mapping[tuple[Carrier, str], Mapping[str, str]]:
        """By carrier and label: which of these services have limits there, each with its name."""
        return subjects(wanted, self.index, self.mapping)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What limits it."""
        untold = (f"the names of services could not be listed: {self.untold}",) if self.untold else ()
        return (*untold, *self.heard, *self.index.detected.warnings, *self.resolution.warnings)


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
    also ask what was there when the trouble began. Raises SourceUnavailable, AddressRefused and StoreUnavailable; but
    when the second fails, what is known by its own name is answered with a warning.
    """
    mapping = await mapping_of(tenant_id, services, now=now)
    held = await services.conventions.detected(tenant_id, integration_id)
    before = Index(held or Detected.nothing_yet(tenant_id, integration_id, now=now))
    index, untold = await _Detection(source, mapping, wanted, reference, now).brought_up_to_date(before)
    if index is not before:
        await services.conventions.keep(tenant_id, index.detected)
    return Conventions(index, mapping, resolve(wanted, index, mapping), untold)


async def by_their_own_names(
    tenant_id: TenantId, wanted: Collection[str], source: MetricsSource, *, reference: datetime, now: datetime
) -> Conventions:
    """The same without any memory, in one query, which finds nobody under another name. Raises as the source does."""
    ago, names = (now - reference).total_seconds(), {name: (name,) for name in wanted}
    own, spelled = _spellings(names)
    answer = await source.query(with_subjects(own, seconds_ago=ago, spelled=spelled), at=now)
    nothing = Detected.nothing_yet(tenant_id, IntegrationId(""), now=now)
    index = Index(asked_for(answer.samples, nothing, names, now=now, spelled=spelled))
    mapping = ServiceNames.none_yet(tenant_id, now=now)
    return Conventions(index, mapping, resolve(wanted, index, mapping), heard=tuple(answer.warnings))


@dataclass(frozen=True)
class _Detection:
    """Asks what is not known any more, or not yet."""

    source: MetricsSource
    mapping: ServiceNames
    wanted: Collection[str]
    reference: datetime
    now: datetime

    async def brought_up_to_date(self, held: Index) -> tuple[Index, str | None]:
        """What was held, itself when nothing had to be asked; and why every name could not be listed."""
        missing = self._missing(held)
        own, spelled = _spellings(missing)
        told = await self._ask(with_subjects(own, seconds_ago=self._ago, spelled=spelled)) if missing else ()
        index = Index(asked_for(told, held.detected, missing, now=self.now, spelled=spelled)) if missing else held
        if not self._must_list(index):
            return index, None
        try:
            listed = await self._list()
        except (SourceUnavailable, AddressRefused) as exc:
            # What is known by its own name is measured all the same, and so heavy a question is not soon repeated.
            return Index(index.detected.model_copy(update={"listed_at": self.now})), exc.reason
        every = heard(listed, index.detected, max_series=MOST_SERIES, now=self.now)
        log.info("conventions_listed", extra={"bindings": len(every.found), "cut": len(every.cut)})
        # A list that was cut may lack the very names that were asked for.
        return Index(asked_for(told, every, missing, now=self.now, spelled=spelled) if missing else every), None

    @property
    def _ago(self) -> float:
        return (self.now - self.reference).total_seconds()

    async def _ask(self, promql: str) -> Sequence[Sample]:
        return (await self.source.query(promql, at=self.now, max_series=MOST_SERIES)).samples

    async def _list(self) -> Sequence[Sample]:
        """Every name; a list with a part missing is none, as what is not in it would be taken to have gone."""
        answer = await self.source.query(listing(seconds_ago=self._ago), at=self.now, max_series=MOST_SERIES)
        if answer.is_partial:
            raise SourceUnavailable("a part of the names could not be read", reason="partial_answer")
        return answer.samples

    def _missing(self, held: Index) -> dict[str, tuple[str, ...]]:
        """The services to be asked for, each with its own names."""
        places = resolve(self.wanted, held, self.mapping).places
        certain = {service for service, place in places.items() if place.is_certain}
        asked = held.detected.asked_within
        known = asked(FRESH_FOR, self.now) & certain | asked(ASK_AGAIN_AFTER, self.now)
        if held.detected.listed_within(FRESH_FOR, self.now):
            known |= places.keys()
        return {one: (one, *self.mapping.group_of(one)) for one in sorted(set(self.wanted) - known)}

    def _must_list(self, index: Index) -> bool:
        found = resolve(self.wanted, index, self.mapping)
        if all(one in found.places and found.places[one].is_certain for one in self.wanted):
            return False
        is_known = all(one in found.places or one in found.candidates for one in self.wanted)
        return not index.detected.listed_within(FRESH_FOR if is_known else LIST_AGAIN_AFTER, self.now)


def _spellings(missing: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Their own names, and what else may be the names of what they run on."""
    own = sorted({name for names in missing.values() for name in names})
    return own, workload_names(own)


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
