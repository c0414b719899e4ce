"""Walks the API by itself: finds every operation, a request that it would accept, and what a tenant has to be named.

Nothing here lists routes: a new one is walked as soon as it is served.
"""

import asyncio
import copy
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

from shared.access.roles import LEAST_ROLE
from shared.adapters.entra import EntraKeys
from shared.api import create_api
from shared.api.options import ApiOptions
from shared.api.pace import Rate
from shared.models.base import IncidentId
from shared.models.incidents import IncidentSummary
from shared.models.receipts import DeadLetter
from shared.models.tenants import Role
from shared.ports.services import Services
from tests.builders import ACME, NOON, an_incident
from tests.unit.access.issuer import ACME_TID, AUTHORITY, GLOBEX_TID, a_token
from tests.unit.api.serving import RECEIPT, bearer, two_tenants

PREFIX = "/api/v1"
MARK = "only-acme-has-this"
NEVER_HEX = "0f" * 12
ID = re.compile(r"(?P<kind>[a-z]+)-(?P<hex>[0-9a-f]{24}|[0-9a-f]{32})")
UNHURRIED = ApiOptions(requests=Rate(per_minute=10**9, burst=10**9))

Json = Any


@dataclass(frozen=True)
class Operation:
    """One operation of the OpenAPI document."""

    name: str
    method: str
    path: str
    document: Mapping[str, Any]

    @property
    def is_public(self) -> bool:
        """Whether it asks for no token."""
        return self.name not in LEAST_ROLE

    @property
    def is_read(self) -> bool:
        """Whether it only reads."""
        return self.method == "GET"

    @property
    def parameters(self) -> list[str]:
        """The names in its path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def body(self) -> Json:
        """The example of its JSON body, None when it takes none."""
        content = self.document.get("requestBody", {}).get("content", {}).get("application/json")
        return None if content is None else copy.deepcopy(example_of(content))

    def schema_of(self, parameter: str, where: str) -> dict[str, Any]:
        """The schema of a parameter, with its reference followed."""
        listed = self.document.get("parameters", ())
        found = next((one for one in listed if (one["name"], one["in"]) == (parameter, where)), {"schema": {}})
        return followed(found["schema"])

    @property
    def query(self) -> dict[str, str]:
        """The least that its query must say."""
        needed = [one for one in self.document.get("parameters", ()) if one["in"] == "query" and one.get("required")]
        return {one["name"]: str(one.get("example") or example_of(one)) for one in needed}

    @property
    def model(self) -> dict[str, Any]:
        """The schema of its JSON body."""
        schema = self.document.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        return followed(schema)


def followed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema, or the one that it refers to."""
    reference = str(schema.get("$ref", ""))
    return document()["components"]["schemas"][reference.rpartition("/")[2]] if reference else dict(schema)


def example_of(content: Mapping[str, Any]) -> Json:
    """The example of a parameter or a body, made from its schema where the document shows none."""
    if "example" in content:
        return content["example"]
    for one in content.get("examples", {}).values():
        return one["value"]
    return made_for(content["schema"])


def made_for(schema: Mapping[str, Any]) -> Json:
    """The least that a schema accepts, as far as types, enums and references tell."""
    schema = followed(schema)
    shown = [schema[key] for key in ("example", "const", "default") if key in schema]
    shown += [schema[key][0] for key in ("examples", "enum") if schema.get(key)]
    shown += [made_for(schema[key][0]) for key in ("anyOf", "oneOf", "allOf") if schema.get(key)]
    return shown[0] if shown else _typed(schema)


