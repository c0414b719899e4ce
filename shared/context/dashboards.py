"""Which dashboards are about a service, and the links that open them at the right time: decided without I/O."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode, urlsplit

from shared.models.incidents import Incident
from shared.models.signals import Severity, Signal, Source
from shared.ports.dashboards import Dashboard, GrafanaAddress

TEMPLATE_TAG = "service"
"""Dashboards with this tag are for every service: they are narrowed by a variable."""
SERVICE_VARIABLES = ("service", "service_name", "job", "app")
"""Template variables that may hold the service, the likeliest first."""
BEFORE_ONSET = timedelta(hours=1)
LONGEST = timedelta(days=32)
MAX_SERVICES = 5
MAX_CARRIED = 20
_SEPARATORS = re.compile(r"[\W_]+")
_SENDERS = frozenset((Source.GRAFANA, Source.GRAFANA_LEGACY))


class MatchedBy(StrEnum):
    """Why a dashboard is shown for a service."""

    TAG = "tag"
    TITLE = "title"
    VARIABLE = "variable"


@dataclass(frozen=True)
class TimeWindow:
    """What the dashboards are opened at."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class DashboardLink:
    """A dashboard of a service, ready to be opened."""

    integration_id: str
    uid: str
    title: str
    folder: str | None
    tags: tuple[str, ...]
    service: str
    matched_by: MatchedBy
    url: str


@dataclass(frozen=True)
class CarriedLink:
    """An address that one of Grafana's alerts came with."""

    alert: str
    service: str
    url: str


def match(dashboard: Dashboard, service: str) -> MatchedBy | None:
    """Whether a dashboard is about a service; a variable has to be looked up first for those that only may be."""
    name = _words(service)
    if name and name in {_words(tag.removeprefix("service:").removeprefix("service=")) for tag in dashboard.tags}:
        return MatchedBy.TAG
    # Whole words: `pay` is not in `payment`.
    if name and f" {name} " in f" {_words(dashboard.title)} ":
        return MatchedBy.TITLE
    return MatchedBy.VARIABLE if TEMPLATE_TAG in dashboard.tags else None


def variable_for_service(names: Iterable[str]) -> str | None:
    """The template variable that takes the service, when there is one."""
    known = set(names)
    return next((name for name in SERVICE_VARIABLES if name in known), None)


def url_of(
    address: GrafanaAddress,
    uid: str,
    *,
    window: TimeWindow | None = None,
    variable: str | None = None,
    service: str = "",
) -> str:
    """The address of a dashboard: always under the configured base URL, whatever Grafana says its path is."""
    asked: dict[str, str] = {"orgId": address.org_id} if address.org_id else {}
    if window:
        asked |= {"from": _milliseconds(window.start), "to": _milliseconds(window.end)}
    if variable:
        asked[f"var-{variable}"] = service
    return f"{address.base_url}/d/{uid}" + (f"?{urlencode(asked)}" if asked else "")


def services_of(incident: Incident) -> list[str]:
    """The services of an incident, the one that it began with first."""
    others = sorted(incident.services, key=lambda node: (Severity(node.severity).rank, node.first_started_at))
    return list(dict.fromkeys([incident.service_name, *(node.service_name for node in others)]))


def window_of(incident: Incident, onset: datetime | None, *, now: datetime) -> TimeWindow:
    """From an hour before it began until it was resolved, or now."""
    starts = [node.first_started_at for node in incident.services]
    began = onset or min(starts, default=incident.detected_at)
    end = max(incident.resolved_at or now, began)
    return TimeWindow(max(began - BEFORE_ONSET, end - LONGEST), end)


def carried_links(signals: Iterable[Signal]) -> list[CarriedLink]:
    """Panels and dashboards that Grafana's alerts named; only web addresses, each once."""
    found: dict[str, CarriedLink] = {}
    for signal in signals:
        alert = signal.normalized_data
        url = alert.external_url
        if alert.source in _SENDERS and url and is_web_address(url):
            found.setdefault(url, CarriedLink(alert.name, alert.service_name, url))
    return list(found.values())[:MAX_CARRIED]


def is_web_address(url: str) -> bool:
    """Whether a link may be shown: http or https with a host, and no user name that could pass for one."""
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
    return is_web and "\\" not in url and url.isprintable() and " " not in url


def chosen(dashboards: Sequence[Dashboard], services: Sequence[str], *, limit: int) -> list[tuple[Dashboard, str]]:
    """Pairs of a dashboard and a service that it is or may be about: those named for it first."""
    order = list(MatchedBy)
    pairs = [(found, service, dashboard) for service in services for dashboard in dashboards
             if (found := match(dashboard, service))]  # fmt: skip
    pairs.sort(key=lambda pair: order.index(pair[0]))
    return list({(one.uid, service): (one, service) for _, service, one in pairs}.values())[:limit]


def _words(text: str) -> str:
    return _SEPARATORS.sub(" ", text.casefold()).strip()


def _milliseconds(at: datetime) -> str:
    return str(round(at.timestamp() * 1000))
