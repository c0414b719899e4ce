"""A tenant's GitHub as the place where deployments, releases and commits are known."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.adapters.breaker import Breaker
from shared.adapters.github_api import GitHubApi, GitHubHttp
from shared.adapters.github_look import Asking, Looking
from shared.adapters.github_places import Mapped, places_of, web_base
from shared.adapters.kept_answers import KeptAnswers
from shared.adapters.once_more import PAUSE_SECONDS
from shared.adapters.opened_sources import OpenedSources
from shared.adapters.prometheus import Connection
from shared.adapters.tenant_slots import TenantSlots
from shared.errors import SourceUnavailable
from shared.models.base import TenantId
from shared.models.connections import ConnectionConfig
from shared.models.tenants import Integration, IntegrationType
from shared.ports.deployments import Deployed, DeploymentSource
from shared.ports.secrets import SecretBox
from shared.ports.stores import DirectoryStore

LOOK_SECONDS: Final = 8.0
MAX_CONCURRENT: Final = 4
MAX_REPOSITORIES: Final = 4
AHEAD: Final = timedelta(minutes=5)
"""How far GitHub's clock may be ahead of ours."""


class GitHub:
    """Implements DeploymentSource."""

    def __init__(
        self, api: Asking, mapped: Mapped, *, integration_id: str, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._api = api
        self._mapped = mapped
        self._integration_id = integration_id
        self._look_seconds = look_seconds

    @property
    def integration_id(self) -> str:
        """See DeploymentSource."""
        return self._integration_id

    async def look(self, services: Sequence[str], *, since: datetime, until: datetime) -> Deployed:
        """See DeploymentSource; at most MAX_REQUESTS requests within LOOK_SECONDS."""
        places, unmapped = places_of(services, self._mapped.repositories, self._mapped.service_map)
        looking = Looking(self._api, self._mapped, since, until + AHEAD)
        if len(places) > MAX_REPOSITORIES:
            left_out = len(places) - MAX_REPOSITORIES
            looking.warnings.append(f"{left_out} more repositories of neighbours were not looked at")
        try:
            async with asyncio.timeout(self._look_seconds):
                await looking.through(places[:MAX_REPOSITORIES])
        except TimeoutError:
            looking.note(SourceUnavailable("GitHub did not answer everything in time.", reason="timeout"))
        return looking.found(unmapped)


class GitHubOfTenant:
    """Implements DeploymentSources from the tenant's integrations; four questions of a tenant at a time."""

    def __init__(
        self,
        directory: DirectoryStore,
        secrets: SecretBox,
        http: GitHubHttp,
        *,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._http = http
        self._pause_seconds = pause_seconds
        self._kept = KeptAnswers()
        self._slots = TenantSlots(MAX_CONCURRENT)
        self._opened: OpenedSources[DeploymentSource] = OpenedSources(
            directory, secrets, [IntegrationType.GITHUB], self._made
        )

    async def of_tenant(self, tenant_id: TenantId) -> Sequence[DeploymentSource]:
        """See DeploymentSources."""
        return await self._opened.of_tenant(tenant_id)

    def _made(self, tenant_id: TenantId, integration: Integration, opened: str) -> DeploymentSource:
        config = ConnectionConfig.from_text(opened)
        api = GitHubApi(
            self._http,
            Connection.from_config(opened),
            tenant_id=tenant_id,
            kept=self._kept,
            slots=self._slots,
            breaker=Breaker(),
            pause_seconds=self._pause_seconds,
        )
        mapped = Mapped(config.repositories, integration.service_map, web_base(config.url))
        return GitHub(api, mapped, integration_id=integration.id)
