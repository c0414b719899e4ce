"""Alertmanager's silences beside its alerts, for an incident that looks for what else fires and what is kept quiet.

`GET /api/v2/silences` lists what silences, what will, and what has ended within the retention (five days unless
changed). (prometheus/alertmanager, api/v2/openapi.yaml; Grafana's own Alertmanager answers the same below its path.)
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from shared.adapters.alertmanager_api import AlertmanagerApi, ApiConfig
from shared.adapters.breaker import Breaker
from shared.adapters.grafana_api import PATH as GRAFANA_PATH
from shared.adapters.once_more import PAUSE_SECONDS, once_more
from shared.adapters.opened_sources import OpenedSources
from shared.adapters.prometheus import HttpClient
from shared.models.base import TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.alert_sources import FiringNow
from shared.ports.secrets import SecretBox
from shared.ports.silencing import Matcher, Silence, Silences, SilenceState, SilencingSource
from shared.ports.stores import DirectoryStore
from shared.signals.sources.json_body import id_of, line_of, mapping_of, time_of

ASK_SECONDS: Final = 4.0
MAX_SILENCES: Final = 500
MAX_MATCHERS: Final = 20
MAX_TEXT_CHARS: Final = 500
MAX_SHORT_CHARS: Final = 200
_STATES: Final[Mapping[str, SilenceState]] = {state.value: state for state in SilenceState}
_FIRST: Final[Sequence[SilenceState]] = (SilenceState.ACTIVE, SilenceState.EXPIRED, SilenceState.PENDING)


@dataclass(frozen=True)
class AlertmanagerSilencing:
    """Implements SilencingSource."""

    api: AlertmanagerApi
    integration_id: str
    breaker: Breaker = field(default_factory=Breaker, repr=False)
    pause_seconds: float = PAUSE_SECONDS

    @property
    def receiver(self) -> str | None:
        """See AlertSource."""
        return self.api.receiver

    @property
    def grace(self) -> timedelta:
        """See AlertSource."""
        return self.api.grace

    async def firing(self, *, now: datetime) -> FiringNow:
        """See AlertSource."""
        with self.breaker.guarding():
            return await once_more(partial(self.api.firing, now=now), pause_seconds=self.pause_seconds)

    async def silences(self, *, since: datetime) -> Silences:
        """See SilencingSource; at most MAX_SILENCES."""
        with self.breaker.guarding():
            ask = partial(self.api.listed, f"{self.api.path.removesuffix('/alerts')}/silences")
            listed = await once_more(ask, pause_seconds=self.pause_seconds)
        outlined = [outline for one in listed if (outline := _outline(one)) is not None]
        wanted = [one for one in outlined if one.state is not SilenceState.EXPIRED or one.ends_at > since]
        # What is left out is not read any further: there may be thousands of those that ended.
        kept = heapq.nsmallest(MAX_SILENCES, wanted, key=_order)
        more, odd = len(wanted) - len(kept), len(listed) - len(outlined)
        warnings = [f"{more} more silences are left out"] if more else []
        warnings += [f"{odd} silences make no sense and are left out"] if odd else []
        return Silences(tuple(map(_silence, kept)), tuple(warnings))


class SilencingOfTenant:
    """Implements SilencingSources: a tenant's Alertmanagers, and its Grafanas where they have a receiver."""

    def __init__(
        self,
        directory: DirectoryStore,
        secrets: SecretBox,
        http: HttpClient,
        *,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._http = http
        self._pause_seconds = pause_seconds
        kinds = [IntegrationType.ALERTMANAGER, IntegrationType.GRAFANA]
        self._opened: OpenedSources[SilencingSource] = OpenedSources(directory, secrets, kinds, self._made)

    async def of_tenant(self, tenant_id: TenantId) -> Sequence[SilencingSource]:
        """See SilencingSources."""
        return await self._opened.of_tenant(tenant_id)

    def _made(self, tenant_id: TenantId, integration: Integration, opened: str) -> SilencingSource | None:  # noqa: ARG002 -- what sources are made from
        config = ApiConfig.from_config(opened)
        if config is None:
            return None
        if integration.integration_type is IntegrationType.ALERTMANAGER:
            api = AlertmanagerApi(self._http, config, ask_seconds=ASK_SECONDS)
        elif config.receiver is not None:
            api = AlertmanagerApi(self._http, config, GRAFANA_PATH, ask_seconds=ASK_SECONDS)
        else:
            # It is connected for its dashboards, and its token need not be able to read alerts.
            return None
        return AlertmanagerSilencing(api, integration.id, pause_seconds=self._pause_seconds)


@dataclass(frozen=True)
class _Outline:
    """As much of a silence as decides whether it is told."""

    silence_id: str
    state: SilenceState
    starts_at: datetime
    ends_at: datetime
    matchers: list[Any]
    listed: Mapping[str, Any]


def _outline(listed: object) -> _Outline | None:
    one = mapping_of(listed)
    silence_id, state = id_of(one.get("id")), _STATES.get(str(mapping_of(one.get("status")).get("state")))
    starts_at, ends_at, matchers = time_of(one.get("startsAt")), time_of(one.get("endsAt")), one.get("matchers")
    if not silence_id or state is None or starts_at is None or ends_at is None or not isinstance(matchers, list):
        return None
    return _Outline(silence_id, state, starts_at, ends_at, matchers, one)


def _silence(outline: _Outline) -> Silence:
    return Silence(
        silence_id=outline.silence_id,
        state=outline.state,
        matchers=tuple(_matcher(mapping_of(told)) for told in outline.matchers[:MAX_MATCHERS]),
        starts_at=outline.starts_at,
        ends_at=outline.ends_at,
        created_by=line_of(outline.listed.get("createdBy"), limit=MAX_SHORT_CHARS) or None,
        comment=line_of(outline.listed.get("comment"), limit=MAX_TEXT_CHARS) or None,
    )


def _matcher(one: Mapping[str, Any]) -> Matcher:
    return Matcher(
        name=line_of(one.get("name"), limit=MAX_SHORT_CHARS),
        value=line_of(one.get("value"), limit=MAX_TEXT_CHARS),
        is_regex=one.get("isRegex") is True,
        # Versions before 0.22 knew equality alone, and do not say so.
        is_equal=one.get("isEqual") is not False,
    )


def _order(silence: _Outline) -> tuple[int, float, str]:
    return _FIRST.index(silence.state), -silence.starts_at.timestamp(), silence.silence_id
