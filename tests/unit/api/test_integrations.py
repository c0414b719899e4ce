"""Admins connect systems, change them, switch them off and disconnect them; no read ever shows a secret."""

import json
from typing import Any

import pytest

from shared.adapters.memory import MemoryDirectory
from shared.models.schedule import SHARDS
from shared.models.tenants import Integration
from tests.builders import ACME, NOON
from tests.unit.access.issuer import GLOBEX_TID, a_token
from tests.unit.api.connecting import BASE, Connected, accepts, asked, connected, made, work_off_checks
from tests.unit.api.serving import bearer

SENDERS = ["alertmanager", "grafana", "grafana-legacy", "generic", "changes", "github"]
GIVEN = "a-secret-that-pagerduty-made"
TOKEN = "glsa_a-token-that-must-not-come-back"
PROMETHEUS = {"url": "https://prom.example.com/prometheus", "bearer_token": TOKEN}

WORKSPACE = "https://shop-a1b2.westeurope.prometheus.monitor.azure.com"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
AZURE = {"directory_id": GUID, "client_id": GUID, "client_secret": TOKEN}


async def kept(served: Connected, integration_id: str) -> Integration:
    held = await served.services.records.read(ACME, Integration, integration_id)
    assert held is not None
    return held.value


async def due_kinds(served: Connected, integration_id: str) -> set[str]:
    due = [held for shard in SHARDS for held in await served.services.schedule.due(shard, LATE, limit=100)]
    return {held.value.kind.value for held in due if held.value.subject == integration_id}


LATE = NOON.replace(year=2099)


@pytest.mark.parametrize("kind", SENDERS)
async def test_a_new_sender_gets_its_address_its_secret_and_what_to_paste(kind: str) -> None:
    served = await connected()
    answer = await made(served, kind)
    integration_id, secret = answer["integration"]["id"], answer["secret"]["secret"]
    assert answer["integration"]["webhook"]["url"] == f"{BASE}/api/webhooks/{kind}/{integration_id}"
    pasted = "".join(one["text"] for one in answer["set_up"])
    assert secret in pasted
    assert answer["integration"]["webhook"]["url"] in pasted
    assert await accepts(served.services, kind, integration_id, secret)
    assert not await accepts(served.services, kind, integration_id, f"{secret}x")


async def test_pagerduty_makes_its_own_secret_and_is_told_to_us() -> None:
    served = await connected()
    answer = await made(served, "pagerduty")
    integration_id = answer["integration"]["id"]
    assert (answer["secret"], answer["integration"]["webhook"]["secrets"]) == (None, [])
    assert not await accepts(served.services, "pagerduty", integration_id, GIVEN)
    told = await asked(served, "POST", f"/integrations/{integration_id}/secrets", {"secret": GIVEN})
    assert told.status_code == 201
    assert await accepts(served.services, "pagerduty", integration_id, GIVEN)


async def test_no_read_shows_a_secret() -> None:
    served = await connected()
    webhook = await made(served, "grafana")
    outbound = await made(served, "prometheus", connection=PROMETHEUS)
    secrets = [webhook["secret"]["secret"], TOKEN]
    stored = json.dumps([(await kept(served, one["integration"]["id"])).to_stored() for one in (webhook, outbound)])
    assert not any(secret in stored for secret in secrets), "not even at rest"
    texts = [stored]
    for one in (webhook, outbound):
        path = f"/integrations/{one['integration']['id']}"
        texts += [(await asked(served, "GET", f"{path}{more}")).text for more in ("", "/secrets")]
        texts.append((await asked(served, "POST", f"{path}/test")).text)
        texts.append((await asked(served, "PATCH", path, {"name": "another"})).text)
    texts.append((await asked(served, "GET", "/integrations")).text)
    for text in texts[1:]:
        assert not any(secret in text for secret in secrets), text
        assert "token_hash" not in text
        assert "sealed" not in text


