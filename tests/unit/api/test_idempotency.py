"""Idempotency-Key: a repeat is answered and not done again, another request refused, and a broken one run again."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.access.idempotency import MAX_ANSWER_BYTES, Meeting, fingerprint, first_claim, meet
from shared.access.principals import Principal
from shared.access.roles import LEAST_ROLE
from shared.api.boundary import Boundary
from shared.api.idempotency import SECRET_ANSWERS, install_idempotency, take_key
from shared.api.problems import install_problems
from shared.errors import StoreUnavailable
from shared.models.base import IncidentId, TenantId, document_id
from shared.models.correlation import ServiceNode
from shared.models.requests import KEPT_FOR, LEASE, RequestClaim, RequestState
from shared.models.tenants import Integration, Role
from shared.ports.stores import Claim, IncidentChange
from tests.builders import ACME, NOON, ONE_SECOND, an_incident
from tests.unit.access.issuer import GLOBEX_TID, OBJECT_ID, a_token
from tests.unit.api.serving import INCIDENT, Served, bearer

NOTE = {"text": "Looking."}
NOTES = f"/incidents/{INCIDENT}/notes"


async def post(
    served: Served, path: str = NOTES, body: Any = NOTE, *, key: str | None = "key-1", **headers: str
) -> httpx.Response:
    keyed = {"Idempotency-Key": key} if key is not None else {}
    async with served.client() as client:
        return await client.post(path, json=body, headers={**keyed, **headers})


async def notes(served: Served) -> int:
    held = await served.services.incidents.read(ACME, INCIDENT)
    assert held is not None
    return held.value.note_count


async def claim_of(served: Served, operation: str = "add_note", key: str = "key-1") -> RequestClaim | None:
    held = await served.services.claims.request(ACME, RequestClaim.id_for(OBJECT_ID, operation, key))
    return held.value if held else None


async def test_a_repeat_is_answered_as_the_first_and_not_done_again(served: Served) -> None:
    first, repeat = await post(served), await post(served)
    assert (repeat.status_code, repeat.content) == (first.status_code, first.content) == (201, first.content)
    for name in ("etag", "content-type"):
        assert repeat.headers[name] == first.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert repeat.headers["idempotency-replayed"] == "true"
    assert repeat.headers["x-request-id"] != first.headers["x-request-id"]
    assert await notes(served) == 1


async def test_without_a_key_each_request_is_one_of_its_own(served: Served) -> None:
    await post(served, key=None)
    await post(served, key=None)
    assert await notes(served) == 2


async def test_a_key_in_the_quotes_of_a_structured_field_is_the_same_key(served: Served) -> None:
    await post(served, key='"key-1"')
    await post(served, key="key-1")
    assert await notes(served) == 1


async def test_a_key_that_is_none_is_400(served: Served) -> None:
    async with served.client() as client:
        for key in ("", " ", '""', "x" * 65, "a b", "sch\u00f6n", "a\tb"):
            headers = [*client.headers.raw, (b"Idempotency-Key", key.encode())]
            refused = await client.post(NOTES, json=NOTE, headers=headers)
            assert (refused.status_code, "Idempotency-Key" in refused.json()["detail"]) == (400, True), key
    assert await notes(served) == 0


async def test_two_keys_in_one_request_are_400(served: Served) -> None:
    async with served.client() as client:
        headers = [*client.headers.raw, (b"Idempotency-Key", b"a"), (b"Idempotency-Key", b"b")]
        assert (await client.post(NOTES, json=NOTE, headers=headers)).status_code == 400


async def test_a_key_that_was_used_for_another_request_is_422(served: Served) -> None:
    await post(served)
    refused = await post(served, body={"text": "Other."})
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:sre-copilot:problem:key-used-for-another-request"
    assert await notes(served) == 1


async def test_the_same_key_on_another_route_or_of_another_user_is_another_key(served: Served) -> None:
    await post(served)
    assert (await post(served, path=f"/incidents/{INCIDENT}/acknowledge", body=None)).status_code == 200
    other = bearer(a_token(oid="ffffffff-ffff-4fff-8fff-ffffffffffff"))
    assert (await post(served, **other)).status_code == 201
    assert await notes(served) == 2


async def test_another_tenants_key_tells_nothing(served: Served) -> None:
    await post(served)
    stranger = bearer(a_token(tid=GLOBEX_TID))
    assert (await post(served, **stranger)).status_code == 404


async def test_authorisation_comes_first(served: Served) -> None:
    await post(served)
    for headers, status in ((bearer(a_token(roles=["viewer"])), 403), (bearer("x"), 401)):
        for body in (NOTE, {"text": "Other."}):
            assert (await post(served, body=body, **headers)).status_code == status
    assert await claim_of(served, key="key-2") is None


async def test_a_copy_that_comes_while_the_first_is_under_way_is_409(served: Served) -> None:
    answers = await asyncio.gather(*(post(slowed(served)) for _ in range(3)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    for refused in (one for one in answers if one.status_code == 409):
        assert refused.json()["reason"] == "request_under_way"
        assert int(refused.headers["retry-after"]) >= 1
    assert await notes(served) == 1


def slowed(served: Served) -> Served:
    """Every read of the directory lets others run."""
    return served.without(directory=Slow(served.services.directory))


class Slow:
    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0.02)
            return await getattr(self._port, name)(*args, **kwargs)

        return call


async def test_what_was_refused_may_be_asked_again_with_its_key(served: Served) -> None:
    path, body = f"/incidents/{INCIDENT}/state", {"state": "resolved"}
    assert (await post(served, path, body)).status_code == 409
    held = await served.services.incidents.read(ACME, INCIDENT)
    assert held is not None
    calm = held.value.model_copy(update={"firing_count": 0, "version": 2})
    await served.services.incidents.commit(ACME, IncidentChange(calm, held.etag))
    assert (await post(served, path, body)).status_code == 200


class Failing:
    """A list that cannot be written."""

    async def put(self, *_: Any) -> None:
        raise StoreUnavailable("down")


async def test_a_request_that_broke_off_after_its_write_is_run_again_and_finds_it_done(served: Served) -> None:
    assert (await post(served.without(incident_list=Failing()), **{"If-Match": '"v1"'})).status_code == 503
    assert await notes(served) == 1
    assert (await post(served, **{"If-Match": '"v1"'})).status_code == 201
    assert await notes(served) == 1


class Forgetful:
    """Claims that take no request's answer."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    async def replace(self, tenant_id: TenantId, claim: Claim, etag: str) -> str:
        if isinstance(claim, RequestClaim):
            raise StoreUnavailable("down")
        return str(await self._port.replace(tenant_id, claim, etag))


