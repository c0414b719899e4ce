"""Attacks on the API, each case named, on every route that there is. Attacks on tokens are in test_authentication.

An attack asks one operation and returns what is wrong, or None; a test fails with every operation it succeeded on.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from shared.models.tenants import Role
from tests.builders import ACME
from tests.unit.access.issuer import ACME_TID
from tests.unit.api.attack_cases import (
    ASSIGNED,
    CHOSEN,
    CURSORS,
    EVIL,
    HOSTILE,
    METHODS,
    RAW,
    SMUGGLED,
    TYPES,
    VALUES,
)
from tests.unit.api.operations import Json, Operation, guarded
from tests.unit.api.walking import ID, Asker, acme, anew, fillings, globex, leaked, never, with_ids_of, world

# A sweep: what it runs is covered by the tests of single cases, and measuring would make it slower.
pytestmark = pytest.mark.no_cover

Attack = Callable[[httpx.AsyncClient, Operation], Awaitable[str | None]]

JSON = {"Content-Type": "application/json"}


def is_read(operation: Operation) -> bool:
    return operation.is_read


def is_write(operation: Operation) -> bool:
    return not operation.is_read


def has_body(operation: Operation) -> bool:
    return operation.body is not None


def has_path(operation: Operation) -> bool:
    return bool(operation.parameters)


def is_paged(operation: Operation) -> bool:
    return bool(operation.schema_of("cursor", "query"))


MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def anything(operation: Operation) -> bool:
    return bool(operation)


async def victims(attack: Attack, which: Callable[[Operation], bool], *, is_harmless: bool = True) -> dict[str, str]:
    """What an attack did to which operation; one that is harmless leaves everything that Acme has as it was."""
    found = dict[str, str]()
    async with anew() as client:
        untouched = world().kept()
        for operation in filter(which, guarded()):
            wrong = await attack(client, operation)
            if wrong is None and is_harmless and world().kept() != untouched:
                wrong = "what Acme has was changed"
            if wrong is not None:
                found[operation.name] = wrong
            if wrong is not None or not is_harmless:
                world().renew()
    return found


def filled(operation: Operation) -> dict[str, str]:
    return fillings(operation, world().pool)[0]


def path_of(operation: Operation) -> str:
    return operation.path.format(**filled(operation))


def queries(operation: Operation) -> Iterator[dict[str, Any]]:
    return (one for one in operation.document.get("parameters", ()) if one["in"] == "query")


def shown(answer: httpx.Response, *more: object) -> str:
    return " ".join(map(str, (answer.status_code, answer.text[:300], *more)))


def unless(is_good: bool, answer: httpx.Response, *more: object) -> str | None:
    return None if is_good else shown(answer, *more)


def without_chance(answer: httpx.Response) -> tuple[int, Json]:
    """An answer without what differs from request to request: its id, and times."""
    text = MOMENT.sub("", answer.text)
    told = json.loads(text) if text and "json" in answer.headers["Content-Type"] else text
    return answer.status_code, {**told, "request_id": ""} if isinstance(told, dict) else told


def is_sound(answer: httpx.Response, operation: Operation) -> bool:
    """Whether an answer is one that the operation documents, and no failure of ours."""
    return answer.status_code < 500 and str(answer.status_code) in operation.document["responses"]


# A tenant in a header, a query or a body: it comes from the credential alone.


@pytest.mark.parametrize("smuggled", SMUGGLED)
async def test_a_header_that_names_a_tenant_a_role_or_a_method_has_no_effect(smuggled: str) -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        thief = Asker(client, globex())
        # A trail would tell of the questions before.
        world().renew()
        plain = await thief.ask(operation, filled(operation))
        world().renew()
        answer = await thief.ask(operation, filled(operation), headers=SMUGGLED[smuggled])
        return unless(without_chance(answer) == without_chance(plain), answer)

    assert await victims(attack, is_read) == {}


async def test_a_header_does_not_make_more_of_a_role() -> None:
    headers = {name: value for one in SMUGGLED.values() for name, value in one.items()}

    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        low = Asker(client, acme(Role.VIEWER))
        plain = await low.ask(operation, filled(operation))
        world().renew()
        answer = await low.ask(operation, filled(operation), headers=headers)
        return unless(answer.status_code == plain.status_code, answer)

    assert await victims(attack, anything, is_harmless=False) == {}


async def test_a_query_that_names_a_tenant_has_no_effect() -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        thief = Asker(client, globex())
        plain = await thief.ask(operation, filled(operation))
        named = {"tenant_id": ACME, "tenant": ACME, "tid": ACME_TID}
        answer = await thief.ask(operation, filled(operation), params=named)
        told = leaked(answer, plain, filled(operation))
        return unless(answer.status_code in {plain.status_code, 400} and not told, answer)

    assert await victims(attack, is_read) == {}


@pytest.mark.parametrize("field", ASSIGNED)
async def test_a_field_that_nobody_may_set_is_refused(field: str) -> None:
    def sets_it_not(operation: Operation) -> bool:
        return has_body(operation) and field not in operation.model.get("properties", {})

    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        body = {**operation.body, field: ASSIGNED[field]}
        answer = await Asker(client, acme()).ask(operation, filled(operation), body=body)
        return unless(answer.status_code == 400, answer)

    assert await victims(attack, sets_it_not) == {}


@pytest.mark.parametrize("field", ["tenant_id", "role"])
async def test_a_body_does_not_reach_into_another_tenant(field: str) -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        body = {**(with_ids_of(operation.body, world().pool) or {}), field: ASSIGNED[field]}
        answer = await Asker(client, globex()).ask(operation, filled(operation), body=body)
        return unless(is_sound(answer, operation), answer)

    assert await victims(attack, is_write) == {}


# Methods, paths and types that nobody described.


@pytest.mark.parametrize("method", METHODS)
async def test_a_method_that_is_not_described_is_405_and_does_nothing(method: str) -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        path = path_of(operation)
        described = {one.method for one in guarded() if re.fullmatch(re.sub(r"{\w+}", "[^/]+", one.path), path)}
        if method in described:
            return None
        answer = await client.request(method, path, headers=acme())
        allowed = set(answer.headers.get("allow", "none").split(", "))
        return unless(answer.status_code == 405 and allowed <= described, answer, allowed)

    assert await victims(attack, anything) == {}


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_a_hostile_path_finds_nothing(hostile: str) -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        for name, known in filled(operation).items():
            answer = await Asker(client, acme()).ask(operation, {**filled(operation), name: HOSTILE[hostile]})
            is_refused = answer.status_code in {400, 404, 405} if ID.fullmatch(known) else answer.status_code < 500
            if not is_refused or "set-cookie" in answer.headers:
                return shown(answer, name)
        return None

    assert await victims(attack, has_path) == {}


@pytest.mark.parametrize("content_type", TYPES)
async def test_a_body_of_another_type_is_refused(content_type: str) -> None:
    """A page of another origin can send some of these types without being asked for permission first."""

    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        body, headers = json.dumps(operation.body), {**acme(), "Content-Type": content_type}
        answer = await client.request(operation.method, path_of(operation), content=body, headers=headers)
        return unless(answer.status_code in {400, 415}, answer)

    assert await victims(attack, has_body) == {}


# Values that nobody described.


@pytest.mark.parametrize("hostile", RAW)
async def test_a_hostile_value_is_refused_or_kept_as_it_is(hostile: str) -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        for name in operation.model.get("properties", {}):
            told = json.dumps({**operation.body, name: "@"}).encode().replace(b'"@"', RAW[hostile])
            headers = {**acme(), **JSON}
            answer = await client.request(operation.method, path_of(operation), content=told, headers=headers)
            if not is_sound(answer, operation):
                return shown(answer, name)
            if answer.is_success:
                world().renew()
        return None

    assert await victims(attack, has_body, is_harmless=False) == {}


@pytest.mark.parametrize("value", VALUES)
async def test_a_hostile_query_is_never_a_failure_of_ours(value: str) -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        for one in queries(operation):
            answer = await Asker(client, acme()).ask(operation, filled(operation), params={one["name"]: value})
            if not is_sound(answer, operation):
                return shown(answer, one["name"])
        return None

    assert await victims(attack, is_read) == {}


async def test_a_parameter_of_one_value_that_comes_twice_is_refused() -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        for one in queries(operation):
            twice = [*operation.query.items(), (one["name"], "1"), (one["name"], "2")]
            answer = await client.request(operation.method, path_of(operation), params=twice, headers=acme())
            if "array" not in json.dumps(one["schema"]) and answer.status_code != 400:
                return shown(answer, one["name"])
        return None

    assert await victims(attack, anything) == {}


async def test_a_parameter_that_a_route_does_not_have_is_refused_by_name() -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        misspelt = {**operation.query, "serivce": "payment"}
        answer = await client.request(operation.method, path_of(operation), params=misspelt, headers=acme())
        is_refused = answer.status_code == 400 and "'serivce'" in answer.json()["detail"]
        return None if is_refused or operation.name == "finish_sign_in" else shown(answer, "serivce")

    assert await victims(attack, anything) == {}


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_cursor_that_we_never_gave_opens_nothing(cursor: str) -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        own = await Asker(client, acme()).ask(operation, filled(operation), params={"cursor": CURSORS[cursor]})
        return unless(is_sound(own, operation), own) or await stolen(client, operation, CURSORS[cursor])

    assert await victims(attack, is_paged) == {}


async def test_a_cursor_of_ours_with_a_bit_turned_opens_nothing() -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        genuine = await a_cursor(client)
        for place in range(0, len(genuine), 7):
            turned = genuine[:place] + chr(ord(genuine[place]) ^ 1) + genuine[place + 1 :]
            answer = await Asker(client, acme()).ask(operation, filled(operation), params={"cursor": turned})
            if not is_sound(answer, operation):
                return shown(answer, turned)
        return await stolen(client, operation, turned) or await stolen(client, operation, genuine)

    assert await victims(attack, is_paged) == {}


async def stolen(client: httpx.AsyncClient, operation: Operation, cursor: str) -> str | None:
    """What a cursor tells another tenant."""
    thief = Asker(client, globex())
    nothing = await thief.ask(operation, never(operation))
    answer = await thief.ask(operation, filled(operation), params={"cursor": cursor})
    is_good = is_sound(answer, operation) and not leaked(answer, nothing, filled(operation), [cursor])
    return unless(is_good, answer, cursor)


async def a_cursor(client: httpx.AsyncClient) -> str:
    answer = await client.get("/api/v1/incidents", params={"limit": 1}, headers=acme())
    cursor = answer.json()["cursor"]
    assert isinstance(cursor, str), "the world needs two incidents"
    return cursor


# Addresses and headers that the caller chooses.


async def test_no_answer_is_built_from_what_the_caller_says_of_itself() -> None:
    async def attack(client: httpx.AsyncClient, operation: Operation) -> str | None:
        answer = await Asker(client, acme()).ask(operation, filled(operation), headers=CHOSEN)
        location = answer.headers.get("location", "")
        is_ours = not location.startswith(("//", "\\")) and "://" not in location
        return unless(is_ours and EVIL not in f"{answer.headers} {answer.text}", answer, location)

    assert await victims(attack, anything, is_harmless=False) == {}


async def test_two_tokens_of_two_tenants_are_none() -> None:
    async with anew() as client:
        both = [("Authorization", one["Authorization"]) for one in (acme(), globex())]
        assert (await client.get("/api/v1/me", headers=both)).status_code == 401
        joined = {"Authorization": f"{acme()['Authorization']}, {globex()['Authorization']}"}
        assert (await client.get("/api/v1/me", headers=joined)).status_code == 401


async def test_an_incident_is_not_merged_into_one_of_another_tenant() -> None:
    operation = next(one for one in guarded() if one.name == "merge_incident")
    (foreign, *_) = world().pool.ids["inc"]
    async with anew() as client:
        before = world().kept()
        answer = await Asker(client, globex()).ask(operation, never(operation), body={"into": foreign})
        assert answer.status_code == 404
    assert world().kept() == before