async def test_a_connection_is_shown_without_its_credential_and_its_query() -> None:
    served = await connected()
    url = f"{PROMETHEUS['url']}?tenant=a-secret-of-a-kind"
    answer = await made(served, "prometheus", connection={**PROMETHEUS, "url": url})
    assert answer["secret"] is None
    shown = (await asked(served, "GET", f"/integrations/{answer['integration']['id']}")).json()["connection"]
    assert (shown["url"], shown["credential"]) == (PROMETHEUS["url"], "bearer")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"integration_type": "prometheus"}, "needs a connection"),
        ({"integration_type": "prometheus", "inbound": {}, "connection": PROMETHEUS}, "sends nothing"),
        ({"integration_type": "generic", "connection": PROMETHEUS}, "no API"),
        ({"integration_type": "prometheus", "connection": {**PROMETHEUS, "receiver": "x"}}, "receiver"),
        (
            {"integration_type": "prometheus", "connection": {**PROMETHEUS, "repositories": {"pay": "acme/pay"}}},
            "GitHub's",
        ),
        *(
            (
                {"integration_type": "github", "connection": {**PROMETHEUS, "repositories": {"pay": place}}},
                "repositories",
            )
            for place in (
                "acme",
                "acme/..",
                "acme/pay/../..",
                "acme/pay?x=1",
                "https://github.com/acme/pay",
                "/acme/pay",
            )
        ),
        ({"integration_type": "generic", "inbound": {"secret": GIVEN}}, "made here"),
        ({"integration_type": "generic", "inbound": {"schemes": ["github"]}}, "does not know"),
        ({"integration_type": "generic", "inbound": {"schemes": []}}, "schemes"),
        ({"integration_type": "alertmanager", "inbound": {"timestamp_header": "X-Time"}}, "Grafana"),
        ({"integration_type": "grafana", "inbound": {"signature_header": "X:\r\nY"}}, "signature_header"),
        ({"integration_type": "github", "inbound": {"secret": "short"}}, "secret"),
        ({"integration_type": "slack"}, "integration_type"),
        ({"integration_type": "generic", "name": "line\nbreak"}, "name"),
        ({"integration_type": "generic", "tenant_id": "ten-globex"}, "tenant_id"),
        ({"integration_type": "generic", "is_active": False}, "is_active"),
        ({"integration_type": "generic", "id": "int-1"}, "id"),
        ({"integration_type": "prometheus", "connection": {**PROMETHEUS, "username": "u"}}, "either"),
        ({"integration_type": "prometheus", "connection": {"url": "x", "bearer_token": "a\r\nb"}}, "bearer_token"),
        ({"integration_type": "prometheus", "connection": {**PROMETHEUS, "service_principal": AZURE}}, "either"),
        (
            {
                "integration_type": "prometheus",
                "connection": {"url": "https://p.ex", "service_principal": AZURE},
            },
            "Azure Monitor",
        ),
        (
            {
                "integration_type": "prometheus",
                "connection": {"url": WORKSPACE, "service_principal": {**AZURE, "directory_id": "../x"}},
            },
            "directory_id",
        ),
        (
            {"integration_type": "prometheus", "connection": {**PROMETHEUS, "scope_org_id": "a\r\nb"}},
            "scope_org_id",
        ),
        ({"integration_type": "grafana", "connection": {**PROMETHEUS, "scope_org_id": "team-a"}}, "Prometheus"),
        (
            {"integration_type": "alertmanager", "connection": {"url": WORKSPACE, "service_principal": AZURE}},
            "Prometheus",
        ),
        ({"integration_type": "generic", "service_map": {str(one): "x" for one in range(501)}}, "service_map"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_the_reason(fields: dict[str, Any], why: str) -> None:
    served = await connected()
    answer = await asked(served, "POST", "/integrations", {"name": "n", **fields})
    assert answer.status_code == 400, answer.text
    assert why in answer.json()["detail"]
    assert TOKEN not in answer.text
    assert (await asked(served, "GET", "/integrations")).json()["items"] == []


async def test_a_list_is_paged_oldest_first_and_passes_over_what_was_deleted() -> None:
    served = await connected()
    ids = [(await made(served, "generic", name=f"{number}"))["integration"]["id"] for number in range(4)]
    await asked(served, "DELETE", f"/integrations/{ids[1]}")
    first = (await asked(served, "GET", "/integrations?limit=2")).json()
    rest = (await asked(served, "GET", "/integrations", params={"limit": 2, "cursor": first["cursor"]})).json()
    assert sorted(one["id"] for one in first["items"] + rest["items"]) == sorted({*ids} - {ids[1]})
    assert (len(first["items"]), rest["cursor"]) == (2, None)


async def test_a_change_needs_the_version_it_was_made_on_and_shows_the_next() -> None:
    served = await connected()
    path = f"/integrations/{(await made(served, 'pagerduty'))['integration']['id']}"
    etag = (await asked(served, "GET", path)).headers["etag"]
    change = {"service_map": {"PABC123": "checkout"}, "name": "renamed"}
    changed = await asked(served, "PATCH", path, change, headers={"If-Match": etag})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"v2"')
    assert (changed.json()["service_map"], changed.json()["name"]) == ({"PABC123": "checkout"}, "renamed")
    for method, more in (("PATCH", ""), ("DELETE", ""), ("POST", "/deactivate"), ("POST", "/secrets")):
        stale = await asked(served, method, f"{path}{more}", {}, headers={"If-Match": etag})
        assert stale.status_code == 412, (method, more)


async def test_the_repositories_of_a_github_are_kept_and_shown() -> None:
    served = await connected()
    repositories = {"payment": "acme/shop/services/payment", "cart": "acme/cart"}
    connection = {"url": "https://api.github.com", "bearer_token": "ghp_x", "repositories": repositories}
    path = f"/integrations/{(await made(served, 'github', connection=connection))['integration']['id']}"
    assert (await asked(served, "GET", path)).json()["connection"]["repositories"] == repositories
    fewer = {"connection": {"url": "https://api.github.com", "repositories": {"cart": "acme/cart"}}}
    shown = (await asked(served, "PATCH", path, fewer)).json()["connection"]
    assert (shown["repositories"], shown["credential"]) == ({"cart": "acme/cart"}, "bearer")


async def test_a_kept_credential_never_goes_to_another_host() -> None:
    served = await connected()
    path = f"/integrations/{(await made(served, 'prometheus', connection=PROMETHEUS))['integration']['id']}"
    for url in (
        "https://evil.example.com/",
        "https://prom.example.com:9090/",
        "https://prom.example.com.evil.example/",
    ):
        stolen = await asked(served, "PATCH", path, {"connection": {"url": url}})
        assert (stolen.status_code, "another host" in stolen.json()["detail"]) == (400, True), url
    same_host = await asked(served, "PATCH", path, {"connection": {"url": "https://prom.example.com/other"}})
    assert same_host.json()["connection"] == {
        "url": "https://prom.example.com/other",
        "credential": "bearer",
        "username": None,
        "directory_id": None,
        "client_id": None,
        "scope_org_id": None,
        "receiver": None,
        "grace_seconds": None,
        "repositories": {},
    }
    without = await asked(
        served, "PATCH", path, {"connection": {"url": "https://prom.example.com/", "bearer_token": None}}
    )
    assert without.json()["connection"]["credential"] == "none"


async def test_a_service_principal_is_shown_without_its_secret_and_kept_for_its_own_workspace_alone() -> None:
    served = await connected()
    connection = {"url": WORKSPACE, "service_principal": AZURE, "scope_org_id": "team-a"}
    answer = await made(served, "prometheus", connection=connection)
    path = f"/integrations/{answer['integration']['id']}"
    elsewhere = {"connection": {"url": WORKSPACE.replace("shop", "other")}}
    assert (await asked(served, "PATCH", path, elsewhere)).status_code == 400
    changed = await asked(served, "PATCH", path, {"connection": {"url": f"{WORKSPACE}/"}})
    assert changed.json()["connection"] == {
        "url": f"{WORKSPACE}/", "credential": "service_principal", "username": None, "directory_id": GUID,
        "client_id": GUID, "scope_org_id": None, "receiver": None, "grace_seconds": None, "repositories": {},
    }  # fmt: skip
    created, moved = (await kept(served, answer["integration"]["id"])).audit_pending
    assert created.after is not None
    assert (created.after["client_id"], created.after["scope_org_id"]) == (GUID, "team-a")
    assert moved.before == {"url": WORKSPACE, "scope_org_id": "team-a"}
    assert TOKEN not in json.dumps(answer) + changed.text + created.model_dump_json() + moved.model_dump_json()


@pytest.mark.parametrize(
    "url", ["https://[", "https://a:99999/", "https://169.254.169.254/", "http://prom.example.com", "x"]
)
async def test_a_url_that_is_never_followed_is_no_change(url: str) -> None:
    served = await connected()
    path = f"/integrations/{(await made(served, 'prometheus', connection=PROMETHEUS))['integration']['id']}"
    assert (await asked(served, "PATCH", path, {"connection": {"url": url}})).status_code == 400
    assert (await asked(served, "GET", path)).json()["version"] == 1


async def test_a_change_of_nothing_is_none() -> None:
    served = await connected()
    path = f"/integrations/{(await made(served, 'generic'))['integration']['id']}"
    assert (await asked(served, "PATCH", path, {})).headers["etag"] == '"v1"'


async def test_an_integration_that_would_be_for_nothing_is_refused() -> None:
    served = await connected()
    path = f"/integrations/{(await made(served, 'prometheus', connection=PROMETHEUS))['integration']['id']}"
    answer = await asked(served, "PATCH", path, {"connection": None})
    assert (answer.status_code, "delete it" in answer.json()["detail"]) == (400, True)


async def test_schemes_change_only_to_ones_that_a_secret_can_prove() -> None:
    served = await connected()
    answer = await made(served, "grafana", inbound={"schemes": ["bearer"]})
    integration_id, path = answer["integration"]["id"], f"/integrations/{answer['integration']['id']}"
    refused = await asked(served, "PATCH", path, {"schemes": ["grafana_hmac"]})
    assert (refused.status_code, "add a secret first" in refused.json()["detail"]) == (409, True)
    both = await asked(served, "PATCH", path, {"schemes": ["grafana_hmac", "bearer"]})
    assert both.status_code == 200
    second = (await asked(served, "POST", f"{path}/secrets", {})).json()["secret"]["secret"]
    assert (await asked(served, "PATCH", path, {"schemes": ["grafana_hmac"]})).status_code == 200
    assert await accepts(served.services, "grafana", integration_id, second)


async def test_what_is_switched_off_refuses_pages_and_is_asked_no_more_until_it_is_on_again() -> None:
    served = await connected()
    answer = await made(served, "alertmanager", inbound={}, connection=PROMETHEUS)
    integration_id, secret = answer["integration"]["id"], answer["secret"]["secret"]
    assert await due_kinds(served, integration_id) == {"reconcile"}
    off = await asked(served, "POST", f"/integrations/{integration_id}/deactivate")
    assert (off.status_code, off.json()["is_active"]) == (200, False)
    assert not await accepts(served.services, "alertmanager", integration_id, secret)
    assert await due_kinds(served, integration_id) == set()
    again = await asked(served, "POST", f"/integrations/{integration_id}/deactivate")
    assert again.json()["version"] == off.json()["version"], "nothing is written twice"
    await asked(served, "POST", f"/integrations/{integration_id}/activate")
    assert await accepts(served.services, "alertmanager", integration_id, secret)
    assert await due_kinds(served, integration_id) == {"reconcile"}


async def test_what_is_only_asked_has_its_health_looked_after() -> None:
    served = await connected()
    integration_id = (await made(served, "prometheus", connection=PROMETHEUS))["integration"]["id"]
    assert await due_kinds(served, integration_id) == {"health"}
    integration_id = (await made(served, "grafana", connection=PROMETHEUS))["integration"]["id"]
    assert await due_kinds(served, integration_id) == {"health"}


async def test_what_is_deleted_is_gone_for_everybody_and_its_record_once_the_audit_trail_has_it() -> None:
    served = await connected()
    answer = await made(served, "generic")
    integration_id, secret = answer["integration"]["id"], answer["secret"]["secret"]
    path = f"/integrations/{integration_id}"
    assert (await asked(served, "DELETE", path)).status_code == 204
    assert not await accepts(served.services, "generic", integration_id, secret)
    for method, more in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/activate"), ("POST", "/secrets")):
        assert (await asked(served, method, f"{path}{more}", {})).status_code == 404, (method, more)
    await work_off_checks(served.services)
    waiting = await kept(served, integration_id)
    assert (waiting.inbound, waiting.config, [one.event_type for one in waiting.audit_pending]) == (
        None,
        None,
        ["create_integration", "delete_integration"],
    )
    await sealed(served, integration_id)
    await work_off_checks(served.services, after=LATE - NOON)
    assert await served.services.records.read(ACME, Integration, integration_id) is None
    assert await served.services.lookups.inbound(integration_id) is None
    assert await due_kinds(served, integration_id) == set()


async def sealed(served: Connected, integration_id: str) -> None:
    """As the audit trail's sealer leaves a document."""
    directory = served.services.directory
    assert isinstance(directory, MemoryDirectory)
    await directory.put(ACME, (await kept(served, integration_id)).model_copy(update={"audit_pending": ()}))


async def test_another_tenants_integration_looks_like_none() -> None:
    served = await connected()
    answer = await made(served, "generic")
    path, secret_id = f"/integrations/{answer['integration']['id']}", answer["secret"]["id"]
    stranger = {"headers": bearer(a_token(tid=GLOBEX_TID, roles=["admin"]))}
    for method, more in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/activate"),
        ("POST", "/deactivate"),
        ("POST", "/test"),
        ("GET", "/secrets"),
        ("POST", "/secrets"),
        ("DELETE", f"/secrets/{secret_id}"),
    ):
        assert (await asked(served, method, f"{path}{more}", {}, **stranger)).status_code == 404, (method, more)
    assert (await asked(served, "GET", "/integrations", **stranger)).json()["items"] == []


