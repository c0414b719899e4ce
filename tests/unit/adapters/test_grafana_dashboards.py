"""Grafana's search and dashboards, through the genuine guarded client."""

import pytest

from shared.adapters.grafana_dashboards import Grafana, GrafanaDashboards
from shared.adapters.prometheus import Connection
from shared.adapters.tenant_slots import TenantSlots
from shared.errors import SourceUnavailable
from shared.models.tenants import IntegrationType
from shared.ports.dashboards import Dashboard, GrafanaAddress
from tests.builders import ACME
from tests.unit.adapters.scripted import BoundBox, Servers, connected_to, responding

# As Grafana 10 lists it, with what is not kept.
HIT = {
    "id": 7, "uid": "aX3kPz", "title": "Payment", "uri": "db/payment", "url": "/sub/d/aX3kPz/payment", "slug": "",
    "type": "dash-db", "tags": ["payment"], "isStarred": False, "folderUid": "f", "folderTitle": "Shop",
    "folderUrl": "/dashboards/f/f/shop", "sortMeta": 0,
}  # fmt: skip


def a_grafana(response: bytes | None, url: str = "http://127.0.0.1:3000/sub/") -> tuple[Grafana, Servers]:
    servers = Servers(lambda _: response)
    return Grafana(servers.client(), Connection(url, bearer_token="glsa_1"), ACME, TenantSlots(4)), servers


@pytest.mark.parametrize(
    ("url", "base", "org_id"),
    [
        ("https://g.example", "https://g.example", None),
        ("https://g.example/", "https://g.example", None),
        ("https://g.example/sub", "https://g.example/sub", None),
        ("https://g.example/sub//?orgId=2#x", "https://g.example/sub", "2"),
        ("https://g.example/?orgId=2%26from=0", "https://g.example", None),
        ("https://g.example/?orgId=", "https://g.example", None),
    ],
)
def test_links_begin_with_the_configured_url_and_its_organisation(url: str, base: str, org_id: str | None) -> None:
    assert a_grafana(None, url)[0].address == GrafanaAddress(base, org_id)


async def test_the_search_asks_for_dashboards_below_the_sub_path_in_the_organisation() -> None:
    grafana, servers = a_grafana(responding([HIT]), "http://127.0.0.1:3000/sub/?orgId=2")
    found = await grafana.search(query="pay & ment", tags=["a", "b c"], limit=5, page=3)
    (asked,) = servers.asked
    assert (asked.method, asked.path) == ("GET", "/sub/api/search")
    assert asked.params == {
        "type": ["dash-db"], "limit": ["5"], "page": ["3"], "query": ["pay & ment"], "tag": ["a", "b c"],
    }  # fmt: skip
    assert (asked.headers["authorization"], asked.headers["x-grafana-org-id"]) == ("bearer glsa_1", "2")
    assert found == [Dashboard("aX3kPz", "Payment", ("payment",), "Shop")]


async def test_a_dashboard_whose_uid_could_lead_elsewhere_is_left_out() -> None:
    evil = ["../../admin", "a?b", "//evil.example", "", "x" * 41, None, 7]
    grafana, _ = a_grafana(responding([*({**HIT, "uid": uid} for uid in evil), "text", {}, HIT]))
    assert [one.uid for one in await grafana.search()] == ["aX3kPz"]


async def test_a_title_is_one_line_and_not_endless_and_more_than_was_asked_for_is_cut() -> None:
    grafana, _ = a_grafana(responding([{**HIT, "title": "a\nb\u202e" + "x" * 500, "tags": ["t"] * 50}] * 9))
    found = await grafana.search(limit=3)
    assert len(found) == 3
    assert found[0].title.startswith("a bxxx")
    assert (len(found[0].title), len(found[0].tags)) == (200, 20)


async def test_a_dashboards_variables_are_read_by_name() -> None:
    listed = [{"name": "service", "type": "query"}, {"name": "a&b"}, {"type": "x"}, 7, {"name": "job"}]
    grafana, servers = a_grafana(responding({"meta": {}, "dashboard": {"templating": {"list": listed}}}))
    assert await grafana.variables("aX3kPz") == {"service", "job"}
    assert servers.asked[0].path == "/sub/api/dashboards/uid/aX3kPz"
    bare, _ = a_grafana(responding({"dashboard": {}}))
    assert await bare.variables("aX3kPz") == frozenset()


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (responding({"message": "Unauthorized"}, 401), "unauthorised"),
        (responding({"message": "no"}, 403), "unauthorised"),
        (responding({"message": "Not found"}, 404), "not_found"),
        (responding(b"", 429), "throttled"),
        (responding(b"", 400), "refused"),
        (responding(b"<html>", 200), "not_json"),
        (responding(b"<html>", 502), "http_5xx"),
        (responding({"not": "a list"}), "unexpected_shape"),
        (responding([HIT], cut=3), "protocol"),
        (responding(b" " * (4 * 1024 * 1024 + 1)), "too_large"),
    ],
)
async def test_a_grafana_that_gives_no_list_fails_with_its_reason(response: bytes, reason: str) -> None:
    grafana, _ = a_grafana(response)
    with pytest.raises(SourceUnavailable) as failed:
        await grafana.search()
    assert failed.value.reason == reason


async def test_a_dashboard_that_is_no_dashboard_fails() -> None:
    for body, reason in ((b"<html>", "not_json"), (b"[]", "unexpected_shape")):
        grafana, _ = a_grafana(responding(body))
        with pytest.raises(SourceUnavailable) as failed:
            await grafana.variables("aX3kPz")
        assert failed.value.reason == reason


async def test_only_a_grafana_with_a_url_can_be_asked() -> None:
    sources = GrafanaDashboards(BoundBox(), Servers(lambda _: None).client())
    kind = IntegrationType.GRAFANA
    there = await sources.of_integration(ACME, connected_to("http://127.0.0.1:3000", integration_type=kind))
    assert there is not None
    assert await sources.of_integration(ACME, connected_to("http://127.0.0.1:9093")) is None
    assert await sources.of_integration(ACME, connected_to("", integration_type=kind)) is None
    assert await sources.of_integration(ACME, connected_to("", integration_type=kind, config=None)) is None
