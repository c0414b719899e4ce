"""What reconciliation asks of the systems that send alerts: what is firing there now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from shared.models.base import TenantId
from shared.models.tenants import Integration

DEFAULT_GRACE = timedelta(minutes=6)
"""A little more than Alertmanager's and Grafana's default group_wait and group_interval together."""


class Quiet(StrEnum):
    """What keeps a firing alert from being notified."""

    SILENCED = "silenced"
    INHIBITED = "inhibited"
    MUTED = "muted"
    """By a time interval; Alertmanager tells it from 0.28 on."""
    UNPROCESSED = "unprocessed"
    """Its source has not yet decided."""


@dataclass(frozen=True)
class FiringAlert:
    """One alert that fires at its source; `notifies` is false where it is silenced, inhibited or muted."""

    fingerprint: str
    starts_at: datetime
    """To the millisecond: the API says no more, though the webhook does."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    generator_url: str = ""
    receivers: frozenset[str] = frozenset()
    notifies: bool = True
    quiet: frozenset[Quiet] = frozenset()
    """Why it does not notify, where its source says so."""
    silenced_by: tuple[str, ...] = ()
    """Ids of silences."""
    inhibited_by: tuple[str, ...] = ()
    """Fingerprints of alerts."""


@dataclass(frozen=True)
class FiringNow:
    """All that fires at a source. It is only ever made from an answer that was understood to its end."""

    alerts: Sequence[FiringAlert]
    asked_at: datetime


class AlertSource(Protocol):
    """A connected system that can be asked."""

    @property
    def receiver(self) -> str | None:
        """The receiver that leads to us; `*` for every one, None when we were not told."""
        ...

    @property
    def grace(self) -> timedelta:
        """How long its own webhook is given to tell us before we take something to be missing."""
        ...

    async def firing(self, *, now: datetime) -> FiringNow:
        """What fires now, everything; raises SourceUnavailable, or AddressRefused for a URL we do not go to."""
        ...


class AlertSources(Protocol):
    """Finds the API of an integration."""

    async def of_integration(self, tenant_id: TenantId, integration: Integration) -> AlertSource | None:
        """How to ask it, or None when it has no API; raises KeysUnavailable or SecretUnreadable."""
        ...
