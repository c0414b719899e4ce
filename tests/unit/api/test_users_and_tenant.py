"""Users and tenant settings: read by who may, changed by an admin, never widened, never of another tenant."""

import asyncio
from typing import Any

import pytest

from shared.models.base import document_id
from shared.models.tenants import Role, Tenant, User
from tests.builders import ACME, GLOBEX, a_user
from tests.unit.access.issuer import GLOBEX_TID, OBJECT_ID
from tests.unit.api.asking import asked
from tests.unit.api.serving import Served

OTHER_ADMIN = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
ADMIN_ID = document_id("usr", OBJECT_ID)
OTHER_ID = document_id("usr", OTHER_ADMIN)
ENGINEER = a_user()


@pytest.fixture
async def staffed(served: Served) -> Served:
    """Acme with two admins (the caller is one) and an engineer."""
    people = (
        a_user(Role.ADMIN, entra_object_id=OBJECT_ID),
        a_user(Role.ADMIN, entra_object_id=OTHER_ADMIN, slack_user_id="U1"),
        ENGINEER,
    )
    for user in people:
        await served.services.records.create(ACME, user)
    return served


async def user(served: Served, user_id: str) -> User:
    held = await served.services.records.read(ACME, User, user_id)
    assert held is not None
    return held.value


async def test_an_admin_lists_users_page_by_page(staffed: Served) -> None:
    first = (await asked(staffed, "GET", "/users?limit=2")).json()
    rest = (await asked(staffed, "GET", f"/users?limit=2&cursor={first['cursor']}")).json()
    assert len({one["id"] for one in (*first["items"], *rest["items"])}) == 3
    assert rest["cursor"] is None
    assert "U1" not in str(first) + str(rest)


async def test_a_viewer_reads_one_user_by_either_id_and_not_the_list(staffed: Served) -> None:
    for user_id in (OTHER_ID, OTHER_ADMIN):
        answer = await asked(staffed, "GET", f"/users/{user_id}", role="viewer")
        assert (answer.status_code, answer.json()["object_id"]) == (200, OTHER_ADMIN)
        assert answer.headers["ETag"] == '"v1"'
    assert (await asked(staffed, "GET", "/users", role="viewer")).status_code == 403


@pytest.mark.parametrize("user_id", ["usr-" + "0" * 24, "nobody", ACME])
async def test_nobody_of_that_id_is_a_404(staffed: Served, user_id: str) -> None:
    assert (await asked(staffed, "GET", f"/users/{user_id}")).status_code == 404
    assert (await asked(staffed, "PATCH", f"/users/{user_id}", {"role": "viewer"})).status_code == 404


async def test_another_tenants_users_are_not_there(staffed: Served) -> None:
    theirs = {"claims": {"tid": GLOBEX_TID}}
    assert (await asked(staffed, "GET", f"/users/{OTHER_ID}", **theirs)).status_code == 404
    assert (await asked(staffed, "GET", "/users", **theirs)).json()["items"] == []
    assert (await asked(staffed, "PATCH", f"/users/{OTHER_ID}", {"role": "viewer"}, **theirs)).status_code == 404
    assert (await user(staffed, OTHER_ID)).role is Role.ADMIN


async def test_narrowing_a_role_is_written_with_its_audit_entry(staffed: Served) -> None:
    answer = await asked(staffed, "PATCH", f"/users/{OTHER_ID}", {"role": "viewer"})
    assert (answer.status_code, answer.json()["role"], answer.headers["ETag"]) == (200, "viewer", '"v2"')
    (entry,) = (await user(staffed, OTHER_ID)).audit_pending
    assert (entry.event_type, entry.before, entry.after) == ("update_user", {"role": "admin"}, {"role": "viewer"})
    assert entry.user_id == OBJECT_ID


async def test_asking_for_what_is_there_changes_nothing(staffed: Served) -> None:
    answer = await asked(staffed, "PATCH", f"/users/{ENGINEER.id}", {"role": "engineer"})
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert (await user(staffed, ENGINEER.id)) == ENGINEER