RUNBOOK = {"title": "Payment is slow", "body": "Look."}
POLICY = {
    "name": "Night",
    "parameters": {"starts_at": "2026-11-23T22:00:00Z", "ends_at": "2026-11-23T23:00:00Z"},
}
ALERTMANAGER = {"integration_type": "alertmanager", "name": "Production"}
ADMIN = bearer(a_token(roles=["admin"]))


async def broken_off(served: Served, path: str, body: Any, **headers: str) -> list[httpx.Response]:
    """What an admin's request is answered with whose worker did not live to keep its answer, and its repeat."""
    first = await post(served.without(claims=Forgetful(served.services.claims)), path, body, **ADMIN, **headers)
    for operation in LEAST_ROLE:
        held = await served.services.claims.request(ACME, RequestClaim.id_for(OBJECT_ID, operation, "key-1"))
        if held:
            lapsed = held.value.model_copy(update={"lease_until": datetime.now(UTC) - ONE_SECOND})
            await served.services.claims.replace(ACME, lapsed, held.etag)
    return [first, await post(served, path, body, **ADMIN, **headers)]


@pytest.mark.parametrize(
    ("path", "body"), [("/runbooks", RUNBOOK), ("/policies", POLICY), ("/changes", {"service": "payment"})]
)
async def test_what_a_worker_made_before_it_stopped_is_not_made_again(served: Served, path: str, body: Any) -> None:
    first, again = await broken_off(served, path, body)
    assert (first.status_code, again.status_code, again.json()["id"]) == (201, 201, first.json()["id"])
    async with served.client(headers=ADMIN) as client:
        assert len((await client.get(path)).json()["items"]) == 1


async def test_an_integration_that_was_made_is_not_made_again_although_its_secret_was_never_shown(
    served: Served,
) -> None:
    first, again = await broken_off(served, "/integrations", ALERTMANAGER)
    assert (first.status_code, again.status_code, again.json()["reason"]) == (201, 409, "done_before")
    page = await served.services.records.page(ACME, Integration, limit=10)
    assert [held.value.id for held in page.items] == [first.json()["integration"]["id"]]


async def test_a_secret_that_was_added_is_not_added_again(served: Served) -> None:
    made = await post(served, "/integrations", ALERTMANAGER, key=None, **ADMIN)
    path = f"/integrations/{made.json()['integration']['id']}/secrets"
    first, again = await broken_off(served, path, {}, **{"If-Match": made.headers["etag"]})
    assert (first.status_code, again.status_code, again.json()["reason"]) == (201, 409, "done_before")


async def test_what_was_switched_off_before_the_worker_stopped_is_found_switched_off(served: Served) -> None:
    made = await post(served, "/integrations", ALERTMANAGER, key=None, **ADMIN)
    path = f"/integrations/{made.json()['integration']['id']}/deactivate"
    answers = await broken_off(served, path, None, **{"If-Match": made.headers["etag"]})
    assert [one.status_code for one in answers] == [200, 200]


