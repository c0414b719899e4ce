"""Tries the connections of a tenant through the guarded client: a few questions within one deadline."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from shared.adapters.addresses import admit
from shared.adapters.alertmanager_api import MAX_ALERTS
from shared.adapters.connection_words import reason_of, reason_of_answer, words_for
from shared.adapters.entra_tokens import EntraTokens
from shared.adapters.grafana_api import PATH as GRAFANA_ALERTS
from shared.adapters.prometheus_answer import parse_answer
from shared.adapters.prometheus_connection import Connection
from shared.adapters.tenant_slots import TenantSlots
from shared.errors import AddressRefused, CopilotError, SecretUnreadable, SourceUnavailable
from shared.models.base import TenantId
from shared.models.connections import ConnectionConfig
from shared.models.tenants import IntegrationType
from shared.ports.connections import Finding, Reason
from shared.ports.tokens import AccessTokens

CHECK_SECONDS: Final = 10.0
MAX_AT_ONCE: Final = 8
MAX_OF_TENANT: Final = 4
"""Whoever tries systems that never answer must leave the others room."""
MAX_VERSION_CHARS: Final = 60
MAX_REPOSITORIES: Final = 10
"""Of a GitHub's repositories so many are tried, the first by name."""
EVERY_RECEIVER: Final = "*"
USER_AGENT: Final = "sre-copilot"
"""GitHub refuses callers that do not name themselves."""
_OK: Final = 200
_EXPLAINED: Final = frozenset({Reason.BAD_URL, Reason.ADDRESS_REFUSED, Reason.REFUSED, Reason.NO_SUCH_REPOSITORY})


class Answer(Protocol):
    """A whole answer."""

    @property
    def status(self) -> int:
        """The status, 2xx or 4xx."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""
        ...

    @property
    def body(self) -> bytes:
        """The decoded body."""
        ...


class Client(Protocol):
    """What is needed of the guarded client; raises SourceUnavailable and AddressRefused."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request."""
        ...


