"""Dead letters over HTTP: who sees what failed, who decides on it, and that deciding twice is harmless."""

from typing import Any

import httpx
import pytest

from shared.adapters.memory import MemoryQueues
from shared.errors import QueueUnavailable
from shared.messages import Ingest, QueueName
from shared.models.base import ReceiptId, TenantId, document_id
from shared.models.receipts import DeadLetter, LetterState
from shared.models.signals import Source
from shared.pipeline.dead_letters import UNREADABLE_TENANT
from tests.builders import ACME, NOON, ONE_SECOND
from tests.unit.access.issuer import GLOBEX_TID, OBJECT_ID, a_token
from tests.unit.api.serving import RECEIPT, Served, Untouched, bearer

ADMIN = bearer(a_token(roles=["admin"]))
FOREIGN = bearer(a_token(tid=GLOBEX_TID, roles=["admin"]))


class DownQueues(MemoryQueues):
    """Cannot be written."""

    async def send_raw(self, queue: str, body: bytes, *, delay_seconds: float = 0) -> None:
        raise QueueUnavailable("down")


def an_id(name: str) -> str:
    return document_id("dead", name)


def a_message(receipt: str = RECEIPT) -> str:
    message = Ingest(
        tenant_id=ACME,
        receipt_id=ReceiptId(receipt),
        correlation_id=receipt,
        integration_id="int-1",
        source=Source.ALERTMANAGER,
        received_at=NOON,
        attempt=7,
    )
    return message.with_body(b"not json").encode().decode()


async def keep(served: Served, name: str, **changes: Any) -> str:
    """Keep a letter of Acme and return its id."""
    fields: dict[str, Any] = {
        "id": an_id(name),
        "tenant_id": ACME,
        "queue": "signals",
        "stage": "signals",
        "reason": "not_json",
        "error": "Malformed",
        "detail": "the body is not JSON",
        "attempt": 7,
        "receipt_id": RECEIPT,
        "payload_pointer": None,
        "message": a_message(),
        "recorded_at": NOON,
    }
    letter = DeadLetter(**{**fields, **changes})
    await served.services.dead_letters.add(letter.tenant_id, letter)
    return letter.id


async def post(served: Served, path: str, body: Any = None, headers: dict[str, str] = ADMIN) -> httpx.Response:
    async with served.client(headers=headers) as client:
        return await client.post(f"/dead-letters{path}", json=body)


def sent(served: Served) -> list[Ingest]:
    assert isinstance(served.services.queues, MemoryQueues)
    return [Ingest.decode(one.body) for one in served.services.queues.waiting["signals"]]


async def shown(served: Served, path: str) -> Any:
    """What an admin's GET is answered with; it must be 200."""
    async with served.client(headers=ADMIN) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_list_shows_what_failed_newest_first_without_its_messages(served: Served) -> None:
    old = await keep(served, "old")
    new = await keep(served, "new", recorded_at=NOON + ONE_SECOND, reason="too_deep")
    page = await shown(served, "/dead-letters?queue=signals")
    assert [one["id"] for one in page["items"]] == [new, old]
    assert (page["items"][0]["reason"], page["items"][0]["attempts"], page["cursor"]) == ("too_deep", 7, None)
    assert "message" not in page["items"][0]


async def test_the_list_is_of_one_queue_and_can_be_narrowed(served: Served) -> None:
    await keep(served, "open")
    given_up = await keep(served, "given-up", state=LetterState.DISCARDED)
    other = await keep(served, "other", queue="context", reason="incident_gone")
    listed = await shown(served, "/dead-letters?queue=signals&state=discarded")
    assert [one["id"] for one in listed["items"]] == [given_up]
    assert (await shown(served, "/dead-letters?queue=signals&reason=incident_gone"))["items"] == []
    listed = await shown(served, "/dead-letters?queue=context&reason=incident_gone")
    assert [one["id"] for one in listed["items"]] == [other]


async def test_the_list_goes_on_from_its_cursor(served: Served) -> None:
    ids = [await keep(served, str(number), recorded_at=NOON + number * ONE_SECOND) for number in range(5)]
    first = await shown(served, "/dead-letters?queue=signals&limit=3")
    rest = await shown(served, f"/dead-letters?queue=signals&limit=3&cursor={first['cursor']}")
    assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]
    assert rest["cursor"] is None


@pytest.mark.parametrize(
    "query", ["", "queue=", "queue=signals-poison", "queue=signals&state=x", "queue=signals&cursor=x"]
)
async def test_a_list_that_makes_no_sense_is_400(served: Served, query: str) -> None:
    async with served.client(headers=ADMIN) as client:
        assert (await client.get(f"/dead-letters?{query}")).status_code == 400