async def test_an_engineer_may_nothing_here() -> None:
    served = await connected()
    answer = await asked(served, "GET", "/integrations", headers=bearer(a_token(roles=["engineer"])))
    assert answer.status_code == 403


@pytest.mark.parametrize("odd", ["nothing", "int-", "int-UPPER", "ten-acme", "int-%2e%2e", "int-a b", "x" * 300])
async def test_an_id_that_none_can_have_never_reaches_the_store(odd: str) -> None:
    served = await connected()
    assert (await asked(served, "GET", f"/integrations/{odd}")).status_code == 404


async def test_every_change_is_in_the_audit_trail_without_a_secret() -> None:
    served = await connected()
    answer = await made(served, "alertmanager", inbound={}, connection=PROMETHEUS)
    path = f"/integrations/{answer['integration']['id']}"
    added = (await asked(served, "POST", f"{path}/secrets", {})).json()["secret"]
    await asked(served, "DELETE", f"{path}/secrets/{answer['secret']['id']}")
    await asked(served, "PATCH", path, {"name": "new", "connection": {"url": "https://prom.example.com/x?y=z"}})
    await asked(served, "POST", f"{path}/deactivate")
    await asked(served, "POST", f"{path}/activate")
    await asked(served, "DELETE", path)
    entries = (await kept(served, answer["integration"]["id"])).audit_pending
    assert [one.event_type for one in entries] == [
        "create_integration",
        "add_integration_secret",
        "remove_integration_secret",
        "change_integration",
        "deactivate_integration",
        "activate_integration",
        "delete_integration",
    ]
    assert entries[3].before == {"name": "our alertmanager", "url": "https://prom.example.com/prometheus"}
    assert entries[3].after == {"name": "new", "url": "https://prom.example.com/x"}
    told = "".join(one.model_dump_json() for one in entries)
    assert not any(secret in told for secret in (TOKEN, added["secret"], answer["secret"]["secret"], "y=z"))


async def test_a_tenant_connects_only_so_many_systems() -> None:
    served = await connected()
    for number in range(100):
        integration = Integration(
            id=f"int-{number}", tenant_id=ACME, integration_type="generic", name="n", created_at=NOON
        )
        await served.services.records.create(ACME, integration)
    answer = await asked(served, "POST", "/integrations", {"integration_type": "generic", "name": "n"})
    assert (answer.status_code, "at most 100" in answer.json()["detail"]) == (409, True)
