"""Which dashboards are about a service, and where their links lead."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.context.dashboards import (
    MatchedBy,
    TimeWindow,
    carried_links,
    chosen,
    match,
    services_of,
    url_of,
    variable_for_service,
    window_of,
)
from shared.models.correlation import ServiceNode
from shared.models.signals import Source
from shared.ports.dashboards import Dashboard, GrafanaAddress
from tests.builders import NOON, a_signal, an_alert, an_incident

HOUR = timedelta(hours=1)
PLAIN = GrafanaAddress("https://g.example")


def a_dashboard(uid: str = "u1", **changes: Any) -> Dashboard:
    return Dashboard(**{"uid": uid, "title": "Something", **changes})


@pytest.mark.parametrize(
    ("title", "tags", "service", "why"),
    [
        ("Payment overview", (), "payment", MatchedBy.TITLE),
        ("Orders DB", (), "orders-db", MatchedBy.TITLE),
        ("Payments", (), "payment", None),
        ("payment-worker", (), "pay", None),
        ("x", ("Payment",), "payment", MatchedBy.TAG),
        ("payment", ("service:payment",), "payment", MatchedBy.TAG),
        ("x", ("team:payment",), "payment", None),
        ("x", ("service",), "payment", MatchedBy.VARIABLE),
        ("x.*y", (), ".*", None),
        ("Größe", (), "größe", MatchedBy.TITLE),
    ],
)
def test_a_dashboard_is_about_a_service_by_tag_by_title_or_by_a_variable(
    title: str, tags: tuple[str, ...], service: str, why: MatchedBy | None
) -> None:
    assert match(a_dashboard(title=title, tags=tags), service) is why


def test_what_is_named_for_the_service_comes_before_what_is_for_all() -> None:
    listed = [
        a_dashboard("all", tags=("service",)),
        a_dashboard("title", title="pay"),
        a_dashboard("tag", tags=("pay",)),
    ]
    assert [one.uid for one, _ in chosen(listed, ["pay"], limit=9)] == ["tag", "title", "all"]
    assert [one.uid for one, _ in chosen(listed, ["pay"], limit=1)] == ["tag"]


def test_the_likeliest_variable_takes_the_service() -> None:
    assert variable_for_service(["job", "env", "service"]) == "service"
    assert variable_for_service(["env"]) is None


def test_a_link_opens_a_dashboard_at_its_window_with_its_service() -> None:
    address = GrafanaAddress("https://g.example/sub", "2")
    url = url_of(address, "u1", window=TimeWindow(NOON - HOUR, NOON), variable="service", service='a&b="c d')
    assert url.startswith("https://g.example/sub/d/u1?")
    assert parse_qs(urlsplit(url).query) == {
        "orgId": ["2"], "from": [str(round((NOON - HOUR).timestamp()) * 1000)],
        "to": [str(round(NOON.timestamp()) * 1000)], "var-service": ['a&b="c d'],
    }  # fmt: skip
    assert url_of(PLAIN, "u1") == "https://g.example/d/u1"


def test_an_incidents_window_begins_an_hour_before_its_onset() -> None:
    running, over = an_incident(), an_incident(resolved_at=NOON + HOUR)
    onset = NOON - timedelta(minutes=2)
    assert window_of(running, onset, now=NOON + 3 * HOUR) == TimeWindow(onset - HOUR, NOON + 3 * HOUR)
    assert window_of(over, None, now=NOON + 3 * HOUR) == TimeWindow(NOON - HOUR, NOON + HOUR)


def test_an_incident_that_lasts_for_months_has_a_window_that_does_not() -> None:
    window = window_of(an_incident(), None, now=NOON + timedelta(days=99))
    assert window.end - window.start == timedelta(days=32)


def test_an_incidents_services_begin_with_its_own_and_then_the_worst() -> None:
    nodes = [
        ServiceNode(service_name=name, first_started_at=NOON, last_started_at=NOON, severity=severity)
        for name, severity in (("calm", "info"), ("payment", "warning"), ("bad", "critical"))
    ]
    assert services_of(an_incident(services=nodes)) == ["payment", "bad", "calm"]


@pytest.mark.parametrize(
    ("url", "is_shown"),
    [
        ("https://g.example/d/shop?viewPanel=4", True),
        ("http://10.0.0.1:3000/d/shop", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https:///d/x", False),
        ("https://g.example@evil.example/", False),
        ("https://g.example\\@evil.example/", False),
        ("//evil.example/", False),
        ("https://[::1", False),
        ("https://g.example/a b", False),
        (None, False),
    ],
)
def test_only_a_web_address_that_an_alert_carried_is_shown(url: str | None, is_shown: bool) -> None:
    found = carried_links([a_signal(an_alert(source=Source.GRAFANA, external_url=url))])
    assert [one.url for one in found] == ([url] if is_shown else [])


def test_only_grafanas_alerts_carry_dashboards_and_each_once() -> None:
    link = "https://g.example/d/shop"
    alerts = [an_alert(source=Source.GRAFANA, external_url=link, fingerprint=str(n)) for n in range(2)]
    others = an_alert(source=Source.PAGERDUTY, external_url="https://acme.pagerduty.com/incidents/1")
    assert [one.url for one in carried_links(a_signal(one) for one in [*alerts, others])] == [link]