async def test_a_letter_shows_its_message(served: Served) -> None:
    letter_id = await keep(served, "one")
    letter = await shown(served, f"/dead-letters/signals/{letter_id}")
    assert Ingest.decode(letter["message"].encode()).inline_body() == b"not json"
    assert (letter["error"], letter["state"], letter["receipt_id"]) == ("Malformed", "open", RECEIPT)


async def test_a_re_drive_sends_the_message_again_as_a_first_attempt_and_says_who_did(served: Served) -> None:
    letter_id = await keep(served, "one")
    answer = await post(served, f"/signals/{letter_id}/redrive")
    assert answer.json() == {"id": letter_id, "decided": "sent", "state": "redriven"}
    (message,) = sent(served)
    assert (message.receipt_id, message.attempt, message.redrives) == (RECEIPT, 1, 1)
    letter = await shown(served, f"/dead-letters/signals/{letter_id}")
    assert (letter["state"], letter["decided_by"], letter["redrives"]) == ("redriven", OBJECT_ID, 1)
    assert letter["decided_at"] is not None


async def test_re_driving_twice_sends_once(served: Served) -> None:
    letter_id = await keep(served, "one")
    for decided in ("sent", "unchanged"):
        answer = (await post(served, f"/signals/{letter_id}/redrive")).json()
        assert (answer["decided"], answer["state"]) == (decided, "redriven")
    assert len(sent(served)) == 1


async def test_a_queue_that_is_down_is_503_and_the_letter_stays_open(served: Served) -> None:
    letter_id = await keep(served, "one")
    answer = await post(served.without(queues=DownQueues()), f"/signals/{letter_id}/redrive")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert (await shown(served, f"/dead-letters/signals/{letter_id}"))["state"] == "open"


@pytest.mark.parametrize("message", [None, "", "junk", '{"schema_version":9}'])
async def test_a_letter_whose_message_cannot_be_read_cannot_be_re_driven(served: Served, message: str | None) -> None:
    letter_id = await keep(served, "one", message=message)
    answer = await post(served, f"/signals/{letter_id}/redrive")
    assert (answer.status_code, "cannot be re-driven" in answer.json()["detail"]) == (400, True)
    assert sent(served) == []


async def test_many_are_re_driven_by_their_ids_and_each_says_what_became_of_it(served: Served) -> None:
    good = await keep(served, "good")
    junk = await keep(served, "junk", message="junk")
    absent = an_id("absent")
    answer = (await post(served, "/redrive", {"queue": "signals", "ids": [good, good, junk, absent]})).json()
    assert answer == {
        "sent": 1,
        "letters": [
            {"id": good, "decided": "sent", "state": "redriven"},
            {"id": junk, "decided": "not_redrivable", "state": "open"},
            {"id": absent, "decided": "not_there", "state": None},
        ],
        "cursor": None,
    }


async def test_all_open_ones_with_a_reason_are_re_driven_call_by_call(served: Served) -> None:
    for number in range(5):
        await keep(served, str(number), message=a_message(f"rcp-{number}"), recorded_at=NOON + number * ONE_SECOND)
    await keep(served, "other", reason="too_deep")
    await keep(served, "given-up", state=LetterState.DISCARDED)
    wanted: dict[str, Any] = {"queue": "signals", "reason": "not_json", "limit": 2}
    counts = []
    for _ in range(3):
        answer = (await post(served, "/redrive", wanted)).json()
        counts.append(answer["sent"])
        wanted["cursor"] = answer["cursor"]
    assert counts == [2, 2, 1]
    assert wanted["cursor"] is None
    assert [one.receipt_id for one in sent(served)] == [f"rcp-{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"queue": "signals"},
        {"queue": "signals", "ids": []},
        {"queue": "signals", "ids": ["x"] * 101},
        {"queue": "signals", "ids": ["x"], "reason": "not_json"},
        {"queue": "signals", "reason": ""},
        {"queue": "signals", "reason": "not_json", "limit": 101},
        {"queue": "signals", "reason": "not_json", "cursor": "junk"},
        {"queue": "nowhere", "reason": "not_json"},
        {"queue": "signals", "reason": "not_json", "tenant_id": "ten-globex"},
    ],
)
async def test_a_request_that_makes_no_sense_is_400_and_sends_nothing(served: Served, body: Any) -> None:
    await keep(served, "one")
    assert (await post(served, "/redrive", body)).status_code == 400
    assert sent(served) == []