async def test_a_merge_that_was_made_before_the_worker_stopped_is_found_made(served: Served) -> None:
    node = ServiceNode(service_name="search", first_started_at=NOON, last_started_at=NOON, severity="critical")
    other = an_incident(incident_id=IncidentId(document_id("inc", "search")), service_name="search", services=(node,))
    await served.services.incidents.commit(ACME, IncidentChange(other, None))
    path = f"/incidents/{other.incident_id}/merge"
    answers = await broken_off(served, path, {"into": INCIDENT}, **{"If-Match": '"v1"'})
    assert [(one.status_code, one.json()["incident_id"]) for one in answers] == [(200, INCIDENT)] * 2


async def test_a_worker_that_vanished_holds_its_key_for_a_minute_only(served: Served) -> None:
    await post(served)
    claim_id = RequestClaim.id_for(OBJECT_ID, "add_note", "key-1")
    held = await served.services.claims.request(ACME, claim_id)
    assert held is not None
    vanished = {"state": RequestState.UNDER_WAY, "lease_until": datetime.now(UTC) + LEASE}
    etag = await served.services.claims.replace(ACME, held.value.model_copy(update=vanished), held.etag)
    assert (await post(served)).status_code == 409
    lapsed = {"state": RequestState.UNDER_WAY, "lease_until": datetime.now(UTC) - ONE_SECOND}
    await served.services.claims.replace(ACME, held.value.model_copy(update=lapsed), etag)
    assert (await post(served)).status_code == 201
    assert await notes(served) == 1


async def test_an_answer_that_cannot_be_kept_is_given_nevertheless(served: Served) -> None:
    assert (await post(served.without(claims=Forgetful(served.services.claims)))).status_code == 201
    assert await notes(served) == 1


async def test_a_secret_answer_is_never_kept(served: Served) -> None:
    for operation in SECRET_ANSWERS:
        first, repeat = await answered_by(served, operation, "s3cret")
        assert (first.status_code, first.text) == (200, '"s3cret"')
        assert (repeat.status_code, repeat.json()["reason"]) == (409, "done_before")
        claim = await claim_of(served, operation)
        assert claim is not None
        assert "s3cret" not in claim.model_dump_json()


async def test_an_answer_that_is_too_large_is_not_kept(served: Served) -> None:
    first, repeat = await answered_by(served, "add_note", "x" * MAX_ANSWER_BYTES)
    assert (first.status_code, repeat.status_code) == (200, 409)
    assert "too large" in repeat.json()["detail"]


async def answered_by(served: Served, operation: str, answer: str) -> list[httpx.Response]:
    """What two requests with the same key are answered with by an operation that answers with this."""
    api = FastAPI()
    api.state.services = served.services

    @api.post("/done")
    async def done(request: Request) -> str:
        await take_key(request, Principal(ACME, OBJECT_ID, "", Role.ADMIN), operation)
        return answer

    install_problems(api)
    install_idempotency(api)
    api.add_middleware(Boundary)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://api.test") as client:
        return [await client.post("/done", headers={"Idempotency-Key": "key-1"}) for _ in range(2)]


FIRST = first_claim(ACME, "request-1", "mark", now=NOON)
DONE = FIRST.done(200, {}, "{}")


@pytest.mark.parametrize(
    ("held", "mark", "after", "met"),
    [
        (FIRST, "mark", LEASE - ONE_SECOND, Meeting.UNDER_WAY),
        (FIRST, "mark", LEASE, Meeting.RUN_AGAIN),
        (FIRST.failed(), "mark", timedelta(), Meeting.RUN_AGAIN),
        (DONE, "mark", timedelta(), Meeting.DONE),
        (DONE, "other", timedelta(), Meeting.ANOTHER_REQUEST),
        (FIRST.failed(), "other", timedelta(), Meeting.ANOTHER_REQUEST),
        (DONE, "mark", KEPT_FOR, Meeting.EXPIRED),
        (DONE, "other", KEPT_FOR, Meeting.EXPIRED),
    ],
)
def test_what_a_request_finds_under_its_key(held: RequestClaim, mark: str, after: timedelta, met: Meeting) -> None:
    assert meet(held, mark, now=NOON + after) is met


def test_a_forgotten_key_begins_a_new_run() -> None:
    assert first_claim(ACME, "request-1", "mark", now=NOON + KEPT_FOR).run_id != FIRST.run_id
    assert FIRST.again(now=NOON + LEASE).run_id == FIRST.run_id


def test_requests_are_told_apart_by_method_path_query_and_body() -> None:
    marks = {
        fingerprint("POST", "/a", "", b""),
        fingerprint("PUT", "/a", "", b""),
        fingerprint("POST", "/b", "", b""),
        fingerprint("POST", "/a", "x", b""),
        fingerprint("POST", "/a", "", b"x"),
        fingerprint("POST", "/a", "x\n", b""),
    }
    assert len(marks) == 6
