"""What a tenant's code host is asked for: what was deployed and released lately, and what it changed.

Texts are one line and capped, and otherwise as the host has them: whoever keeps them redacts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.models.base import TenantId
from shared.models.changes import ChangeStatus


@dataclass(frozen=True)
class Deployment:
    """A deployment at its latest state; `at` is when it reached it, by the host's clock."""

    repository: str
    """`owner/repo`."""
    deployment_id: str
    services: tuple[str, ...]
    """Those that were asked about and that it may have changed; several where they share a repository."""
    status: ChangeStatus
    at: datetime
    began_at: datetime | None = None
    """When it was first under way, where the host was told: symptoms may come before `at`."""
    environment: str | None = None
    is_production: bool = False
    is_rollback: bool = False
    """Its task says so."""
    ref: str | None = None
    sha: str | None = None
    title: str | None = None
    author: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Release:
    """A published release."""

    repository: str
    tag: str
    published_at: datetime
    title: str | None = None
    author: str | None = None
    url: str | None = None
    is_prerelease: bool = False


@dataclass(frozen=True)
class Commit:
    """One commit: the first line of its message, and when it was committed."""

    sha: str
    title: str
    at: datetime | None = None
    author: str | None = None
    url: str | None = None


class Direction(StrEnum):
    """How the revision deployed last stands to the one before it."""

    FORWARD = "forward"
    BACK = "back"
    """An older revision was deployed: the commits are those that were taken back."""
    SIDEWAYS = "sideways"
    """From one branch to another: the commits are those that came."""
    SAME = "same"


@dataclass(frozen=True)
class Comparison:
    """What lies between the last two revisions that were deployed to one environment."""

    repository: str
    environment: str | None
    base: str
    head: str
    direction: Direction
    commits: tuple[Commit, ...]
    """Newest first; of many the newest."""
    total: int
    """How many commits there are between them, whether or not they are listed."""
    path: str | None = None
    """Set where only commits that touch this path are listed."""
    url: str | None = None


@dataclass(frozen=True)
class Deployed:
    """What one look found. With `failure` set a part could not be asked: `warnings` says which, the rest is here."""

    deployments: tuple[Deployment, ...] = ()
    """Newest first."""
    releases: tuple[Release, ...] = ()
    """Newest first."""
    comparison: Comparison | None = None
    unmapped: tuple[str, ...] = ()
    """Services of which nobody said where their code is."""
    warnings: tuple[str, ...] = ()
    failure: str | None = None
    questions: int = 0
    """How many the look had."""


class DeploymentSource(Protocol):
    """A code host."""

    @property
    def integration_id(self) -> str:
        """Whose connection it is."""
        ...

    async def look(self, services: Sequence[str], *, since: datetime, until: datetime) -> Deployed:
        """What happened to these services in this time, the first of them being the one that matters most.

        Bounded in requests and time. Raises SourceUnavailable or AddressRefused when nothing could be asked.
        """
        ...


class DeploymentSources(Protocol):
    """Finds the code hosts of a tenant."""

    async def of_tenant(self, tenant_id: TenantId) -> Sequence[DeploymentSource]:
        """Those connected and active, oldest first; raises StoreUnavailable, KeysUnavailable or SecretUnreadable."""
        ...