async def test_a_discarded_letter_is_kept_but_no_longer_open(served: Served) -> None:
    letter_id = await keep(served, "one")
    decided = [(await post(served, f"/signals/{letter_id}/discard")).json() for _ in range(2)]
    assert decided == [
        {"id": letter_id, "decided": "discarded", "state": "discarded"},
        {"id": letter_id, "decided": "unchanged", "state": "discarded"},
    ]
    assert (await shown(served, "/dead-letters?queue=signals&state=open"))["items"] == []
    assert (await shown(served, f"/dead-letters/signals/{letter_id}"))["decided_by"] == OBJECT_ID


async def test_a_discarded_letter_can_still_be_re_driven(served: Served) -> None:
    letter_id = await keep(served, "one", state=LetterState.DISCARDED)
    assert (await post(served, f"/signals/{letter_id}/redrive")).json()["state"] == "redriven"


async def test_a_re_driven_letter_is_not_discarded_while_its_message_is_under_way(served: Served) -> None:
    letter_id = await keep(served, "one", state=LetterState.REDRIVEN)
    answer = (await post(served, f"/signals/{letter_id}/discard")).json()
    assert (answer["decided"], answer["state"]) == ("unchanged", "redriven")


@pytest.mark.parametrize("role", ["viewer", "engineer"])
async def test_only_an_admin_decides(served: Served, role: str) -> None:
    letter_id = await keep(served, "one")
    headers = bearer(a_token(roles=[role]))
    paths = [f"/signals/{letter_id}/redrive", f"/signals/{letter_id}/discard", "/redrive"]
    answers = [await post(served, path, {"queue": "signals", "ids": [letter_id]}, headers) for path in paths]
    assert [one.status_code for one in answers] == [403, 403, 403]
    assert sent(served) == []


@pytest.mark.parametrize("role", ["viewer", "engineer"])
async def test_only_an_admin_sees_what_failed_for_its_message_holds_an_unredacted_body(
    served: Served, role: str
) -> None:
    letter_id = await keep(served, "one")
    async with served.client(headers=bearer(a_token(roles=[role]))) as client:
        for path in ("/dead-letters?queue=signals", f"/dead-letters/signals/{letter_id}"):
            assert (await client.get(path)).status_code == 403


async def test_another_tenants_letter_is_404_for_every_operation(served: Served) -> None:
    letter_id = await keep(served, "one")
    async with served.client(headers=FOREIGN) as client:
        assert (await client.get(f"/dead-letters/signals/{letter_id}")).status_code == 404
        assert (await client.get("/dead-letters?queue=signals")).json()["items"] == []
    for action in ("redrive", "discard"):
        assert (await post(served, f"/signals/{letter_id}/{action}", headers=FOREIGN)).status_code == 404
    many = await post(served, "/redrive", {"queue": "signals", "ids": [letter_id]}, FOREIGN)
    assert (many.json()["sent"], many.json()["letters"][0]["decided"]) == (0, "not_there")
    assert sent(served) == []


@pytest.mark.parametrize("headers", [ADMIN, FOREIGN])
async def test_messages_without_a_tenant_are_reached_by_none(served: Served, headers: dict[str, str]) -> None:
    letter_id = await keep(served, "junk", tenant_id=TenantId(UNREADABLE_TENANT))
    async with served.client(headers=headers) as client:
        assert (await client.get("/dead-letters?queue=signals")).json()["items"] == []
        assert (await client.get(f"/dead-letters/signals/{letter_id}")).status_code == 404
    assert (await post(served, f"/signals/{letter_id}/redrive", headers=headers)).status_code == 404


@pytest.mark.parametrize("hostile", ["dead-1", "DEAD-" + "0" * 24, "dead-" + "0" * 25, "%00", "..%2Fx", "x" * 5000])
async def test_a_letter_id_that_we_never_made_does_not_reach_the_store(served: Served, hostile: str) -> None:
    unasked = served.without(dead_letters=Untouched())
    async with unasked.client(headers=ADMIN) as client:
        assert (await client.get(f"/dead-letters/signals/{hostile}")).status_code == 404
        assert (await client.post(f"/dead-letters/signals/{hostile}/discard")).status_code == 404
    many = await post(unasked, "/redrive", {"queue": "signals", "ids": [hostile]})
    assert many.status_code == 400


def test_letters_of_every_queue_can_be_re_driven() -> None:
    from shared.pipeline.redrive import _MESSAGES

    assert set(_MESSAGES) == set(QueueName)
