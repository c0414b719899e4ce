"""Signing keys: fetched rarely, kept over an outage, bounded."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.adapters import entra
from shared.adapters.entra import EntraKeys
from shared.errors import KeysUnavailable
from tests.unit.access.issuer import ACME_TID, AUTHORITY, GLOBEX_TID, KEY_ID, Clock, KeyEndpoint, published

MINUTE = entra.UNKNOWN_KEY_PAUSE_SECONDS
DAY = entra.REFRESH_AFTER_SECONDS


@pytest.fixture
def endpoint() -> KeyEndpoint:
    return KeyEndpoint()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(endpoint: KeyEndpoint, clock: Clock) -> AsyncIterator[EntraKeys]:
    made = EntraKeys(AUTHORITY, endpoint.client(), clock=clock)
    yield made
    await made.aclose()


async def test_a_key_is_fetched_once_from_its_own_tenants_address(keys: EntraKeys, endpoint: KeyEndpoint) -> None:
    assert [await keys.key(ACME_TID, KEY_ID) is not None for _ in range(3)] == [True, True, True]
    assert endpoint.paths == [f"/{ACME_TID}/discovery/v2.0/keys"]


async def test_one_tenants_keys_are_not_anothers(keys: EntraKeys, endpoint: KeyEndpoint) -> None:
    await keys.key(ACME_TID, KEY_ID)
    endpoint.keys = [published("other")]
    assert await keys.key(GLOBEX_TID, KEY_ID) is None


@pytest.mark.parametrize("tid", ["common", "..", f"{ACME_TID}/../evil", "", ACME_TID.upper()])
async def test_what_is_no_guid_never_reaches_a_url(keys: EntraKeys, endpoint: KeyEndpoint, tid: str) -> None:
    assert await keys.key(tid, KEY_ID) is None
    assert endpoint.paths == []


async def test_a_key_that_was_rolled_in_is_found(keys: EntraKeys, endpoint: KeyEndpoint, clock: Clock) -> None:
    await keys.key(ACME_TID, KEY_ID)
    endpoint.keys.append(published("key-2"))
    clock.seconds += MINUTE
    assert await keys.key(ACME_TID, "key-2") is not None


async def test_unknown_keys_cause_one_fetch_a_minute(keys: EntraKeys, endpoint: KeyEndpoint, clock: Clock) -> None:
    await keys.key(ACME_TID, KEY_ID)
    for number in range(50):
        assert await keys.key(ACME_TID, f"junk-{number}") is None
    assert len(endpoint.paths) == 1
    clock.seconds += MINUTE
    await asyncio.gather(*(keys.key(ACME_TID, f"junk-{number}") for number in range(50)))
    assert len(endpoint.paths) == 2


async def test_a_known_key_causes_no_fetch_until_a_day_has_passed(
    keys: EntraKeys, endpoint: KeyEndpoint, clock: Clock
) -> None:
    await keys.key(ACME_TID, KEY_ID)
    clock.seconds += DAY - 1
    await keys.key(ACME_TID, KEY_ID)
    assert len(endpoint.paths) == 1
    clock.seconds += 1
    await keys.key(ACME_TID, KEY_ID)
    assert len(endpoint.paths) == 2


async def test_a_key_that_was_withdrawn_is_gone_after_a_day(
    keys: EntraKeys, endpoint: KeyEndpoint, clock: Clock
) -> None:
    await keys.key(ACME_TID, KEY_ID)
    endpoint.keys = [published("key-2")]
    clock.seconds += DAY
    assert await keys.key(ACME_TID, KEY_ID) is None


BROKEN: list[dict[str, Any]] = [
    {"is_down": True},
    {"status": 500},
    {"status": 302},
    {"body": b"not json"},
    {"body": b"[]"},
    {"body": b'{"keys": 7}'},
    {"body": b'{"keys": []}'},
    {"body": b'{"keys": [null, {"kid": 7}, {"kid": "x", "kty": "RSA", "n": "", "e": ""}]}'},
    {"body": b"[" * 100_000},
    {"body": b" " * entra.MAX_BYTES + json.dumps({"keys": [published(KEY_ID)]}).encode()},
]
NAMES = ["down", "500", "redirect", "no-json", "list", "number", "empty", "no-usable", "nested", "too-large"]


@pytest.mark.parametrize("broken", BROKEN, ids=NAMES)
async def test_the_last_good_keys_outlive_an_issuer_that_is_broken(
    keys: EntraKeys, endpoint: KeyEndpoint, clock: Clock, broken: dict[str, Any]
) -> None:
    await keys.key(ACME_TID, KEY_ID)
    vars(endpoint).update(broken)
    clock.seconds += DAY
    assert await keys.key(ACME_TID, KEY_ID) is not None
    assert len(endpoint.paths) == 2


@pytest.mark.parametrize("broken", BROKEN, ids=NAMES)
async def test_without_any_good_keys_the_caller_is_told(
    keys: EntraKeys, endpoint: KeyEndpoint, broken: dict[str, Any]
) -> None:
    vars(endpoint).update(broken)
    with pytest.raises(KeysUnavailable):
        await keys.key(ACME_TID, KEY_ID)


async def test_one_unreadable_key_does_not_cost_the_others(keys: EntraKeys, endpoint: KeyEndpoint) -> None:
    endpoint.keys = [published("bad", n="AQAB", e=""), published(KEY_ID, kty="EC"), published(KEY_ID)]
    assert await keys.key(ACME_TID, KEY_ID) is not None
    assert await keys.key(ACME_TID, "bad") is None


async def test_an_encryption_key_checks_no_signature(keys: EntraKeys, endpoint: KeyEndpoint) -> None:
    endpoint.keys = [published(KEY_ID), published("enc", use="enc")]
    assert await keys.key(ACME_TID, "enc") is None


PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize(
    ("issuer", "is_taken"),
    [
        (f"{AUTHORITY}/{{tenantid}}/v2.0", True),
        ("https://sts.windows.net/{tenantid}/", True),
        (f"{AUTHORITY}/{ACME_TID}/v2.0", True),
        (f"{AUTHORITY}/{PERSONAL_ACCOUNTS}/v2.0", False),
        (f"{AUTHORITY}/{GLOBEX_TID}/v2.0", False),
        (f"{AUTHORITY}/{GLOBEX_TID}/v2.0?for={ACME_TID}", False),
        (7, False),
        (None, False),
    ],
)
async def test_a_key_that_signs_for_others_vouches_for_nobody_of_ours(
    keys: EntraKeys, endpoint: KeyEndpoint, issuer: object, *, is_taken: bool
) -> None:
    endpoint.keys.append(published("theirs", issuer=issuer))
    assert (await keys.key(ACME_TID, "theirs") is not None) is is_taken


async def test_the_shared_set_takes_only_keys_that_sign_for_everybody(keys: EntraKeys, endpoint: KeyEndpoint) -> None:
    endpoint.keys += [
        published("personal", issuer=f"{AUTHORITY}/{PERSONAL_ACCOUNTS}/v2.0"),
        published("shared", issuer=f"{AUTHORITY}/{{tenantid}}/v2.0"),
    ]
    assert [await keys.shared_key(one) is not None for one in ("personal", "shared")] == [False, True]


async def test_an_issuer_that_is_back_is_asked_again_after_a_second(
    keys: EntraKeys, endpoint: KeyEndpoint, clock: Clock
) -> None:
    endpoint.is_down = True
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            await keys.key(ACME_TID, KEY_ID)
    assert len(endpoint.paths) == 1
    endpoint.is_down = False
    clock.seconds += entra.NO_KEYS_PAUSE_SECONDS
    assert await keys.key(ACME_TID, KEY_ID) is not None


class Gate(httpx.AsyncBaseTransport):
    """An issuer that answers when it is let, and says when it was asked."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.fetches = 0
        self.fails = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.fetches += 1
        self.asked.set()
        await self.open.wait()
        if self.fails:
            self.clock.seconds += entra.FETCH_SECONDS
            raise httpx.ReadTimeout("slow", request=request)
        return httpx.Response(200, json={"keys": [published(KEY_ID)]})