async def test_an_admin_neither_changes_their_own_access_nor_takes_the_last_ones(staffed: Served) -> None:
    own = await asked(staffed, "PATCH", f"/users/{ADMIN_ID}", {"is_active": False})
    assert (own.status_code, "own role" in own.json()["detail"]) == (409, True)
    assert (await asked(staffed, "PATCH", f"/users/{OTHER_ID}", {"is_active": False})).status_code == 200
    # A script's admin token, which is no user here.
    script = {"claims": {"oid": "ffffffff-ffff-4fff-8fff-ffffffffffff"}}
    last = await asked(staffed, "PATCH", f"/users/{ADMIN_ID}", {"role": "engineer"}, **script)
    assert (last.status_code, "last active admin" in last.json()["detail"]) == (409, True)
    assert (await user(staffed, ADMIN_ID)).role is Role.ADMIN


async def test_two_admins_who_take_each_others_role_at_once_do_not_both_succeed(staffed: Served) -> None:
    answers = await asyncio.gather(
        asked(staffed, "PATCH", f"/users/{OTHER_ID}", {"role": "viewer"}),
        asked(staffed, "PATCH", f"/users/{ADMIN_ID}", {"role": "viewer"}, claims={"oid": OTHER_ADMIN}),
    )
    assert sorted(one.status_code for one in answers) == [200, 409]


@pytest.mark.parametrize(
    "body", [{"tenant_id": GLOBEX}, {"entra_object_id": "x"}, {"role": "owner"}, {"version": 9}, []]
)
async def test_what_is_not_offered_cannot_be_assigned_to_a_user(staffed: Served, body: Any) -> None:
    assert (await asked(staffed, "PATCH", f"/users/{ENGINEER.id}", body)).status_code == 400
    assert (await user(staffed, ENGINEER.id)) == ENGINEER


async def test_a_stale_version_is_refused(staffed: Served) -> None:
    stale = {"If-Match": '"v7"'}
    assert (await asked(staffed, "PATCH", f"/users/{ENGINEER.id}", {"role": "viewer"}, **stale)).status_code == 412
    assert (await asked(staffed, "PATCH", "/tenant", {"name": "Other"}, **stale)).status_code == 412


async def test_everybody_reads_the_tenant_and_an_admin_changes_its_settings(served: Served) -> None:
    assert (await asked(served, "GET", "/tenant", role="viewer")).json()["plan_type"] == "starter"
    assert (await asked(served, "PATCH", "/tenant", {"name": "Other"}, role="engineer")).status_code == 403
    body = {"name": " Acme Shop ", "reopen_within_minutes": 5, "correlation": {"link_at": 0.7}}
    answer = await asked(served, "PATCH", "/tenant", body)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v2"')
    held = await served.services.records.read(ACME, Tenant, ACME)
    assert held is not None
    tenant = held.value
    assert (tenant.name, tenant.reopen_within_minutes) == ("Acme Shop", 5)
    assert (tenant.correlation.link_at, tenant.correlation.window_seconds) == (0.7, 900.0)
    (entry,) = tenant.audit_pending
    assert entry.before == {"name": "Acme", "reopen_within_minutes": 30, "correlation.link_at": 0.55}
    assert (await asked(served, "PATCH", "/tenant", body)).json()["version"] == 2, "nothing changes twice"


@pytest.mark.parametrize(
    "body",
    [
        {"plan_type": "enterprise"},
        {"max_services": 10_000},
        {"alerts_per_minute": 10**9},
        {"is_active": False},
        {"tenant_id": GLOBEX},
        {"slug": "other"},
        {"auto_resolve_after_minutes": 1},
        {"reopen_within_minutes": -1},
        {"correlation": {"link_at": 0.0}},
        {"correlation": {"window_seconds": 1e9}},
        {"correlation": {"unknown": 1}},
        {"name": ""},
        {"name": "a\nb"},
        {"name": "n" * 201},
    ],
)
async def test_the_plan_and_what_is_out_of_bounds_cannot_be_set(untouched: Served, body: dict[str, Any]) -> None:
    assert (await asked(untouched, "PATCH", "/tenant", body)).status_code == 400
    held = await untouched.services.records.read(ACME, Tenant, ACME)
    assert held is not None
    assert (held.value.version, held.value.audit_pending) == (1, ())
