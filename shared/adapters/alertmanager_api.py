"""Alertmanager's API, version 2: what fires now. Read in full or not at all, as what is left out seems resolved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from shared.adapters.prometheus import Connection, HttpClient
from shared.errors import SecretUnreadable, SourceUnavailable
from shared.ports.alert_sources import DEFAULT_GRACE, FiringAlert, FiringNow, Quiet
from shared.signals.sources.json_body import string_map, text_of, time_of

ASK_SECONDS: Final = 10.0
MAX_ALERTS: Final = 10_000
MAX_RECEIVERS: Final = 100
MAX_IDS: Final = 20
MAX_NAME_CHARS: Final = 200
MAX_FINGERPRINT_CHARS: Final = 128
MAX_URL_CHARS: Final = 8192
MAX_GRACE_SECONDS: Final = 24 * 3600
_OK: Final = 200
_REASONS: Final = {401: "unauthorised", 403: "unauthorised", 404: "not_found", 429: "throttled"}
# Silenced and inhibited ones too: what is silenced has not ended. Any other word than "true" means false there,
# and everything false is an empty list.
_QUERY: Final = "active=true&silenced=true&inhibited=true&unprocessed=true"


@dataclass(frozen=True)
class ApiConfig:
    """An integration's opened config: where its API is, and which of its alerts are meant for us."""

    connection: Connection
    receiver: str | None = None
    grace: timedelta = DEFAULT_GRACE

    @classmethod
    def from_config(cls, text: str) -> "ApiConfig | None":
        """Read it; None when it names no API. Raises SecretUnreadable when it makes no sense."""
        try:
            config = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise SecretUnreadable("the integration's config is not JSON", reason="config_malformed") from exc
        if not isinstance(config, dict):
            raise SecretUnreadable("the integration's config is not an object", reason="config_malformed")
        if not config.get("url"):
            return None
        receiver, grace = config.get("receiver"), config.get("grace_seconds", DEFAULT_GRACE.total_seconds())
        if not (receiver is None or isinstance(receiver, str)):
            raise SecretUnreadable("the config's receiver is not a name", reason="config_malformed")
        if isinstance(grace, bool) or not isinstance(grace, int | float) or not 0 <= grace <= MAX_GRACE_SECONDS:
            raise SecretUnreadable("the config's grace_seconds is out of range", reason="config_malformed")
        try:
            return cls(Connection.from_config(text), receiver or None, timedelta(seconds=grace))
        except SecretUnreadable as exc:
            raise SecretUnreadable("the config's url or credential is not usable", reason=exc.reason) from exc


@dataclass(frozen=True)
class AlertmanagerApi:
    """Implements AlertSource."""

    http: HttpClient = field(repr=False)
    config: ApiConfig
    path: str = "/api/v2/alerts"
    ask_seconds: float = ASK_SECONDS

    @property
    def receiver(self) -> str | None:
        """See AlertSource."""
        return self.config.receiver

    @property
    def grace(self) -> timedelta:
        """See AlertSource."""
        return self.config.grace

    async def firing(self, *, now: datetime) -> FiringNow:
        """See AlertSource."""
        return FiringNow(alerts=_alerts(await self.listed(self.path, _QUERY)), asked_at=now)

    async def listed(self, path: str, query: str = "") -> list[Any]:
        """The list that answers at a path below the base URL; raises SourceUnavailable, and AddressRefused."""
        connection = self.config.connection
        base = urlsplit(connection.url)
        url = urlunsplit(base._replace(path=base.path.rstrip("/") + path, query=query, fragment=""))
        answer = await self.http.request("GET", url, headers=connection.headers(), timeout_seconds=self.ask_seconds)
        if answer.status != _OK:
            reason = _REASONS.get(answer.status, "refused")
            raise SourceUnavailable(f"The alerts API answers with status {answer.status}.", reason=reason)
        return _list(answer.body)


def _list(body: bytes) -> list[Any]:
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise SourceUnavailable("What answers at this URL is not the alerts API.", reason="not_json") from exc
    if not isinstance(listed, list):
        raise _shapeless()
    return listed


def _alerts(listed: list[Any]) -> tuple[FiringAlert, ...]:
    if len(listed) > MAX_ALERTS:
        raise SourceUnavailable(f"The source lists more than {MAX_ALERTS} alerts.", reason="too_many_alerts")
    return tuple(_alert(item) for item in listed)


def _alert(item: Any) -> FiringAlert:
    if not isinstance(item, Mapping):
        raise _shapeless()
    starts_at, fingerprint = time_of(item.get("startsAt")), item.get("fingerprint")
    labels, status = item.get("labels"), item.get("status")
    if not isinstance(labels, Mapping) or not isinstance(status, Mapping) or starts_at is None:
        raise _shapeless()
    if not isinstance(fingerprint, str) or not 0 < len(fingerprint) <= MAX_FINGERPRINT_CHARS:
        raise _shapeless()
    return FiringAlert(
        fingerprint=text_of(fingerprint),
        starts_at=starts_at,
        labels=string_map(labels),
        annotations=string_map(item.get("annotations")),
        generator_url=text_of(item.get("generatorURL"), limit=MAX_URL_CHARS),
        receivers=_receivers(item.get("receivers")),
        notifies=status.get("state") == "active" and not status.get("mutedBy"),
        quiet=_quiet(status),
        silenced_by=_ids(status.get("silencedBy")),
        inhibited_by=_ids(status.get("inhibitedBy")),
    )


def _quiet(status: Mapping[str, Any]) -> frozenset[Quiet]:
    # Alertmanager says `suppressed` for silenced and inhibited alike; which of them it is, only these lists tell.
    told = {Quiet.SILENCED: "silencedBy", Quiet.INHIBITED: "inhibitedBy", Quiet.MUTED: "mutedBy"}
    why = {quiet for quiet, name in told.items() if status.get(name)}
    return frozenset(why | {Quiet.UNPROCESSED} if status.get("state") == "unprocessed" else why)


def _ids(listed: Any) -> tuple[str, ...]:
    ids = listed[:MAX_IDS] if isinstance(listed, list) else []
    return tuple(text_of(one, limit=MAX_FINGERPRINT_CHARS) for one in ids if isinstance(one, str))


def _receivers(listed: Any) -> frozenset[str]:
    if not isinstance(listed, list):
        return frozenset()
    names = [one.get("name") for one in listed[:MAX_RECEIVERS] if isinstance(one, Mapping)]
    return frozenset(text_of(name, limit=MAX_NAME_CHARS) for name in names if isinstance(name, str))


def _shapeless() -> SourceUnavailable:
    return SourceUnavailable("The answer is JSON, but not of the alerts API.", reason="unexpected_shape")
