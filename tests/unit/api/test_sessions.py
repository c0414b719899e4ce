"""Sessions of the web app: what their cookies are good for, and every way in which they should not be."""

import asyncio

import httpx
import pytest

from shared.models.tenants import Role, User
from tests.builders import ACME, GLOBEX, a_tenant
from tests.unit.access.issuer import GLOBEX_TID, a_token
from tests.unit.api.serving import INCIDENT, bearer
from tests.unit.api.signing_in import BASE_URL, CSRF, SESSION, Browser, SigningIn, a_user, signing_in

MERGE = f"/incidents/{INCIDENT}/merge"
INTO = {"into": f"inc-{'0' * 24}"}


@pytest.fixture
async def world() -> SigningIn:
    """Dana is an engineer of Acme, by her token and by her record."""
    made = await signing_in()
    await made.services.directory.put(ACME, a_user())
    return made


def is_forgery(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json().get("detail")) == (
        403,
        "The request does not come from the web app.",
    )


async def test_a_session_reads_and_writes_as_a_token_does(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        assert (await browser.client.get(f"/incidents/{INCIDENT}")).status_code == 200
        # There is no such other incident: whoever gets this far was let through.
        assert (await browser.client.post(MERGE, json=INTO, headers=browser.proof())).status_code == 404


@pytest.mark.parametrize("path", [MERGE, "/auth/refresh", "/auth/logout"])
@pytest.mark.parametrize(
    "changes",
    [
        {"X-CSRF-Token": None},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "\u00e9"},
        {"X-CSRF-Token": "A" * 43},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": f"{BASE_URL}.evil.test"},
        {"Origin": "http://copilot.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": None, "Sec-Fetch-Site": None},
    ],
    ids=[
        *("no-header", "empty-header", "odd-header", "made-up-header", "other-origin", "null-origin"),
        *("longer-origin", "plain-origin", "cross-site", "same-site", "typed-in", "neither"),
    ],
)
async def test_a_write_that_no_page_of_ours_made_is_refused(
    world: SigningIn, path: str, changes: dict[str, str | None]
) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        proof = {
            name: value.encode("latin-1")
            for name, value in {**browser.proof(), **changes}.items()
            if value is not None
        }
        assert is_forgery(await browser.client.post(path, json=INTO, headers=proof))
        assert (await browser.me()).status_code == 200


async def test_another_sessions_csrf_token_is_none(world: SigningIn) -> None:
    async with world.browser() as browser, world.browser() as other:
        await browser.sign_in()
        await other.sign_in()
        theirs = {**browser.proof(), "X-CSRF-Token": other.cookie(CSRF)}
        assert is_forgery(await browser.client.post(MERGE, json=INTO, headers=theirs))


@pytest.mark.parametrize("kept", ["Origin", "Sec-Fetch-Site"])
async def test_one_word_of_the_browser_on_where_a_write_comes_from_is_enough(world: SigningIn, kept: str) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        proof = browser.proof()
        some = {name: proof[name] for name in ("X-CSRF-Token", kept)}
        assert (await browser.client.post("/auth/refresh", headers=some)).status_code == 200


