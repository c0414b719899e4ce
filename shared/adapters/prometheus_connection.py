"""Where a tenant's system is and what lets us in, as its opened config says, and what is needed of the client."""

import json
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from shared.errors import SecretUnreadable
from shared.models.azure_monitor import ServicePrincipal, cloud_of
from shared.models.tenants import Integration
from shared.ports.tokens import AccessTokens

_TEXTS: Final = ("url", "bearer_token", "username", "password", "scope_org_id")


class HttpAnswer(Protocol):
    """A whole answer."""

    @property
    def status(self) -> int:
        """The status, 2xx or 4xx."""
        ...

    @property
    def body(self) -> bytes:
        """The decoded body."""
        ...


class HttpClient(Protocol):
    """What is needed of the guarded client; raises SourceUnavailable and AddressRefused."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> HttpAnswer:
        """One request."""
        ...


class QueryAnswer(HttpAnswer, Protocol):
    """A whole answer, with what its sender says about it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""
        ...


class QueryHttp(Protocol):
    """What queries need of the guarded client; raises SourceUnavailable and AddressRefused."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
        answers: Collection[int] = (),
    ) -> QueryAnswer:
        """One request."""
        ...


@dataclass(frozen=True)
class Connection:
    """Where a tenant's Prometheus is, and how to be let in."""

    url: str
    bearer_token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    scope_org_id: str | None = None
    """Which tenant of a Mimir, Cortex or Thanos is asked."""
    service_principal: ServicePrincipal | None = field(default=None, repr=False)
    """Lets us into an Azure Monitor workspace."""

    @classmethod
    def from_config(cls, text: str) -> "Connection":
        """Read an integration's opened config; raises SecretUnreadable when it is not one."""
        try:
            config = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise SecretUnreadable("the Prometheus config is not JSON", reason="config_malformed") from exc
        known: dict[str, Any] = dict.fromkeys(_TEXTS)
        known |= {name: value for name, value in config.items() if name in known} if isinstance(config, dict) else {}
        if not known["url"] or not all(value is None or isinstance(value, str) for value in known.values()):
            raise SecretUnreadable("the Prometheus config has no usable url", reason="config_malformed")
        try:
            urlsplit(known["url"])
            principal = _principal(config.get("service_principal"), known["url"])
        except ValueError as exc:
            raise SecretUnreadable("the Prometheus config has no usable url", reason="config_malformed") from exc
        return cls(**known, service_principal=principal)

    def endpoint(self, name: str) -> str:
        """The URL of an endpoint of the API, below the base path."""
        base = urlsplit(self.url)
        return urlunsplit(base._replace(path=f"{base.path.rstrip('/')}/api/v1/{name}", fragment=""))

    def headers(self) -> dict[str, str]:
        """What lets us in, but for what Entra ID has to give first."""
        found = {"x-scope-orgid": self.scope_org_id} if self.scope_org_id else {}
        if self.bearer_token:
            return {**found, "authorization": f"Bearer {self.bearer_token}"}
        if self.username is not None:
            pair = f"{self.username}:{self.password or ''}"
            return {**found, "authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        return found

    async def proof(self, tokens: AccessTokens) -> dict[str, str]:
        """All that lets us in, as headers; raises SourceUnavailable as AccessTokens does.

        A token goes to Azure Monitor alone: a principal whose URL leads elsewhere is no connection to begin with.
        """
        cloud = cloud_of(self.url)
        if self.service_principal is None or cloud is None:
            return self.headers()
        return {**self.headers(), "authorization": f"Bearer {await tokens.token(self.service_principal, cloud)}"}


def _principal(said: Any, url: str) -> ServicePrincipal | None:
    """The principal in a config; raises ValueError for one that makes no sense, or has no business at the URL."""
    if said is None:
        return None
    if cloud_of(url) is None:
        raise ValueError("a service principal is for Azure Monitor alone")
    return ServicePrincipal.model_validate(said)


def breaker_name(integration: Integration) -> str:
    """What names the breaker of an integration: a corrected connection starts anew."""
    return f"{integration.id} {sha256((integration.config or '').encode()).hexdigest()}"
