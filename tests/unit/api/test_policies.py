"""Policies: an admin's alone, bounded, versioned, audited."""

import json
from typing import Any

import pytest

from shared.models.policies import MAX_POLICIES, MAX_SERVICES, Policies
from tests.builders import ACME, NOON
from tests.unit.access.issuer import GLOBEX_TID
from tests.unit.api.asking import asked
from tests.unit.api.serving import Served

WINDOW = {"services": ["payment"], "starts_at": "2026-11-24T02:00:00Z", "ends_at": "2026-11-24T04:00:00Z"}
POLICY = {"name": "upgrade", "parameters": WINDOW}


async def kept(served: Served) -> Policies:
    held = await served.services.records.read(ACME, Policies, Policies.id_for())
    return held.value if held else Policies.none_yet(ACME, now=NOON)


async def test_a_policy_is_written_read_rewritten_and_removed_with_its_trail(served: Served) -> None:
    made = await asked(served, "POST", "/policies", POLICY)
    path = f"/policies/{made.json()['id']}"
    assert (made.status_code, made.headers["ETag"]) == (201, '"v1"')
    assert (await asked(served, "GET", path)).json() == made.json()
    off = await asked(served, "PUT", path, {**POLICY, "is_enabled": False}, **{"If-Match": '"v1"'})
    assert (off.status_code, off.headers["ETag"], off.json()["created_at"]) == (
        200,
        '"v2"',
        made.json()["created_at"],
    )
    assert (await asked(served, "GET", "/policies")).json() == {"items": [off.json()], "cursor": None}
    assert (await asked(served, "DELETE", path, **{"If-Match": '"v1"'})).status_code == 412
    assert (await asked(served, "DELETE", path)).status_code == 204
    assert (await asked(served, "GET", path)).status_code == 404
    trail = (await kept(served)).audit_pending
    assert [entry.action for entry in trail] == ["create", "update", "delete"]
    assert (trail[1].before["is_enabled"], trail[1].after["is_enabled"]) == (True, False)


@pytest.mark.parametrize("role", ["viewer", "engineer"])
async def test_only_an_admin_sees_and_writes_policies(served: Served, role: str) -> None:
    path = f"/policies/{(await asked(served, 'POST', '/policies', POLICY)).json()['id']}"
    for method, where, body in [
        ("GET", "/policies", None),
        ("GET", path, None),
        ("POST", "/policies", POLICY),
        ("PUT", path, POLICY),
        ("DELETE", path, None),
    ]:
        assert (await asked(served, method, where, body, role=role)).status_code == 403


async def test_another_tenants_policy_is_not_there(served: Served) -> None:
    path = f"/policies/{(await asked(served, 'POST', '/policies', POLICY)).json()['id']}"
    theirs: dict[str, Any] = {"claims": {"tid": GLOBEX_TID}}
    assert (await asked(served, "GET", path, **theirs)).status_code == 404
    assert (await asked(served, "PUT", path, POLICY, **theirs)).status_code == 404
    assert (await asked(served, "DELETE", path, **theirs)).status_code == 404
    assert len((await kept(served)).policies) == 1


@pytest.mark.parametrize(
    "body",
    [
        {**POLICY, "tenant_id": "ten-globex"},
        {**POLICY, "version": 7},
        {**POLICY, "kind": "retention"},
        {**POLICY, "name": ""},
        {"name": "no window"},
        {**POLICY, "parameters": {**WINDOW, "ends_at": WINDOW["starts_at"]}},
        {**POLICY, "parameters": {**WINDOW, "ends_at": "2027-11-24T04:00:00Z"}},
        {**POLICY, "parameters": {**WINDOW, "starts_at": "2026-11-24T02:00:00"}},
        {**POLICY, "parameters": {**WINDOW, "services": ["s"] * 21}},
        {**POLICY, "parameters": {**WINDOW, "tenant_id": "x"}},
        {**POLICY, "parameters": {**WINDOW, "starts_at": "0001-01-01T00:00:00+01:00"}},
    ],
)
async def test_what_is_no_policy_is_refused(untouched: Served, body: dict[str, Any]) -> None:
    assert (await asked(untouched, "POST", "/policies", body)).status_code == 400
    assert (await kept(untouched)).policies == ()


async def test_the_largest_policies_there_can_be_fit_the_store(served: Served) -> None:
    name = "\U0001f525" * 200
    window = {**WINDOW, "services": [name] * MAX_SERVICES}
    assert (await asked(served, "POST", "/policies", {"name": name, "parameters": window})).status_code == 201
    policies = await kept(served)
    full = policies.model_copy(update={"policies": policies.policies * MAX_POLICIES})
    assert len(json.dumps(full.to_stored(), ensure_ascii=False).encode()) < 2_000_000


async def test_there_is_an_end_to_policies(served: Served) -> None:
    await asked(served, "POST", "/policies", POLICY)
    held = await served.services.records.read(ACME, Policies, Policies.id_for())
    assert held is not None
    full = [held.value.policies[0].model_copy(update={"id": f"pol-{n}"}) for n in range(MAX_POLICIES)]
    await served.services.records.replace(ACME, held.value.model_copy(update={"policies": tuple(full)}), held.etag)
    assert (await asked(served, "POST", "/policies", POLICY)).status_code == 409
