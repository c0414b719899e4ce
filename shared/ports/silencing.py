"""What a tenant's alert sources say of alerts beside ours, and of what keeps them quiet.

Texts are one line and capped, and otherwise as the source has them: whoever keeps them redacts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.models.base import TenantId
from shared.ports.alert_sources import AlertSource


class SilenceState(StrEnum):
    """Whether it silences."""

    ACTIVE = "active"
    PENDING = "pending"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Matcher:
    """One condition of a silence. Its source evaluates it: which alerts it met stands in their `silenced_by`."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        operator = ("=~" if self.is_equal else "!~") if self.is_regex else ("=" if self.is_equal else "!=")
        return f'{self.name}{operator}"{self.value}"'


@dataclass(frozen=True)
class Silence:
    """One silence; who made it and why is what its maker wrote."""

    silence_id: str
    state: SilenceState
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Silences:
    """Silences of a source, those that silence now first; `warnings` says what is left out."""

    items: tuple[Silence, ...] = ()
    warnings: tuple[str, ...] = ()


class SilencingSource(AlertSource, Protocol):
    """An alert source that also says what keeps its alerts quiet."""

    @property
    def integration_id(self) -> str:
        """Whose connection it is."""
        ...

    async def silences(self, *, since: datetime) -> Silences:
        """Those that silence or will, and those that ended after `since`.

        Raises SourceUnavailable, or AddressRefused for a URL we do not go to.
        """
        ...


class SilencingSources(Protocol):
    """Finds the alert sources of a tenant."""

    async def of_tenant(self, tenant_id: TenantId) -> Sequence[SilencingSource]:
        """Those connected and active, oldest first; raises StoreUnavailable, KeysUnavailable or SecretUnreadable."""
        ...
