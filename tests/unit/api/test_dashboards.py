"""Grafana through the API: what is found, where links lead, and that its failures are told beside the rest."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from shared.adapters.grafana_dashboards import GrafanaDashboards
from shared.models.base import IncidentId, document_id
from shared.models.correlation import ServiceNode
from shared.models.signals import Source
from shared.models.tenants import IntegrationType
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, a_signal, an_alert, an_incident
from tests.unit.access.issuer import GLOBEX_TID, a_token
from tests.unit.adapters.scripted import Asked, BoundBox, Script, Servers, connected_to, responding
from tests.unit.api.serving import INCIDENT, Served, answer_of, bearer

ID = "int-graf"
SEARCH = f"/integrations/{ID}/grafana/dashboards"
BASE = "http://127.0.0.1:3000/sub"
WINDOW = "start=2026-11-23T11:00:00Z&end=2026-11-23T12:00:00Z"


def hit(uid: str, title: str, *tags: str) -> dict[str, Any]:
    return {"uid": uid, "title": title, "tags": tags, "folderTitle": "Shop", "url": "https://evil.example/d/x"}


def a_grafana(*hits: dict[str, Any], variables: tuple[str, ...] = ("service",)) -> Script:
    """Searches by title and tags as Grafana does; every dashboard has these variables."""

    def answer(asked: Asked) -> bytes:
        if asked.path.startswith("/sub/api/dashboards/uid/"):
            return responding({"dashboard": {"templating": {"list": [{"name": name} for name in variables]}}})
        query, tags = asked.params.get("query", [""])[0], asked.params.get("tag", [])
        return responding(
            [one for one in hits if query.lower() in one["title"].lower() and set(tags) <= set(one["tags"])]
        )

    return answer


async def with_grafana(served: Served, script: Script, **changes: Any) -> tuple[Served, Servers]:
    servers = Servers(script)
    kind = IntegrationType.GRAFANA
    integration = connected_to(f"{BASE}/?orgId=2", **{"id": ID, "integration_type": kind, **changes})
    await served.services.records.create(ACME, integration)
    return served.without(dashboards=GrafanaDashboards(BoundBox(), servers.client())), servers


async def got(served: Served, path: str, **named: Any) -> httpx.Response:
    async with served.client(**named) as client:
        return await client.get(path)


async def test_a_search_answers_with_links_under_the_configured_url(served: Served) -> None:
    served, servers = await with_grafana(served, a_grafana(hit("u1", "Payment", "a", "b"), hit("u2", "Cart", "a")))
    page = await answer_of(served, f"{SEARCH}?query=pay&tag=a&tag=b&limit=5&page=2")
    assert [(one["uid"], one["url"]) for one in page["items"]] == [("u1", f"{BASE}/d/u1?orgId=2")]
    assert (page["source"]["status"], page["source"]["reason"], page["page"], page["limit"]) == ("ok", None, 2, 5)
    assert servers.asked[0].params == {
        "type": ["dash-db"], "query": ["pay"], "tag": ["a", "b"], "limit": ["5"], "page": ["2"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        (lambda _: responding({"message": "no"}, 401), "failed", "unauthorised"),
        (lambda _: responding(b"<html>intranet-secret"), "failed", "not_json"),
        (lambda _: responding(b"", 302, headers="Location: /login\r\n"), "failed", "redirect"),
        (lambda _: responding(b"", 503), "failed", "http_5xx"),
        (lambda _: responding([]), "empty", "no_dashboards"),
    ],
)
async def test_what_grafana_does_is_told_and_is_no_error_of_ours(
    served: Served, script: Callable[[Asked], bytes], status: str, reason: str
) -> None:
    served, _ = await with_grafana(served, script)
    for found in (
        (await answer_of(served, SEARCH))["source"],
        *(await answer_of(served, "/services/a/dashboards"))["sources"],
    ):
        assert (found["integration_id"], found["status"], found["reason"]) == (ID, status, reason)


@pytest.mark.parametrize(
    "changes",
    [{"is_active": False}, {"config": None}, {"integration_type": IntegrationType.PROMETHEUS}, {"id": "int-x"}],
    ids=["switched off", "not set up", "another kind", "another id"],
)
async def test_what_is_not_a_grafana_in_use_is_404(served: Served, changes: dict[str, Any]) -> None:
    served, servers = await with_grafana(served, a_grafana(), **changes)
    assert ((await got(served, SEARCH)).status_code, servers.asked) == (404, [])


async def test_another_tenants_grafana_is_not_there(served: Served) -> None:
    served, servers = await with_grafana(served, a_grafana(hit("u1", "Payment")))
    theirs = {"headers": bearer(a_token(tid=GLOBEX_TID))}
    assert (await got(served, SEARCH, **theirs)).status_code == 404
    assert (await got(served, f"/incidents/{INCIDENT}/dashboards", **theirs)).status_code == 404
    found = (await got(served, "/services/payment/dashboards", **theirs)).json()
    assert (found["sources"], found["dashboards"], servers.asked) == ([], [], [])


async def test_what_is_out_of_its_range_is_400(served: Served) -> None:
    asked = ["limit=0", "limit=501", "page=0", "page=1001", f"query={'x' * 201}", "tag=", f"tag={'x' * 101}"]
    windows = ["start=x", "end=noon", "start=10&end=9", "start=0&end=9999999"]
    paths = [*(f"{SEARCH}?{one}" for one in asked), *(f"/services/payment/dashboards?{one}" for one in windows)]
    async with served.client() as client:
        assert [(await client.get(path)).status_code for path in paths] == [400] * len(paths)


async def test_a_services_dashboards_open_at_the_window_with_the_service_where_there_is_a_variable(
    served: Served,
) -> None:
    served, _ = await with_grafana(
        served, a_grafana(hit("u1", "Payment"), hit("u2", "Cart"), hit("u3", "RED", "service"))
    )
    found = await answer_of(served, f"/services/payment/dashboards?{WINDOW}")
    assert [(one["uid"], one["matched_by"]) for one in found["dashboards"]] == [("u1", "title"), ("u3", "variable")]
    url = urlsplit(found["dashboards"][0]["url"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{BASE}/d/u1"
    assert parse_qs(url.query) == {
        "orgId": ["2"], "from": ["1795431600000"], "to": ["1795435200000"], "var-service": ["payment"],
    }  # fmt: skip
    assert found["window"] == {"start": "2026-11-23T11:00:00.000000Z", "end": "2026-11-23T12:00:00.000000Z"}


async def test_without_a_variable_only_what_is_named_for_the_service_is_shown(served: Served) -> None:
    grafana = a_grafana(hit("u1", "Payment"), hit("u3", "RED", "service"), variables=("env",))
    served, _ = await with_grafana(served, grafana)
    (only,) = (await answer_of(served, "/services/payment/dashboards"))["dashboards"]
    assert only["uid"] == "u1"
    assert "var-" not in only["url"]


async def test_a_dashboard_that_cannot_be_read_is_shown_without_its_variables(served: Served) -> None:
    listed = a_grafana(hit("u1", "Payment"))
    served, _ = await with_grafana(
        served, lambda asked: responding(b"", 403) if "uid" in asked.path else listed(asked)
    )
    found = await answer_of(served, "/services/payment/dashboards")
    assert [one["uid"] for one in found["dashboards"]] == ["u1"]
    assert found["sources"][0]["warnings"] == ["1 dashboards could not be read, so their variables are not set"]


async def test_a_services_name_stays_a_value_in_a_link(served: Served) -> None:
    names = ['"><script>', "a&var-x=y", "größe", "two words", "${__all}", "a.b"]
    served, _ = await with_grafana(served, a_grafana(*(hit(f"u{n}", "x", name) for n, name in enumerate(names))))
    async with served.client() as client:
        for name in names:
            answer = await client.get(f"/services/{quote(name, safe='')}/dashboards?{WINDOW}")
            (only,) = answer.json()["dashboards"]
            assert only["url"].isascii()
            assert not set(only["url"]) & set("\"<> '")
            assert parse_qs(urlsplit(only["url"]).query)["var-service"] == [name]


async def test_one_grafana_that_fails_leaves_the_other(served: Served) -> None:
    working = a_grafana(hit("u1", "Payment"))
    served, _ = await with_grafana(
        served, lambda asked: working(asked) if asked.path.startswith("/sub/") else responding(b"", 500)
    )
    broken = connected_to("http://127.0.0.1:3001/", id="int-broken", integration_type=IntegrationType.GRAFANA)
    off = connected_to(BASE, id="int-off", integration_type=IntegrationType.GRAFANA, is_active=False)
    alerts_only = connected_to("", id="int-alerts", integration_type=IntegrationType.GRAFANA)
    for one in (broken, off, alerts_only):
        await served.services.records.create(ACME, one)
    found = await answer_of(served, "/services/payment/dashboards")
    told = {one["integration_id"]: (one["status"], one["reason"]) for one in found["sources"]}
    assert told == {
        ID: ("ok", None),
        "int-broken": ("failed", "http_5xx"),
        "int-alerts": ("not_configured", "no_url"),
    }
    assert [one["integration_id"] for one in found["dashboards"]] == [ID]


async def test_an_incident_links_to_its_services_dashboards_and_to_what_its_alerts_named(served: Served) -> None:
    served, _ = await with_grafana(served, a_grafana(hit("u1", "Payment"), hit("u2", "Cart")))
    incident_id = IncidentId(document_id("inc", "two"))
    nodes = [
        ServiceNode(service_name=name, first_started_at=NOON, last_started_at=NOON, severity="critical")
        for name in ("payment", "cart", *"abcd")
    ]
    alerts = [
        an_alert(source=Source.GRAFANA, fingerprint=url, external_url=url)
        for url in ("https://elsewhere.example/d/x?viewPanel=4", "javascript:alert(1)")
    ]
    change = IncidentChange(
        incident=an_incident(incident_id=incident_id, services=nodes, resolved_at=NOON + timedelta(hours=1)),
        etag=None,
        created_signals=[a_signal(one, incident_id=incident_id) for one in alerts],
    )
    await served.services.incidents.commit(ACME, change)
    found = await answer_of(served, f"/incidents/{incident_id}/dashboards")
    assert [(one["service"], one["uid"]) for one in found["dashboards"]] == [("payment", "u1"), ("cart", "u2")]
    assert found["window"] == {"start": "2026-11-23T11:00:00.000000Z", "end": "2026-11-23T13:00:00.000000Z"}
    assert [one["url"] for one in found["carried"]] == ["https://elsewhere.example/d/x?viewPanel=4"]
    assert (found["services"], found["services_left_out"]) == (["payment", "cart", "a", "b", "c"], 1)


async def test_an_incident_has_its_window_also_without_a_grafana(served: Served) -> None:
    found = await answer_of(served, f"/incidents/{INCIDENT}/dashboards")
    assert (found["sources"], found["dashboards"], found["carried"]) == ([], [], [])
    assert found["window"]["start"] == "2026-11-23T11:00:00.000000Z"


async def test_the_dashboards_of_no_incident_are_404(served: Served) -> None:
    async with served.client() as client:
        for incident_id in (document_id("inc", "none"), "inc-1", "x"):
            assert (await client.get(f"/incidents/{incident_id}/dashboards")).status_code == 404


async def test_an_incident_that_was_merged_sends_to_the_dashboards_of_the_other(served: Served) -> None:
    merged = IncidentId(document_id("inc", "merged"))
    incident = an_incident(incident_id=merged, merged_into=INCIDENT)
    await served.services.incidents.commit(ACME, IncidentChange(incident=incident, etag=None))
    async with served.client() as client:
        answer = await client.get(f"/incidents/{merged}/dashboards")
        assert answer.status_code == 307
        followed = await client.get(str(answer.url.join(answer.headers["location"])))
    assert (followed.status_code, followed.url.path) == (200, f"/api/v1/incidents/{INCIDENT}/dashboards")