def _typed(schema: Mapping[str, Any]) -> Json:
    match schema.get("type"):
        case "object":
            return {one: made_for(schema["properties"][one]) for one in schema.get("required", ())}
        case "array":
            return [made_for(schema["items"]) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return _text_for(schema)


def _text_for(schema: Mapping[str, Any]) -> str:
    formats = {"date-time": NOON.isoformat(), "date": "2026-11-23", "uri": "https://example.com/"}
    kind = re.match(r"\^\(?([a-z]+)-", str(schema.get("pattern", "")))
    if kind:
        return f"{kind[1]}-{NEVER_HEX}"
    usual = "payment"[: schema.get("maxLength", 7)].ljust(schema.get("minLength", 0), "x")
    return formats.get(str(schema.get("format")), usual)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of the whole API."""
    # Only described, never served: what it is wired to does not matter.
    return create_api(services=None, authenticator=None).openapi()  # type: ignore[arg-type]


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation of the document."""
    return tuple(
        Operation(operation["operationId"], method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    )


def guarded() -> tuple[Operation, ...]:
    """Every operation that asks for a token."""
    return tuple(one for one in operations() if not one.is_public)


@dataclass
class Pool:
    """What a tenant has to be named in a request, by the name it is known under and by the kind of its id."""

    named: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def learn(self, answer: Json, under: str = "") -> None:
        """Everything in an answer that could be a parameter."""
        match answer:
            case dict():
                for name, value in answer.items():
                    self.learn(value, f"{under}_id" if name == "id" else name)
            case list():
                for one in answer:
                    self.learn(one, _singular(under))
            case str() if answer:
                self._add(under, answer)

    def _add(self, under: str, text: str) -> None:
        if text not in self.named[under]:
            self.named[under].append(text)
        found = ID.fullmatch(text)
        if found and text not in self.ids[found["kind"]]:
            self.ids[found["kind"]].append(text)

    def values(self, parameter: str) -> list[str]:
        """What could stand for a path's parameter."""
        exact = self.named.get(parameter) or self.named.get(f"{parameter}_name")
        if exact:
            return exact
        return next((found for name, found in self.named.items() if name.endswith(f"_{parameter}") and found), [])


def _singular(plural: str) -> str:
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    return plural.removesuffix("s")


@dataclass
class Asker:
    """Asks operations with one token."""

    client: httpx.AsyncClient
    headers: Mapping[str, str]

    async def ask(
        self, operation: Operation, filled: Mapping[str, str], *, body: Json = None, **more: Any
    ) -> httpx.Response:
        """Ask an operation with these path parameters; its body is the example unless another is given."""
        path = operation.path
        for name, value in filled.items():
            path = path.replace(f"{{{name}}}", value)
        wanted = operation.body if body is None else body
        content: dict[str, Any] = {} if wanted is None else {"json": wanted}
        headers = {**self.headers, **more.pop("headers", {})}
        params = {**operation.query, **more.pop("params", {})}
        url = f"http://api.test{path}"
        return await self.client.request(operation.method, url, params=params, headers=headers, **content, **more)


def fillings(operation: Operation, pool: Pool, *, most: int = 2) -> list[dict[str, str]]:
    """Ways to fill an operation's path with what a tenant has, at most so many values a parameter."""
    ways: list[dict[str, str]] = [{}]
    for name in operation.parameters:
        values = operation.schema_of(name, "path").get("enum") or pool.values(name)[:most]
        ways = [{**way, name: value} for way in ways for value in values]
    return ways


def never(operation: Operation) -> dict[str, str]:
    """The path filled with ids as ours look, which nobody has."""
    return {name: _never(operation, name) for name in operation.parameters}


def _never(operation: Operation, name: str) -> str:
    enum = operation.schema_of(name, "path").get("enum")
    if enum:
        return str(enum[0])
    known = world().pool.values(name)
    found = ID.fullmatch(known[0]) if known else None
    return f"{found['kind']}-{('0f' * 16)[: len(found['hex'])]}" if found else "nobody-has-this"


def texts(answer: Json) -> Iterator[str]:
    """Every text in an answer; what is shorter than 6 characters tells nothing."""
    match answer:
        case dict():
            for one in answer.values():
                yield from texts(one)
        case list():
            for one in answer:
                yield from texts(one)
        case str() if len(answer) >= 6:
            yield answer


def leaves(body: Json) -> Iterator[str]:
    """Every text of a request's body, names included."""
    match body:
        case dict():
            for name, one in body.items():
                yield name
                yield from leaves(one)
        case list():
            for one in body:
                yield from leaves(one)
        case str():
            yield body


def with_ids_of(body: Json, pool: Pool) -> Json:
    """A body in which every id of ours is one that the other tenant has."""
    match body:
        case dict():
            return {name: with_ids_of(one, pool) for name, one in body.items()}
        case list():
            return [with_ids_of(one, pool) for one in body]
        case str():
            found = ID.fullmatch(body)
            return next(iter(pool.ids.get(found["kind"], [])), body) if found else body
        case _:
            return body


def _marked(body: Json) -> Json:
    match body:
        case dict():
            return {name: _marked(one) for name, one in body.items()}
        case list():
            return [_marked(one) for one in body]
        case str() if body.isascii() and " " in body:
            return f"{body} {MARK}"
        case _:
            return body


@dataclass(frozen=True)
class World:
    """Acme, which has one of everything that can be made, and Globex, which has nothing."""

    services: Services
    app: FastAPI
    pool: Pool
    answers: Mapping[str, list[Json]]
    """Everything that Acme's admin can read, by operation."""
    pristine: Services
    """The services as they were made."""

    def renew(self) -> None:
        """Forget what was done to the services. Building them and the app anew would take ten times as long."""
        made = copy.deepcopy({one.name: getattr(self.pristine, one.name) for one in fields(Services)})
        for name, port in made.items():
            if hasattr(port, "__dict__"):
                held = vars(getattr(self.services, name))
                held.clear()
                held.update(vars(port))

    def kept(self, tenant_id: str = ACME) -> set[str]:
        """What the stores and queues hold of a tenant."""
        return kept_of(self.services, tenant_id)


@cache
def world() -> World:
    """Made once; use it through `anew`."""
    return asyncio.run(_made())


@asynccontextmanager
async def anew() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API on the world as it was made."""
    world().renew()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(world().app), base_url="http://api.test") as client:
        yield client


@cache
def token_of(tid: str, role: Role) -> Mapping[str, str]:
    """The header of somebody of a tenant in a role."""
    return bearer(a_token(tid=tid, roles=[role.value]))


def acme(role: Role = Role.ADMIN) -> Mapping[str, str]:
    """Somebody of the tenant that has everything."""
    return token_of(ACME_TID, role)


def globex(role: Role = Role.ADMIN) -> Mapping[str, str]:
    """Somebody of the other tenant, who is up to no good."""
    return token_of(GLOBEX_TID, role)


async def _made() -> World:
    served = replace(await two_tenants(), options=UNHURRIED)
    for number in range(2):
        await served.services.dead_letters.add(ACME, _a_letter(number))
        await served.services.incident_list.put(ACME, IncidentSummary.of(an_incident(incident_id=_incident(number))))
    app = served.app(EntraKeys(AUTHORITY, served.endpoint.client(), clock=served.clock))
    pool, answers = Pool(), defaultdict[str, list[Json]](list)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        admin = Asker(client, acme())
        for operation in guarded():
            if operation.method == "POST" and not operation.parameters and operation.body is not None:
                await _create(admin, operation)
        # What is read by name may name more: twice is as deep as paths go.
        for _ in range(2):
            await _read_all(admin, pool, answers)
    return World(served.services, app, pool, dict(answers), copy.deepcopy(served.services))


async def _create(admin: Asker, operation: Operation) -> None:
    answer = await admin.ask(operation, {}, body=_marked(operation.body))
    if answer.status_code == httpx.codes.BAD_REQUEST:
        await admin.ask(operation, {})


async def _read_all(admin: Asker, pool: Pool, answers: dict[str, list[Json]]) -> None:
    for operation in guarded():
        if not operation.is_read:
            continue
        answers[operation.name].clear()
        for query in queries_of(operation):
            for filled in fillings(operation, pool, most=3):
                answer = await admin.ask(operation, filled, params=query)
                if answer.is_success and "json" in answer.headers.get("content-type", ""):
                    answers[operation.name].append(answer.json())
                    pool.learn(_as_listed(operation, answer.json()))


def queries_of(operation: Operation) -> list[dict[str, str]]:
    """The queries that reach everything: each value of what must be chosen."""
    needed = [one for one in operation.document.get("parameters", ()) if one["in"] == "query" and one.get("required")]
    ways: list[dict[str, str]] = [{}]
    for one in needed:
        values = followed(one["schema"]).get("enum") or [example_of(one)]
        ways = [{**way, one["name"]: str(value)} for way in ways for value in values]
    return ways


def _as_listed(operation: Operation, answer: Json) -> Json:
    """An answer under the name of what it is of: items of `/dead-letters` are `dead_letter`s."""
    segments = [one for one in operation.path.removeprefix(PREFIX).split("/") if one and not one.startswith("{")]
    name = _singular(segments[-1].replace("-", "_"))
    if isinstance(answer, dict) and isinstance(answer.get("items"), list):
        return {name: answer["items"]}
    return {name: answer}


def _incident(number: int) -> IncidentId:
    return IncidentId(f"inc-{number:024x}")


def _a_letter(number: int) -> DeadLetter:
    return DeadLetter(
        id=f"dead-{number:024x}",
        tenant_id=ACME,
        queue="signals",
        stage="signals",
        reason="not_json",
        error="Malformed",
        detail=f"the body is not JSON {MARK}",
        attempt=7,
        receipt_id=RECEIPT,
        payload_pointer=None,
        message=None,
        recorded_at=NOON,
    )


def kept_of(services: Services, tenant_id: str) -> set[str]:
    """Every text that the stores and queues in memory hold of a tenant: documents and messages alike."""
    return {one for one in _texts_in(vars(services), set()) if f'"{tenant_id}"' in one}


def _texts_in(found: object, seen: set[int]) -> Iterator[str]:
    if isinstance(found, str | bytes):
        yield found if isinstance(found, str) else found.decode(errors="replace")
    if isinstance(found, str | bytes | int | float | None) or id(found) in seen:
        return
    seen.add(id(found))
    if isinstance(found, BaseModel):
        yield found.model_dump_json()
    elif isinstance(found, Mapping):
        yield from _each(found.values(), seen)
    elif isinstance(found, list | tuple | set | frozenset | deque):
        yield from _each(found, seen)
    elif hasattr(found, "__dict__"):
        yield from _each(vars(found).values(), seen)


def _each(many: Iterable[object], seen: set[int]) -> Iterator[str]:
    for one in many:
        yield from _texts_in(one, seen)


def leaked(answer: httpx.Response, nothing: httpx.Response, *asked: object) -> set[str]:
    """The texts of an answer that only Acme has: without what a stranger is told anyway, and what was asked."""
    if not answer.content or "json" not in answer.headers["Content-Type"]:
        return {answer.text for one in only_acme_has() if one in answer.text}
    told = set(texts(answer.json())) - set(texts(nothing.json())) - {one for some in asked for one in leaves(some)}
    return {one for one in told if any(secret in one for secret in only_acme_has())}


@cache
def only_acme_has() -> frozenset[str]:
    """Every text that Acme's admin can read, without those of the OpenAPI document: they are no secret."""
    readable = {one for answers in world().answers.values() for one in texts(answers)}
    return frozenset(readable - set(texts(document())))
