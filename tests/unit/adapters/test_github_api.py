"""How GitHub is asked: what is kept is asked for by its ETag, and when it wants quiet there is quiet."""

from dataclasses import dataclass

import pytest

from shared.adapters.breaker import FAILURES
from shared.adapters.github import GitHubOfTenant
from shared.adapters.github_api import GitHubApi
from shared.adapters.github_places import web_base
from shared.adapters.kept_answers import MAX_ANSWER_BYTES, Kept, KeptAnswers
from shared.adapters.memory import MemoryDirectory
from shared.adapters.once_more import LOST
from shared.adapters.prometheus import Connection
from shared.adapters.tenant_slots import TenantSlots
from shared.errors import SecretUnreadable, SourceUnavailable
from shared.models.base import TenantId
from shared.models.tenants import IntegrationType
from tests.builders import ACME, GLOBEX, NOON
from tests.unit.adapters.fake_github import SINCE, UNTIL, FakeGitHub, Repo, ago, asking
from tests.unit.adapters.scripted import Asked, BoundBox, Servers, connected_to, responding

DATE = "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
NOW = int(NOON.timestamp())


@dataclass
class HandClock:
    """A clock that is moved by hand."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class InTurn:
    """Says one answer after the other, and the last for ever."""

    answers: list[bytes | None]

    def __call__(self, asked: Asked) -> bytes | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def an_api(
    *answers: bytes | None,
    clock: HandClock | None = None,
    kept: KeptAnswers | None = None,
    tenant_id: TenantId = ACME,
    token: str = "t0",
) -> tuple[GitHubApi, Servers]:
    servers = Servers(InTurn(list(answers)))
    api = GitHubApi(
        servers.client(),
        Connection("http://127.0.0.1:8443", bearer_token=token),
        tenant_id=tenant_id,
        kept=kept or KeptAnswers(),
        slots=TenantSlots(4),
        pause_seconds=0,
        clock=clock or HandClock(),
    )
    return api, servers


async def reason_of(api: GitHubApi, path: str = "/repos/acme/pay/releases") -> str:
    try:
        await api.get(path, {"per_page": 1}, what="releases of acme/pay")
    except SourceUnavailable as exc:
        return exc.reason
    return "ok"


async def test_what_did_not_change_is_answered_from_what_was_kept() -> None:
    link = 'Link: <https://api.github.com/x?page=2>; rel="next"\r\n'
    api, servers = an_api(responding([1], headers=f'ETag: W/"v1"\r\n{link}'), responding(b"", 304), responding([2]))
    answers = [await api.get("/repos/acme/pay/releases", {"per_page": 1}, what="x") for _ in range(3)]
    assert [(one.body, one.more) for one in answers] == [(b"[1]", True), (b"[1]", True), (b"[2]", False)]
    assert [one.headers.get("if-none-match") for one in servers.asked] == [None, 'w/"v1"', 'w/"v1"']


async def test_another_page_tenant_or_token_is_never_answered_from_it() -> None:
    kept = KeptAnswers()
    first = responding([1], headers='ETag: "v1"\r\n')
    await reason_of(an_api(first, kept=kept)[0])
    for other in ({"tenant_id": GLOBEX}, {"token": "t1"}):
        api, servers = an_api(responding([2]), kept=kept, **other)  # type: ignore[arg-type]  # one keyword a round
        await reason_of(api)
        assert "if-none-match" not in servers.asked[0].headers
    api, servers = an_api(responding([2]), kept=kept)
    await api.get("/repos/acme/pay/releases", {"per_page": 2}, what="x")
    assert "if-none-match" not in servers.asked[0].headers


def test_answers_are_kept_within_bounds_and_who_was_used_longest_ago_goes_first() -> None:
    kept = KeptAnswers(max_bytes=30)
    for name in ("a", "b", "c"):
        kept.keep((name,), Kept("e", b"x" * 10))
    assert kept.get(("a",)) is not None
    kept.keep(("d",), Kept("e", b"x" * 10))
    assert [name for name in "abcd" if kept.get((name,))] == ["a", "c", "d"]
    kept.keep(("a",), Kept("e", b"x" * 20))
    assert [name for name in "abcd" if kept.get((name,))] == ["a", "d"]
    roomy = KeptAnswers()
    for etag, body in (
        ("", b"x"),
        ("é", b"x"),
        ("a\r\nb", b"x"),
        ("e" * 201, b"x"),
        ("e", b"x" * (MAX_ANSWER_BYTES + 1)),
    ):
        roomy.keep(("a",), Kept(etag, body))
        assert roomy.get(("a",)) is None


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (403, "Retry-After: 30\r\n", 30),
        (429, "Retry-After: 30\r\n", 30),
        (403, f"Retry-After: Mon, 23 Nov 2026 12:00:45 GMT\r\n{DATE}", 45),
        (403, f"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: {NOW + 900}\r\n{DATE}", 900),
        (429, f"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: {NOW + 900}\r\n{DATE}", 900),
        (403, f"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: {NOW + 9_000_000}\r\n{DATE}", 3600),
        (403, f"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: {NOW - 900}\r\n{DATE}", 1),
        (403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: soon\r\n", 60),
        (403, "Retry-After: 0\r\n", 1),
        (429, "Retry-After: never\r\nDate: never\r\n", 60),
        (429, "Retry-After: 999999999999999999999999\r\n", 3600),
    ],
)
async def test_when_asked_to_wait_nothing_is_asked_until_then(status: int, headers: str, seconds: float) -> None:
    clock = HandClock()
    api, servers = an_api(responding({"message": "x"}, status, headers=headers), responding([]), clock=clock)
    assert await reason_of(api) == "throttled"
    clock.seconds += seconds - 0.5
    assert await reason_of(api, "/repos/acme/cart/releases") == "throttled"
    assert len(servers.asked) == 1
    clock.seconds += 0.5
    assert await reason_of(api) == "ok"


async def test_a_secondary_limit_is_known_by_its_words_and_a_lack_of_rights_is_none() -> None:
    clock = HandClock()
    words = {"message": "You have exceeded a secondary rate limit."}
    api, servers = an_api(responding(words, 403), responding([]), clock=clock)
    assert [await reason_of(api), await reason_of(api), len(servers.asked)] == ["throttled", "throttled", 1]
    api, servers = an_api(responding({"message": "Resource not accessible"}, 403), responding([]))
    assert [await reason_of(api), await reason_of(api), len(servers.asked)] == ["unauthorised", "ok", 2]


async def test_within_a_look_a_limit_stops_the_questions() -> None:
    repo = Repo().deployed(1, ago(hours=1), ("success", ago(hours=1)))
    source, servers = asking(
        FakeGitHub({"acme/pay": repo}, first=lambda asked: responding({}, 429) if "statuses" in asked.path else None)
    )
    found = await source.look(("payment",), since=SINCE, until=UNTIL)
    assert (found.deployments, found.failure, len(servers.asked)) == ((), "throttled", 3)


async def test_a_github_that_is_down_is_left_alone_for_a_while_and_then_asked_once() -> None:
    clock = HandClock()
    source, servers = asking(lambda _: responding(b"<html>", 503), clock=clock)
    reasons = []
    for _ in range(FAILURES):
        with pytest.raises(SourceUnavailable) as failed:
            await source.look(("payment",), since=SINCE, until=UNTIL)
        reasons.append(failed.value.reason)
    asked = len(servers.asked)
    assert (reasons[0], reasons[-1]) == ("http_5xx", "circuit_open")
    clock.seconds += 60
    with pytest.raises(SourceUnavailable):
        await source.look(("payment",), since=SINCE, until=UNTIL)
    assert len(servers.asked) == asked + 2, "one question, with one more try"


@pytest.mark.parametrize("lost", [responding(b"", 502), responding([1], cut=1), b""], ids=["502", "cut", "closed"])
async def test_a_question_that_was_lost_on_its_way_is_asked_once_more(lost: bytes) -> None:
    api, servers = an_api(lost, responding([]))
    assert (await reason_of(api), len(servers.asked)) == ("ok", 2)
    api, servers = an_api(lost)
    assert (await reason_of(api) in LOST, len(servers.asked)) == (True, 2)


@pytest.mark.parametrize("told", [responding(b"", 401), responding(b"", 404), responding(b"", 429), responding(b"<")])
async def test_an_answer_is_not_asked_for_again(told: bytes) -> None:
    api, servers = an_api(told)
    await reason_of(api)
    assert len(servers.asked) == 1


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.github.com/", "https://github.com"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
        ("https://git.acme.example/api/v3/", "https://git.acme.example"),
        ("https://git.acme.example:8443/api/v3", "https://git.acme.example:8443"),
    ],
)
def test_people_find_it_on_the_hosts_pages(api: str, web: str) -> None:
    assert web_base(api) == web


async def test_each_tenant_gets_its_own_github_and_only_an_active_one_with_a_connection() -> None:
    directory, kind = MemoryDirectory(), IntegrationType.GITHUB
    acme = connected_to("http://127.0.0.1:8443", integration_type=kind, service_map={"acme/pay": "payment"})
    await directory.put(ACME, acme)
    await directory.put(ACME, connected_to("", id="int-2", integration_type=kind, config=None))
    await directory.put(ACME, connected_to("http://127.0.0.1:1", id="int-3", integration_type=kind, is_active=False))
    await directory.put(ACME, connected_to("http://127.0.0.1:1", id="int-4"))
    repo = Repo().deployed(1, ago(hours=1), ("success", ago(hours=1)))
    servers = Servers(FakeGitHub({"acme/pay": repo}))
    sources = GitHubOfTenant(directory, BoundBox(), servers.client())
    assert await sources.of_tenant(GLOBEX) == []
    (source,) = await sources.of_tenant(ACME)
    assert source.integration_id == "int-1"
    found = await source.look(("payment",), since=SINCE, until=UNTIL)
    assert [one.services for one in found.deployments] == [("payment",)]
    assert servers.asked[0].headers["authorization"] == "bearer s3cret-token"
    assert (await sources.of_tenant(ACME))[0] is source, "what it learnt of limits and failures must stay"
    changed = acme.model_copy(update={"service_map": {}, "version": 2})
    await directory.put(ACME, changed)
    assert (await sources.of_tenant(ACME))[0] is not source


async def test_what_was_sealed_for_another_tenant_is_not_opened() -> None:
    directory = MemoryDirectory()
    await directory.put(
        ACME, connected_to("", integration_type=IntegrationType.GITHUB, config=f"{GLOBEX}|int-1|{{}}")
    )
    with pytest.raises(SecretUnreadable):
        await GitHubOfTenant(directory, BoundBox(), Servers(lambda _: None).client()).of_tenant(ACME)
