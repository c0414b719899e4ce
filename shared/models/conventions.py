"""Which conventions a tenant's Prometheus follows, as last asked, and what a tenant calls its services there."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from shared.models.base import Document, Instant, IntegrationId, TenantId, Value, document_id
from shared.models.tenants import Record

FRESH_FOR = timedelta(minutes=15)
REMEMBERED_FOR = timedelta(hours=24)
"""A service that has vanished is still known by this name for so long."""
MAX_NAMES = 5_000
"""Of one binding."""
MAX_GONE = 2_000
MAX_ASKED = 1_000
MAX_NAME_CHARS = 200

MAX_MAPPED = 2_000
MAX_ALIASES = 10
MAX_MAPPING_CHARS = 300_000
"""Of all names together: four bytes each keep the document below the store's two megabytes."""


class Gone(Value):
    """A name that is not there any more, and when it last was."""

    binding: str
    name: str
    seen_at: Instant


class AskedFor(Value):
    """A service that was asked for by its own names, and when."""

    service: str
    at: Instant


class Detected(Document):
    """The names of services under each binding (`row/label`) of one Prometheus. A cache: it can be asked again."""

    type: Literal["detected_conventions"] = "detected_conventions"
    integration_id: IntegrationId
    found: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    gone: tuple[Gone, ...] = Field(default=(), max_length=MAX_GONE)
    cut: tuple[str, ...] = ()
    """The bindings that may have more names than are kept."""
    asked: tuple[AskedFor, ...] = Field(default=(), max_length=MAX_ASKED)
    listed_at: Instant | None = None
    """When every name was last asked for."""
    updated_at: Instant
    ttl: int = int(REMEMBERED_FOR.total_seconds())

    @classmethod
    def nothing_yet(cls, tenant_id: TenantId, integration_id: IntegrationId, *, now: datetime) -> "Detected":
        """Before Prometheus is first asked."""
        return cls(id=cls.id_for(integration_id), tenant_id=tenant_id, integration_id=integration_id, updated_at=now)

    @staticmethod
    def id_for(integration_id: IntegrationId) -> str:
        """A Prometheus has one."""
        return document_id("conventions", integration_id)

    def listed_within(self, age: timedelta, now: datetime) -> bool:
        """Whether every name was asked for so lately."""
        return self.listed_at is not None and now - self.listed_at < age

    def asked_within(self, age: timedelta, now: datetime) -> frozenset[str]:
        """The services that were asked for so lately."""
        return frozenset(one.service for one in self.asked if now - one.at < age)

    def is_there(self, binding: str, name: str) -> bool:
        """Whether a name was there when it was last asked for."""
        return name in self.found.get(binding, ())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know of it."""
        if not self.cut:
            return ()
        rows = ", ".join(sorted({binding.partition("/")[0] for binding in self.cut}))
        return (f"Prometheus has more names of services than are kept ({rows})",)

    @property
    def bindings(self) -> frozenset[str]:
        """Those with any name."""
        return frozenset(self.found) | {one.binding for one in self.gone}

    def names(self, binding: str) -> frozenset[str]:
        """Those that are there, and those that were lately."""
        return frozenset(self.found.get(binding, ())) | {one.name for one in self.gone if one.binding == binding}


class ServiceAliases(Value):
    """One service under the name its alerts give it, and what else it is called."""

    service: str = Field(max_length=MAX_NAME_CHARS)
    aliases: tuple[str, ...] = Field(min_length=1, max_length=MAX_ALIASES)


class ServiceNames(Record):
    """A tenant's whole mapping. An alias belongs to one service, which is no alias of another."""

    type: Literal["service_names"] = "service_names"
    services: tuple[ServiceAliases, ...] = Field(default=(), max_length=MAX_MAPPED)
    updated_at: Instant
    updated_by: str
    """The Entra object id of who wrote this version."""

    @staticmethod
    def id_for() -> str:
        """A tenant has one."""
        return "service-names"

    @classmethod
    def none_yet(cls, tenant_id: TenantId, *, now: datetime) -> "ServiceNames":
        """Before the first is written: version 0."""
        return cls(id=cls.id_for(), tenant_id=tenant_id, created_at=now, updated_at=now, updated_by="", version=0)

    @model_validator(mode="after")
    def _tells_services_apart(self) -> Self:
        named = [name for one in self.services for name in (one.service, *one.aliases)]
        twice = next((name for name, times in Counter(named).most_common(1) if times > 1), None)
        if twice is not None:
            raise ValueError(f"{twice!r} is named twice; a name stands for one service")
        if sum(map(len, named)) > MAX_MAPPING_CHARS:
            raise ValueError(f"all names together may have {MAX_MAPPING_CHARS} characters")
        return self

    def group_of(self, service: str) -> tuple[str, ...]:
        """Every other name of a service, whichever of them it is asked by."""
        for one in self.services:
            named = (one.service, *one.aliases)
            if service in named:
                return tuple(name for name in named if name != service)
        return ()
