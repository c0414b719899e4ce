"""What people and pipelines noted on a tenant's dashboards: deploys, load tests, maintenance.

Texts are plain, one line and capped, and otherwise as the source has them: whoever keeps them redacts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.models.base import TenantId


@dataclass(frozen=True)
class Annotation:
    """One note, at a time or over one."""

    annotation_id: str
    at: datetime
    text: str
    until: datetime | None = None
    """The end of a region."""
    tags: tuple[str, ...] = ()
    author: str | None = None
    """A login, never an address."""
    dashboard_uid: str | None = None
    """None for a note of the whole organisation."""
    dashboard_url: str | None = None
    """Its dashboard, opened around that time."""
    link: str | None = None
    """The first address in its text."""


@dataclass(frozen=True)
class Annotations:
    """The notes of some time, newest first."""

    items: tuple[Annotation, ...] = ()
    warnings: tuple[str, ...] = ()


class AnnotationSource(Protocol):
    """A system with annotations."""

    @property
    def integration_id(self) -> str:
        """Whose connection it is."""
        ...

    async def between(
        self, start: datetime, end: datetime, *, tags: Sequence[str] = (), limit: int = 100
    ) -> Annotations:
        """The latest notes that touch this time and carry all of the tags; none that alert rules made.

        Raises SourceUnavailable, or AddressRefused for a URL we do not go to.
        """
        ...


class AnnotationSources(Protocol):
    """Finds where a tenant's annotations are."""

    async def of_tenant(self, tenant_id: TenantId) -> Sequence[AnnotationSource]:
        """Those connected and active, oldest first; raises StoreUnavailable, KeysUnavailable or SecretUnreadable."""
        ...