class _Found(Exception):
    """Ends the questions to a system: this is what was found."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class _Asking:
    """One system, and how it is asked."""

    http: Client = field(repr=False)
    config: ConnectionConfig
    headers: Mapping[str, str] = field(repr=False)

    async def answer(self, path: str, *, query: str = "", form: Mapping[str, str] | None = None) -> Answer:
        """The answer at a path below the base URL; raises _Found for what no API says."""
        base = urlsplit(self.config.url)
        joined = "&".join(part for part in (base.query, query) if part)
        url = urlunsplit(base._replace(path=f"{base.path.rstrip('/')}{path}", query=joined, fragment=""))
        answer = await self.http.request("POST" if form else "GET", url, headers=self.headers, form=form)
        wrong = reason_of_answer(answer.status, answer.headers.get("content-type", ""), answer.body)
        if wrong is not None:
            raise _Found(wrong)
        return answer

    async def json(self, path: str, *, query: str = "") -> Any:
        """The same, parsed."""
        return _parsed(await self.answer(path, query=query))

    async def version(self, path: str, *keys: str) -> str | None:
        """What the system says its version is; not every one tells, and that is no fault."""
        try:
            return _version_in(await self.json(path), *keys)
        except (_Found, SourceUnavailable):
            return None


def _parsed(answer: Answer) -> Any:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as exc:
        raise _Found(Reason.NOT_JSON) from exc
    if answer.status != _OK:
        raise _Found(Reason.REFUSED, f"It answers with status {answer.status}.")
    return found


def _version_in(found: Any, *keys: str) -> str | None:
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, str) or not found.isprintable():
        return None
    return found[:MAX_VERSION_CHARS] or None


async def _prometheus(asking: _Asking) -> str | None:
    # The envelope's own parser, so that what a check finds good the context engine can read.
    found = parse_answer((await asking.answer("/api/v1/query", form={"query": "count(up)"})).body)
    if not found.samples:
        # What is pushed to has no `up`: any label at all means that there are series.
        labels = await asking.json("/api/v1/labels", query="limit=10")
        if not (isinstance(labels, Mapping) and labels.get("data")):
            raise _Found(Reason.NO_SERIES)
    return await asking.version("/api/v1/status/buildinfo", "data", "version")


async def _alertmanager(asking: _Asking) -> str | None:
    status = await asking.json("/api/v2/status")
    if not (isinstance(status, Mapping) and isinstance(status.get("versionInfo"), Mapping)):
        raise _Found(Reason.ANOTHER_SERVICE)
    await _alerts(asking, "/api/v2/alerts")
    await _receiver(asking)
    return _version_in(status, "versionInfo", "version")


async def _receiver(asking: _Asking) -> None:
    """Whether the receiver that is to lead to us exists."""
    wanted = asking.config.receiver
    if wanted is None or wanted == EVERY_RECEIVER:
        return
    listed = await asking.json("/api/v2/receivers")
    names = {one.get("name") for one in listed if isinstance(one, Mapping)} if isinstance(listed, list) else set()
    if wanted not in names:
        raise _Found(Reason.NO_SUCH_RECEIVER)


async def _alerts(asking: _Asking, path: str) -> None:
    """What reconciliation will ask: read in the same way, so that the two agree."""
    listed = await asking.json(path, query="active=true&silenced=true&inhibited=true&unprocessed=true")
    if not isinstance(listed, list):
        raise _Found(Reason.ANOTHER_SERVICE)
    if len(listed) > MAX_ALERTS:
        raise _Found(Reason.TOO_LARGE)


async def _grafana(asking: _Asking) -> str | None:
    health = await asking.json("/api/health")
    if not (isinstance(health, Mapping) and "database" in health):
        raise _Found(Reason.ANOTHER_SERVICE)
    # Health is open to everybody: only a question about the organisation tells whether the token is good.
    if not isinstance(await asking.json("/api/search", query="type=dash-db&limit=1"), list):
        raise _Found(Reason.ANOTHER_SERVICE)
    if asking.config.receiver is not None:
        await _alerts(asking, GRAFANA_ALERTS)
    return _version_in(health, "version")


async def _github(asking: _Asking) -> str | None:
    answer = await asking.answer("/rate_limit")
    found = _parsed(answer)
    if not (isinstance(found, Mapping) and "resources" in found):
        raise _Found(Reason.ANOTHER_SERVICE)
    core = found["resources"].get("core") if isinstance(found["resources"], Mapping) else None
    if isinstance(core, Mapping) and core.get("remaining") == 0:
        # Asking how much is left costs nothing, so this answers when nothing else does.
        raise _Found(Reason.THROTTLED)
    named = sorted({"/".join(place.split("/")[:2]) for place in asking.config.repositories.values()})
    for repository in named[:MAX_REPOSITORIES]:
        await _repository(asking, repository)
    headers = answer.headers
    told = headers.get("x-github-enterprise-version") or headers.get("x-github-api-version-selected")
    return _version_in({"told": told}, "told")


async def _repository(asking: _Asking, repository: str) -> None:
    """Whether what a look at changes asks for can be read; GitHub hides what a token may not see."""
    try:
        listed = await asking.json(f"/repos/{repository}/deployments", query="per_page=1")
    except _Found as found:
        if found.reason is not Reason.NOT_FOUND:
            raise
        raise _Found(Reason.NO_SUCH_REPOSITORY, repository) from found
    if not isinstance(listed, list):
        raise _Found(Reason.ANOTHER_SERVICE)


_QUESTIONS: Final[Mapping[IntegrationType, Callable[[_Asking], Awaitable[str | None]]]] = {
    IntegrationType.PROMETHEUS: _prometheus,
    IntegrationType.ALERTMANAGER: _alertmanager,
    IntegrationType.GRAFANA: _grafana,
    IntegrationType.GITHUB: _github,
}


class GuardedConnectionChecks:
    """Implements ConnectionChecks. At most eight checks at a time, four of a tenant: the pool is never full."""

    def __init__(
        self,
        http: Client,
        *,
        allow_private: bool,
        within_seconds: float = CHECK_SECONDS,
        tokens: AccessTokens | None = None,
    ) -> None:
        self._http = http
        self._tokens = tokens or EntraTokens()
        self._allow_private = allow_private
        self._within_seconds = within_seconds
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)
        self._of_tenant = TenantSlots(MAX_OF_TENANT)

    def admit(self, url: str) -> None:
        """See ConnectionChecks."""
        admit(url, allow_private=self._allow_private)

    async def check(self, tenant_id: TenantId, kind: IntegrationType, config: ConnectionConfig) -> Finding:
        """See ConnectionChecks."""
        async with self._of_tenant.taken(tenant_id, within_seconds=self._within_seconds), self._slots:
            started = time.monotonic()
            found = await self._ask(kind, config)
            return replace(found, elapsed_seconds=round(time.monotonic() - started, 3))

    async def _ask(self, kind: IntegrationType, config: ConnectionConfig) -> Finding:
        try:
            # As it was given: what takes a URL apart later is kinder, and drops a blank or a line break.
            self.admit(config.url)
            connection = Connection.from_config(config.as_text())
            async with asyncio.timeout(self._within_seconds):
                proof = await connection.proof(self._tokens)
                asking = _Asking(self._http, config, {**proof, "user-agent": USER_AGENT})
                version = await _QUESTIONS[kind](asking)
        except TimeoutError:
            return _finding(Reason.TIMEOUT, kind)
        except _Found as found:
            return _finding(found.reason, kind, found.detail)
        except SecretUnreadable:
            return _finding(Reason.BAD_URL, kind)
        except (SourceUnavailable, AddressRefused) as exc:
            return _finding(reason_of(exc), kind, _told_by(exc))
        return Finding(Reason.REACHED, words_for(Reason.REACHED, kind), version)


def _finding(reason: Reason, kind: IntegrationType, detail: str = "") -> Finding:
    return Finding(reason, words_for(reason, kind, detail=detail if reason in _EXPLAINED else ""))


def _told_by(failure: CopilotError) -> str:
    """Our own words about a URL or an address. What a source says of itself may be anything, so it is left out."""
    return str(failure) if isinstance(failure, AddressRefused) else ""