async def test_a_bearer_token_is_judged_alone_whatever_cookie_comes_along(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        globex = await browser.client.get("/auth/me", headers=bearer(a_token(tid=GLOBEX_TID)))
        assert (globex.json()["tenant_id"], globex.json()["session"]) == (GLOBEX, None)
        assert (await browser.client.post(MERGE, json=INTO, headers=bearer(a_token()))).status_code == 404
        for bad in ("", "Bearer ", "Bearer junk", "Basic eA=="):
            assert (await browser.client.get("/auth/me", headers={"Authorization": bad})).status_code == 401


async def test_a_session_of_one_tenant_sees_nothing_of_another(world: SigningIn) -> None:
    world.provider.claims = {"tid": GLOBEX_TID}
    async with world.browser() as browser:
        await browser.sign_in()
        assert (await browser.me()).json()["tenant_id"] == GLOBEX
        assert (await browser.client.get(f"/incidents/{INCIDENT}")).status_code == 404
        assert (await browser.client.get("/incidents")).json()["items"] == []


async def test_a_session_cookie_that_is_not_as_we_made_it_is_refused(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        handle = browser.cookie()
        for tampered in (
            handle[1:],
            f"{handle}A",
            handle[::-1],
            "A" * 65,
            "A" * 5000,
            "../../x",
            "%00",
            f'"{handle}" ',
        ):
            async with world.browser() as other:
                other.holds(session=tampered)
                expected = 200 if tampered.strip('" ') == handle else 401
                assert (await other.me()).status_code == expected, tampered
        assert (await browser.me()).status_code == 200


async def test_a_refresh_replaces_the_handle_and_keeps_the_session(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        before, session = browser.cookie(), (await browser.me()).json()["session"]
        world.time.goes_by(minutes=5)
        answer = await browser.refresh()
        assert browser.cookie() != before
        assert answer.json()["session"]["csrf_token"] == session["csrf_token"]
        assert answer.json()["session"]["ends_at"] > session["ends_at"]
        assert (await browser.me()).status_code == 200
    assert world.provider.renewals == []


async def tab_of(browser: Browser, other: Browser) -> Browser:
    """Another tab of the same browser, with the cookies as they are now."""
    other.holds(session=browser.cookie())
    other.client.cookies.set(CSRF, browser.cookie(CSRF), domain="copilot.test", path="/")
    return other


async def test_a_second_tab_may_use_the_handle_before_for_30_seconds(world: SigningIn) -> None:
    async with world.browser() as browser, world.browser() as second:
        await browser.sign_in()
        tab = await tab_of(browser, second)
        await browser.refresh()
        world.time.goes_by(seconds=29)
        assert (await tab.me()).status_code == 200
        assert (await tab.refresh()).status_code == 200
        assert tab.cookie() == browser.cookie()
        assert (await browser.me()).status_code == 200


@pytest.mark.parametrize("takes_seconds", [0, 0.05])
async def test_two_tabs_that_refresh_at_once_end_with_the_same_handle_and_one_renewal(
    world: SigningIn, takes_seconds: float
) -> None:
    world.provider.takes_seconds = takes_seconds
    async with world.browser() as browser, world.browser() as second:
        await browser.sign_in()
        tab = await tab_of(browser, second)
        world.time.goes_by(minutes=50)
        answers = await asyncio.gather(browser.refresh(), tab.refresh())
        assert [one.status_code for one in answers] == [200, 200]
        assert browser.cookie() == tab.cookie()
        assert (await tab.me()).status_code == 200
    assert len(world.provider.renewals) == 1


@pytest.mark.parametrize("rotations", [1, 2, 5])
async def test_a_stolen_old_handle_ends_the_session_for_everybody(world: SigningIn, rotations: int) -> None:
    async with world.browser() as browser, world.browser() as thief:
        await browser.sign_in()
        await tab_of(browser, thief)
        for _ in range(rotations):
            await browser.refresh()
            world.time.goes_by(seconds=30)
        assert (await thief.me()).status_code == 401
        assert (await browser.me()).status_code == 401
        assert (await browser.refresh()).status_code == 401
    assert world.outcomes() == ["signed_in", "handle_reused"]


async def test_a_handle_from_before_the_last_is_old_at_once(world: SigningIn) -> None:
    async with world.browser() as browser, world.browser() as thief:
        await browser.sign_in()
        await tab_of(browser, thief)
        await browser.refresh()
        await browser.refresh()
        assert (await thief.refresh()).status_code == 401
        assert (await browser.me()).status_code == 401


async def test_a_thief_who_refreshes_first_is_found_out_by_the_owner(world: SigningIn) -> None:
    async with world.browser() as browser, world.browser() as thief:
        await browser.sign_in()
        await tab_of(browser, thief)
        await thief.refresh()
        world.time.goes_by(seconds=31)
        assert (await browser.me()).status_code == 401
        assert (await thief.me()).status_code == 401


async def test_tokens_are_renewed_before_they_expire(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        for _ in range(9):
            world.time.goes_by(minutes=30)
            assert (await browser.refresh()).status_code == 200
    assert len(world.provider.renewals) == 4
    assert len(set(world.provider.renewals)) == 4


async def test_a_session_that_nobody_refreshes_is_over_after_an_hour(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        world.time.goes_by(minutes=59, seconds=59)
        assert (await browser.me()).status_code == 200
        world.time.goes_by(seconds=1)
        assert (await browser.me()).status_code == 401
        browser.holds(session=browser.cookie())
        assert (await browser.refresh()).status_code == 401


async def test_no_session_is_older_than_twelve_hours(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        for _ in range(23):
            world.time.goes_by(minutes=30)
            assert (await browser.refresh()).status_code == 200
        session = (await browser.me()).json()["session"]
        assert session["ends_at"] == "2026-11-24T00:00:00.000000Z"
        world.time.goes_by(minutes=30)
        assert (await browser.refresh()).status_code == 401


async def test_a_session_rests_on_its_token_and_needs_a_refresh_when_that_expires(world: SigningIn) -> None:
    world.provider.claims = {"exp": int(world.time.at.timestamp()) + 600}
    async with world.browser() as browser:
        await browser.sign_in()
        world.time.goes_by(seconds=661)
        assert (await browser.me()).status_code == 401
        world.provider.claims = {}
        assert (await browser.refresh()).status_code == 200
        assert (await browser.me()).status_code == 200


async def test_a_renewal_that_is_refused_ends_the_session(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        world.time.goes_by(minutes=50)
        world.provider.refuses = True
        assert (await browser.refresh()).status_code == 401
        world.provider.refuses = False
        assert (await browser.me()).status_code == 401
    assert world.outcomes() == ["signed_in", "provider_refused"]


async def test_a_renewal_that_names_another_person_ends_the_session(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        world.time.goes_by(minutes=50)
        world.provider.claims = {"oid": "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"}
        assert (await browser.refresh()).status_code == 401
    assert world.outcomes() == ["signed_in", "another_person"]


async def test_a_role_that_entra_took_away_is_gone_with_the_renewal(world: SigningIn) -> None:
    world.provider.claims = {"roles": ["admin"]}
    async with world.browser() as browser:
        await browser.sign_in()
        assert (await browser.me()).json()["role"] == "admin"
        world.provider.claims = {"roles": ["viewer"]}
        world.time.goes_by(minutes=50)
        assert (await browser.refresh()).json()["role"] == "viewer"
        world.provider.claims = {"roles": None}
        world.time.goes_by(minutes=50)
        assert (await browser.refresh()).status_code == 403
        assert (await browser.me()).status_code == 401
    assert world.outcomes()[-1] == "no_role"


async def test_while_the_provider_is_down_a_session_lives_as_long_as_its_token(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        world.provider.is_down = True
        world.time.goes_by(minutes=55)
        assert (await browser.refresh()).status_code == 200
        world.time.goes_by(minutes=10)
        answer = await browser.refresh()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        world.provider.is_down = False
        assert (await browser.refresh()).status_code == 200
        assert (await browser.me()).status_code == 200


async def test_a_tenant_that_is_deactivated_locks_its_sessions_out(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        await world.services.directory.put(ACME, a_tenant(is_active=False))
        assert (await browser.me()).status_code == 403
        assert (await browser.refresh()).status_code == 403
        await world.services.directory.put(ACME, a_tenant())
        assert (await browser.me()).status_code == 401
    assert world.outcomes() == ["signed_in", "inactive_tenant"]


async def test_a_user_who_is_deactivated_is_locked_out_at_once(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        await world.services.directory.put(ACME, a_user(is_active=False))
        assert (await browser.me()).status_code == 403
        assert (await browser.client.post("/auth/logout", headers=browser.proof())).status_code == 204
    assert world.outcomes() == ["signed_in", "signed_out"]


async def test_a_user_whose_record_is_removed_gains_nothing_by_it(world: SigningIn) -> None:
    world.provider.claims = {"roles": ["admin"]}
    async with world.browser() as browser:
        await browser.sign_in()
        held = await world.services.records.read(ACME, User, a_user().id)
        assert held is not None
        await world.services.records.delete(ACME, held.value.id, held.etag)
        assert (await browser.me()).status_code == 403
        assert (await browser.refresh()).status_code == 403
    assert world.outcomes() == ["signed_in", "unknown_user"]


async def test_a_role_that_is_narrowed_counts_with_the_next_request(world: SigningIn) -> None:
    async with world.browser() as browser:
        await browser.sign_in()
        await world.services.directory.put(ACME, a_user(Role.VIEWER))
        answer = await browser.client.post(MERGE, json=INTO, headers=browser.proof())
    assert (answer.status_code, answer.json()["detail"]) == (403, "The role viewer does not allow this.")


async def test_a_signed_out_handle_is_good_for_nothing(world: SigningIn) -> None:
    async with world.browser() as browser, world.browser() as second:
        await browser.sign_in()
        tab = await tab_of(browser, second)
        await browser.client.post("/auth/logout", headers=browser.proof())
        assert [(await tab.me()).status_code, (await tab.refresh()).status_code] == [401, 401]
        assert (await tab.client.post("/auth/logout", headers=tab.proof())).status_code == 401
    assert SESSION in tab.client.cookies


async def test_what_is_audited_names_who_and_from_where(world: SigningIn) -> None:
    async with world.browser(headers={"User-Agent": "Firefox\x7f"}) as browser:
        await browser.sign_in()
        await browser.client.post("/auth/logout", headers=browser.proof())
    first, last = world.audited
    assert (first.event_type, first.action, last.event_type, last.action) == (
        *("finish_sign_in", "sign_in"),
        *("sign_out", "sign_out"),
    )
    assert (first.user_name, first.user_agent, first.resource_id) == (
        "dana.ops@acme.example",
        "Firefox",
        last.resource_id,
    )
