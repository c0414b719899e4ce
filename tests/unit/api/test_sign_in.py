"""Sign-in for the web app: who gets a session, and every way in which nobody should."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from shared.models.tenants import Role, User
from tests.builders import ACME, a_tenant
from tests.unit.access.issuer import GLOBEX_TID, OBJECT_ID, STRANGER_TID
from tests.unit.api.signing_in import BASE_URL, CSRF, FLOW, SESSION, SigningIn, a_user, signing_in


@pytest.fixture
async def world() -> SigningIn:
    return await signing_in()


def is_refused(answer: httpx.Response) -> bool:
    """Blank, and with nothing to hold."""
    return answer.status_code == 401 and "detail" not in answer.json() and "set-cookie" not in answer.headers


def attributes(answer: httpx.Response) -> Mapping[str, set[str]]:
    """Each cookie that is set, with its attributes."""
    lines = [line.split("; ") for line in answer.headers.get_list("set-cookie")]
    return {name.partition("=")[0]: {one.lower() for one in rest} for name, *rest in lines}


async def test_somebody_signs_in_is_known_and_signs_out(world: SigningIn) -> None:
    async with world.browser() as browser:
        back = await browser.sign_in(return_to="/incidents?state=open")
        assert (back.status_code, back.headers["location"]) == (303, f"{BASE_URL}/incidents?state=open")
        me = (await browser.me()).json()
        assert (me["tenant_id"], me["object_id"], me["role"]) == (ACME, OBJECT_ID, "viewer")
        assert me["session"]["csrf_token"] == browser.cookie(CSRF)
        assert (await browser.refresh()).status_code == 200
        assert (await browser.client.post("/auth/logout", headers=browser.proof())).status_code == 204
        assert SESSION not in browser.client.cookies
        assert (await browser.me()).status_code == 401
    assert world.outcomes() == ["signed_in", "signed_out"]


async def test_the_cookies_are_for_this_host_alone_and_out_of_reach(world: SigningIn) -> None:
    async with world.browser() as browser:
        begun = await browser.client.get("/auth/login")
        back = await browser.sign_in()
    assert attributes(begun) == {FLOW: {"httponly", "secure", "path=/", "samesite=lax", "max-age=600"}}
    held = attributes(back)
    assert held[SESSION] == {"httponly", "secure", "path=/", "samesite=strict", "max-age=3600"}
    assert held[CSRF] == {"secure", "path=/", "samesite=strict", "max-age=3600"}
    assert held[FLOW] >= {"max-age=0", "httponly"}


async def test_the_store_holds_neither_the_handle_nor_a_token(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        handle = browser.cookie()
        stored = str(world.services.sessions.documents)  # type: ignore[attr-defined]  # the one in memory
    for secret in (handle, handle[:22], handle[22:], "refresh-", "eyJ", browser.cookie(CSRF)):
        assert secret not in stored


async def test_the_first_sign_in_makes_a_user_with_the_least_role(world: SigningIn) -> None:
    world.provider.claims = {"roles": ["admin"]}
    async with world.browser() as browser:
        for _ in range(2):
            await browser.sign_in()
        assert (await browser.me()).json()["role"] == "viewer"
    user = await world.services.directory.user_by_object_id(ACME, OBJECT_ID)
    assert user is not None
    assert (user.role, user.email, user.full_name) == (Role.VIEWER, "dana.ops@acme.example", "Dana Ops")
    (entry,) = user.audit_pending
    assert (entry.action, entry.resource_type, entry.after) == ("create", "user", {"role": "viewer"})


async def test_who_signs_in_twice_at_once_is_one_user_with_two_sessions(world: SigningIn) -> None:
    async with world.browser() as browser, world.browser() as other:
        answers = await asyncio.gather(browser.sign_in(), other.sign_in())
        assert [one.status_code for one in answers] == [303, 303]
        assert browser.cookie() != other.cookie()
    assert world.outcomes() == ["signed_in", "signed_in"]


async def test_a_user_that_is_there_keeps_what_was_written_of_them(world: SigningIn) -> None:
    world.provider.claims = {"roles": ["admin"]}
    await world.services.directory.put(ACME, a_user(Role.ENGINEER))
    async with world.browser() as browser:
        await browser.sign_in()
        assert (await browser.me()).json()["role"] == "engineer"
    assert await world.services.directory.user_by_object_id(ACME, OBJECT_ID) == a_user(Role.ENGINEER)


async def test_who_is_refused_is_told_and_audited_and_made_no_user(world: SigningIn) -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"roles": None}, "no_role", "The token carries none of the roles admin, engineer and viewer."),
        ({"roles": ["owner"]}, "no_role", "The token carries none of the roles admin, engineer and viewer."),
    ]
    for claims, reason, detail in cases:
        world.provider.claims = claims
        async with world.browser() as browser:
            answer = await browser.sign_in()
        assert (answer.status_code, answer.json()["detail"]) == (403, detail)
        assert world.audited[-1].after == {"outcome": "refused", "reason": reason}
        assert world.audited[-1].resource_id == User.id_of(OBJECT_ID)
    assert await world.services.directory.user_by_object_id(ACME, OBJECT_ID) is None


async def test_an_inactive_user_is_refused_and_audited(world: SigningIn) -> None:
    await world.services.directory.put(ACME, a_user(is_active=False))
    async with world.browser() as browser:
        assert (await browser.sign_in()).status_code == 403
        assert SESSION not in browser.client.cookies
    assert world.audited[-1].after["reason"] == "inactive_user"


async def test_an_inactive_tenant_is_refused_and_audited(world: SigningIn) -> None:
    await world.services.directory.put(ACME, a_tenant(is_active=False))
    async with world.browser() as browser:
        assert (await browser.sign_in()).status_code == 403
    assert world.audited[-1].after["reason"] == "inactive_tenant"


async def test_a_directory_that_belongs_to_nobody_is_refused(world: SigningIn) -> None:
    world.provider.claims = {"tid": STRANGER_TID}
    async with world.browser() as browser:
        answer = await browser.sign_in()
    assert (answer.status_code, answer.json()["detail"]) == (403, "This directory belongs to no tenant.")
    assert world.audited == []


async def test_tokens_of_two_people_are_refused(world: SigningIn) -> None:
    world.provider.object_id = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
    async with world.browser() as browser:
        assert is_refused(await browser.sign_in())


async def test_an_applications_token_opens_no_session(world: SigningIn) -> None:
    world.provider.claims = {"idtyp": "app"}
    async with world.browser() as browser:
        assert is_refused(await browser.sign_in())


@pytest.mark.parametrize("claims", [{"aud": OBJECT_ID}, {"exp": 1}, {"tid": GLOBEX_TID, "iss": "https://evil.test"}])
async def test_a_token_that_the_api_would_refuse_opens_no_session(world: SigningIn, claims: dict[str, Any]) -> None:
    world.provider.claims = claims
    async with world.browser() as browser:
        assert is_refused(await browser.sign_in())


async def test_a_state_of_another_flow_is_refused(world: SigningIn) -> None:
    async with world.browser() as browser:
        state = await browser.begin()
        assert is_refused(await browser.come_back(f"{state}x", world.provider.a_code(state)))
        assert is_refused(await browser.come_back("", world.provider.a_code(state)))


async def test_a_callback_in_a_browser_that_began_nothing_is_refused(world: SigningIn) -> None:
    async with world.browser() as mallory, world.browser() as victim:
        state = await mallory.begin()
        assert is_refused(await victim.come_back(state, world.provider.a_code(state)))


async def test_nobody_is_signed_in_as_somebody_else_by_a_link(world: SigningIn) -> None:
    async with world.browser() as mallory, world.browser() as victim:
        state = await mallory.begin()
        await victim.begin()
        assert is_refused(await victim.come_back(state, world.provider.a_code(state)))


async def test_a_code_works_once(world: SigningIn) -> None:
    async with world.browser() as browser:
        state = await browser.begin()
        code, flow = world.provider.a_code(state), browser.cookie(FLOW)
        assert (await browser.come_back(state, code)).status_code == 303
        assert is_refused(await browser.come_back(state, code))
        browser.holds(flow=flow)
        assert is_refused(await browser.come_back(state, code))


async def test_an_answer_without_a_code_is_refused(world: SigningIn) -> None:
    async with world.browser() as browser:
        state = await browser.begin()
        denied = {"state": state, "error": "access_denied", "error_description": "<script>"}
        assert is_refused(await browser.client.get("/auth/callback", params=denied))
        assert is_refused(await browser.come_back(state, "c" * 5000))


async def test_a_sign_in_takes_at_most_ten_minutes(world: SigningIn) -> None:
    async with world.browser() as browser:
        state = await browser.begin()
        world.time.goes_by(minutes=10)
        assert is_refused(await browser.come_back(state, world.provider.a_code(state)))


async def test_a_flow_cookie_that_is_not_as_we_made_it_is_refused(world: SigningIn) -> None:
    async with world.browser() as browser:
        state = await browser.begin()
        sealed = browser.cookie(FLOW)
        other = "B" if sealed[20] == "A" else "A"
        for tampered in (sealed[:20] + other + sealed[21:], sealed[:-8], "v1.x.y", "v1", "x" * 5000):
            browser.holds(flow=tampered)
            assert is_refused(await browser.come_back(state, world.provider.a_code(state)))


async def test_cookies_that_are_no_text_are_refused(world: SigningIn) -> None:
    async with world.browser() as browser:
        for name in (FLOW, SESSION):
            odd = {"Cookie": f"{name}=\u00e9\u00ff; {name}".encode("latin-1")}
            assert is_refused(await browser.client.get("/auth/callback", params={"state": "a"}, headers=odd))
            assert is_refused(await browser.client.get("/auth/me", headers=odd))


async def test_no_session_is_taken_over_from_whoever_left_a_cookie_behind(world: SigningIn) -> None:
    async with world.browser() as mallory, world.browser() as victim:
        await mallory.sign_in()
        planted = mallory.cookie()
        for handle in (planted, "A" * 65):
            victim.holds(session=handle)
            assert (await victim.sign_in()).status_code == 303
            assert victim.cookie() not in (handle, planted)
            assert victim.cookie()[:22] != handle[:22]
    assert len({entry.resource_id for entry in world.audited}) == 3


@pytest.mark.parametrize("path", ["https://evil.test/", "//evil.test", "/\\evil.test", "/%2f/evil.test"])
async def test_nobody_is_sent_elsewhere(world: SigningIn, path: str) -> None:
    async with world.browser() as browser:
        answer = await browser.client.get("/auth/login", params={"return_to": path})
    assert (answer.status_code, "set-cookie" in answer.headers) == (400, False)


async def test_a_mail_address_is_filled_in(world: SigningIn) -> None:
    async with world.browser() as browser:
        answer = await browser.client.get("/auth/login", params={"login_hint": "dana@acme.example"})
    assert "login_hint=dana@acme.example" in answer.headers["location"]


async def test_while_the_provider_is_down_nobody_can_sign_in(world: SigningIn) -> None:
    async with world.browser() as browser:
        state = await browser.begin()
        world.provider.is_down = True
        answers = [await browser.client.get("/auth/login"), await browser.come_back(state, "code")]
    assert [(one.status_code, one.headers["Retry-After"]) for one in answers] == [(503, "5"), (503, "5")]


async def test_without_an_address_of_its_own_an_installation_offers_no_sign_in(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        handle = browser.cookie()
    world.is_offered = False
    async with world.browser() as browser:
        assert (await browser.client.get("/auth/login")).status_code == 404
        assert (await browser.client.get("/auth/callback")).status_code == 404
        browser.holds(session=handle)
        assert is_refused(await browser.me())
        assert (await browser.client.post("/auth/refresh")).status_code == 404
