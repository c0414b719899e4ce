"""Walks the API by itself: what a tenant has that a request could name is found in what it can read."""

import asyncio
import copy
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

from shared.adapters.entra import EntraKeys
from shared.api.options import ApiOptions
from shared.api.pace import Rate
from shared.models.base import IncidentId, document_id
from shared.models.conventions import ServiceAliases, ServiceNames
from shared.models.incidents import IncidentSummary
from shared.models.receipts import DeadLetter
from shared.models.tenants import Inbound, InboundSecret, Role, Scheme
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, a_calibration, a_feedback, a_resolution, a_user, an_incident, an_integration
from tests.unit.access.issuer import ACME_TID, AUTHORITY, GLOBEX_TID, a_token
from tests.unit.api.operations import Json, Operation, document, example_of, followed, guarded
from tests.unit.api.serving import ANSWER, INCIDENT, INTEGRATION, RECEIPT, SNAPSHOT, bearer, two_tenants

PREFIX = "/api/v1"
MARK = "only-acme-has-this"
DANA = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
"""Whose tokens `a_token` makes."""
ID = re.compile(r"(?P<kind>[a-z]+)-(?P<hex>[0-9a-f]{24}|[0-9a-f]{32})")
UNHURRIED = ApiOptions(requests=Rate(per_minute=10**9, burst=10**9))


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
    # On a thread of its own, for a test that asks for it first runs in a loop.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _made()).result()


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
    await served.services.records.create(ACME, an_integration(id=INTEGRATION, name=MARK, inbound=_inbound()))
    await served.services.records.create(ACME, a_user(Role.ADMIN, entra_object_id=DANA, full_name=MARK))
    aliases = (ServiceAliases(service="payment", aliases=(MARK,)),)
    names = ServiceNames.none_yet(ACME, now=NOON).model_copy(update={"services": aliases})
    await served.services.records.create(ACME, names)
    await served.services.raw.put(ACME, RECEIPT, MARK.encode())
    await _say(served.services)
    await served.services.labels.keep_calibration(ACME, a_calibration(version=MARK))
    app = served.app(EntraKeys(AUTHORITY, served.endpoint.client(), clock=served.clock))
    pool, answers = Pool(), defaultdict[str, list[Json]](list)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        admin = Asker(client, acme())
        for operation in guarded():
            # Of some things a tenant has one, which is put there.
            if operation.method in ("POST", "PUT") and not operation.parameters and operation.body is not None:
                await _create(admin, operation)
        # What is read by name may name more: twice is as deep as paths go.
        for _ in range(2):
            await _read_all(admin, pool, answers)
    return World(served.services, app, pool, dict(answers), copy.deepcopy(served.services))


async def _say(services: Services) -> None:
    """What people said of Acme's incident."""
    held = await services.incidents.read(ACME, INCIDENT)
    if held is None:
        raise AssertionError("Acme's incident is not there")
    given = a_feedback(incident_id=INCIDENT, hypotheses_id=ANSWER, snapshot_id=SNAPSHOT, note=MARK)
    named = a_resolution(incident_id=INCIDENT, hypotheses_id=ANSWER, snapshot_id=SNAPSHOT, fixed_by=MARK)
    await services.incidents.commit(ACME, IncidentChange(held.value, held.etag, said=[given, named]))


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


def _inbound() -> Inbound:
    secret = InboundSecret(secret_id=document_id("sec", MARK), created_at=NOON, token_hash="0" * 64)
    return Inbound(schemes=(Scheme.BEARER,), secrets=(secret,))


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
    """Every text that the stores and queues in memory hold of a tenant: documents and messages alike.

    That somebody looked at something is left out: it is written down, and is no change.
    """
    held = (one for one in _texts_in(vars(services), set()) if f'"{tenant_id}"' in one)
    return {one for one in held if '"action": "view"' not in one}


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