async def test_all_who_wait_through_a_timeout_wait_through_the_same_one(clock: Clock) -> None:
    gate = Gate(clock)
    gate.fails = True
    keys = EntraKeys(AUTHORITY, httpx.AsyncClient(transport=gate), clock=clock)
    waiting = [asyncio.create_task(keys.key(ACME_TID, KEY_ID)) for _ in range(20)]
    await gate.asked.wait()
    gate.open.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    await keys.aclose()
    assert {type(answer) for answer in answers} == {KeysUnavailable}
    assert gate.fetches == 1


async def test_nobody_waits_for_a_refresh_whose_key_is_known(clock: Clock) -> None:
    gate = Gate(clock)
    gate.open.set()
    keys = EntraKeys(AUTHORITY, httpx.AsyncClient(transport=gate), clock=clock)
    await keys.key(ACME_TID, KEY_ID)
    gate.open.clear()
    gate.asked.clear()
    clock.seconds += DAY
    junk = asyncio.create_task(keys.key(ACME_TID, "junk"))
    await gate.asked.wait()
    assert await keys.key(ACME_TID, KEY_ID) is not None
    assert not junk.done()
    gate.open.set()
    assert await junk is None
    await keys.aclose()


async def test_an_issuer_that_never_answers_meets_the_deadline(clock: Clock) -> None:
    gate = Gate(clock)  # never opened: only the deadline ends this
    keys = EntraKeys(AUTHORITY, httpx.AsyncClient(transport=gate, timeout=None), clock=clock, fetch_seconds=0.01)
    with pytest.raises(KeysUnavailable):
        await keys.key(ACME_TID, KEY_ID)
    await keys.aclose()


async def test_only_so_many_tenants_are_remembered(endpoint: KeyEndpoint, clock: Clock) -> None:
    keys = EntraKeys(AUTHORITY, endpoint.client(), clock=clock, max_tenants=1)
    for tid in (ACME_TID, GLOBEX_TID, ACME_TID):
        assert await keys.key(tid, KEY_ID) is not None
    assert len(endpoint.paths) == 3
    await keys.aclose()


async def test_directories_that_we_do_not_know_share_one_set_and_one_pause(
    keys: EntraKeys, endpoint: KeyEndpoint, clock: Clock
) -> None:
    assert await keys.shared_key(KEY_ID) is not None
    assert [await keys.shared_key(f"junk-{number}") for number in range(9)] == [None] * 9
    assert endpoint.paths == ["/common/discovery/v2.0/keys"]
    clock.seconds += MINUTE
    assert await keys.shared_key("junk") is None
    assert len(endpoint.paths) == 2


async def test_the_shared_set_is_no_tenants_and_is_never_pushed_out(endpoint: KeyEndpoint, clock: Clock) -> None:
    keys = EntraKeys(AUTHORITY, endpoint.client(), clock=clock, max_tenants=1)
    for tid in (ACME_TID, GLOBEX_TID):
        await keys.shared_key(KEY_ID)
        await keys.key(tid, KEY_ID)
    assert endpoint.paths == [f"/{one}/discovery/v2.0/keys" for one in ("common", ACME_TID, GLOBEX_TID)]
    await keys.aclose()
