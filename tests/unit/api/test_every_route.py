"""Every route with every role, without a token, with a junk one, and with another tenant's: found by walking."""

from pathlib import Path

import pytest

from shared.access.roles import LEAST_ROLE, may
from shared.models.tenants import Role
from tests.unit.access.issuer import a_token
from tests.unit.api.operations import Operation, guarded, operations
from tests.unit.api.roles_table import rendered
from tests.unit.api.serving import bearer
from tests.unit.api.walking import (
    ID,
    MARK,
    Asker,
    acme,
    anew,
    fillings,
    globex,
    leaked,
    never,
    only_acme_has,
    with_ids_of,
    world,
)

each = pytest.mark.parametrize("operation", guarded(), ids=[one.name for one in guarded()])
each_role = pytest.mark.parametrize("role", Role)

NO_TOKENS: dict[str, dict[str, str]] = {
    "none": {},
    "empty": {"Authorization": ""},
    "no scheme": {"Authorization": a_token()},
    "basic": {"Authorization": "Basic YWRtaW46YWRtaW4="},
    "junk": bearer("junk"),
    "a forged one": bearer(a_token(signed_with="forger", roles=["admin"])),
    "an expired one": bearer(a_token(exp=1, roles=["admin"])),
    "one for another application": bearer(a_token(aud="22222222-2222-4222-8222-222222222222")),
}


def test_what_asks_for_no_token_is_named_in_the_document_as_such() -> None:
    assert {one.name for one in operations() if "security" not in one.document} == {
        one.name for one in operations() if one.is_public
    }


def test_the_table_has_no_operation_that_is_not_served() -> None:
    assert set(LEAST_ROLE) == {one.name for one in guarded()}


@each
def test_what_a_route_is_about_was_found_among_what_a_tenant_has(operation: Operation) -> None:
    missing = [one for one in operation.parameters if not operation.schema_of(one, "path").get("enum")]
    found = {name: world().pool.values(name) for name in missing}
    assert all(found.values()), f"seed one of these in walking._made, or nothing attacks this route: {found}"


@each
@each_role
async def test_a_role_may_do_what_the_table_says_and_nothing_else(operation: Operation, role: Role) -> None:
    async with anew() as client:
        before = world().kept()
        answer = await Asker(client, acme(role)).ask(operation, fillings(operation, world().pool)[0])
    if may(role, operation.name):
        assert answer.status_code not in {401, 403, 405}, answer.text
        assert str(answer.status_code) in operation.document["responses"], answer.text
        assert answer.status_code < 500, answer.text
    else:
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:sre-copilot:problem:forbidden"
        assert world().kept() == before


@pytest.mark.parametrize("presented", NO_TOKENS)
async def test_without_a_good_token_nothing_is_answered(presented: str) -> None:
    async with anew() as client:
        before = world().kept()
        for operation in guarded():
            answer = await Asker(client, NO_TOKENS[presented]).ask(operation, fillings(operation, world().pool)[0])
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), operation.name
            assert set(answer.json()) == {"type", "title", "status", "request_id"}, operation.name
    assert world().kept() == before


@each
async def test_another_tenant_is_answered_as_if_there_were_nothing(operation: Operation) -> None:
    async with anew() as client:
        before = world().kept()
        thief = Asker(client, globex())
        nothing = await thief.ask(operation, never(operation))
        # A trail would tell of that question.
        world().renew()
        for filled in fillings(operation, world().pool):
            body = with_ids_of(operation.body, world().pool)
            answer = await thief.ask(operation, filled, body=body)
            assert answer.status_code == nothing.status_code, answer.text
            if any(ID.fullmatch(value) for value in filled.values()):
                # 409 where the body names a person, whom the other tenant does not have either.
                assert answer.status_code in {404, 409}, answer.text
            assert leaked(answer, nothing, filled, body) == set()
    assert world().kept() == before


def test_acme_has_something_to_lose() -> None:
    assert MARK in str(only_acme_has())
    assert len(only_acme_has()) > 15


OF_THEIR_OWN_SOURCES = frozenset(
    {
        "list_grafana_dashboards",
        "query_prometheus",
        "query_prometheus_range",
        "read_incident_dashboards",
        "read_service_dashboards",
        "read_service_metrics",
    }
)
"""What these show comes from the tenant's Prometheus and Grafana, of which this world has none."""


OF_NUMBERS = frozenset({"read_model_usage"})
"""These show numbers and days alone; their own tests ask as another tenant."""


@pytest.mark.parametrize("name", sorted(set(world().answers) - OF_THEIR_OWN_SOURCES - OF_NUMBERS))
async def test_an_answer_of_acme_to_a_stranger_would_be_noticed(name: str) -> None:
    operation = next(one for one in guarded() if one.name == name)
    filled = fillings(operation, world().pool)[0]
    async with anew() as client:
        theirs = await Asker(client, acme()).ask(operation, filled)
        nothing = await Asker(client, globex()).ask(operation, never(operation))
    assert leaked(theirs, nothing, filled)


def test_the_docs_show_the_table_as_it_is() -> None:
    page = Path(__file__).parents[3] / "docs" / "roles.md"
    assert page.read_text() == rendered(), "python -m tests.unit.api.roles_table > docs/roles.md"
