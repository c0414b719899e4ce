"""One look at GitHub: what it finds, what it leaves out, and how it stays within its bounds."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.github_look import MAX_REQUESTS
from shared.errors import AddressRefused, SourceUnavailable
from shared.models.changes import ChangeStatus
from shared.ports.deployments import Deployed, Direction
from tests.builders import NOON
from tests.unit.adapters.fake_github import (
    SINCE,
    TOKEN,
    UNTIL,
    FakeGitHub,
    Repo,
    a_commit,
    a_deployment,
    a_release,
    ago,
    asking,
    at,
    sha,
)
from tests.unit.adapters.scripted import Asked, Servers, responding


async def looked(fake: Any, *services: str, **named: Any) -> tuple[Deployed, Servers]:
    source, servers = asking(fake, **named)
    return await source.look(services or ("payment",), since=SINCE, until=UNTIL), servers


def a_repo() -> Repo:
    """Revision 2 was deployed two hours ago and 5 half an hour ago, after one that failed."""
    repo = Repo(history=[a_commit(number) for number in range(1, 7)])
    repo.deployed(
        2, ago(hours=2), ("queued", ago(hours=2)), ("success", ago(hours=1.9)), ("inactive", ago(hours=0.4))
    )
    repo.deployed(3, ago(hours=1), ("in_progress", ago(hours=1)), ("failure", ago(hours=0.9)))
    return repo.deployed(5, ago(hours=0.5), ("in_progress", ago(hours=0.5)), ("success", ago(hours=0.4)))


async def test_a_deployment_counts_at_the_time_of_its_status() -> None:
    found, _ = await looked(FakeGitHub({"acme/pay": a_repo()}))
    assert [(one.deployment_id, one.status, one.at) for one in found.deployments] == [
        ("5", ChangeStatus.SUCCEEDED, at(ago(hours=0.4))),
        ("3", ChangeStatus.FAILED, at(ago(hours=0.9))),
        ("2", ChangeStatus.SUCCEEDED, at(ago(hours=1.9))),
    ]
    newest = found.deployments[0]
    assert newest.began_at == at(ago(hours=0.5))
    assert (newest.repository, newest.services, newest.environment) == ("acme/pay", ("payment",), "production")
    assert (newest.author, newest.sha, newest.ref) == ("dana", sha(5), "main")
    assert newest.url == f"https://github.com/acme/pay/commit/{sha(5)}"
    assert (found.failure, found.warnings, found.unmapped) == (None, (), ())


async def test_the_commits_between_the_last_two_revisions_are_listed_newest_first() -> None:
    found, _ = await looked(FakeGitHub({"acme/pay": a_repo()}))
    compared = found.comparison
    assert compared is not None
    assert (compared.base, compared.head, compared.direction, compared.total) == (
        sha(2),
        sha(5),
        Direction.FORWARD,
        3,
    )
    assert [one.title for one in compared.commits] == ["Change 5", "Change 4", "Change 3"]
    assert (compared.commits[0].author, compared.commits[0].at) == ("eve", at(ago(hours=2)))


async def test_going_back_lists_what_was_taken_back() -> None:
    repo = a_repo().deployed(4, ago(hours=0.2), ("success", ago(hours=0.1)), task="deploy:rollback", sha=sha(2))
    found, _ = await looked(FakeGitHub({"acme/pay": repo}))
    compared = found.comparison
    assert compared is not None
    assert (compared.base, compared.head, compared.direction) == (sha(5), sha(2), Direction.BACK)
    assert [one.sha for one in compared.commits] == [sha(5), sha(4), sha(3)]
    assert found.deployments[0].is_rollback


async def test_one_that_is_under_way_counts_and_one_that_waits_does_not() -> None:
    repo = a_repo().deployed(6, ago(hours=0.2), ("queued", ago(hours=0.2)), ("in_progress", ago(hours=0.1)))
    repo.deployed(7, ago(hours=0.1), ("pending", ago(hours=0.1)))
    found, _ = await looked(FakeGitHub({"acme/pay": repo}))
    assert (found.deployments[0].deployment_id, found.deployments[0].status) == ("6", ChangeStatus.IN_PROGRESS)
    assert found.comparison is not None
    assert found.comparison.head == sha(6)


async def test_one_made_earlier_that_succeeded_lately_counts_and_one_that_succeeded_earlier_only_compares() -> None:
    repo = Repo(history=[a_commit(number) for number in range(1, 9)])
    repo.deployed(1, ago(days=9), ("success", ago(days=9)))
    repo.deployed(4, ago(hours=30), ("success", ago(hours=2)))
    found, _ = await looked(FakeGitHub({"acme/pay": repo}))
    assert [one.deployment_id for one in found.deployments] == ["4"]
    assert found.comparison is not None
    assert (found.comparison.base, found.comparison.total) == (sha(1), 3)


async def test_what_production_runs_for_longer_is_not_compared_but_what_staging_got_lately_is() -> None:
    repo = Repo(history=[a_commit(number) for number in range(1, 9)])
    staging = {"environment": "staging", "production_environment": False}
    repo.deployed(1, ago(hours=40), ("success", ago(hours=40)))
    repo.deployed(2, ago(hours=30), ("success", ago(hours=30)))
    repo.deployed(3, ago(hours=28), ("success", ago(hours=28)), **staging)
    repo.deployed(4, ago(hours=2), ("success", ago(hours=2)), **staging)
    found, _ = await looked(FakeGitHub({"acme/pay": repo}))
    assert found.comparison is not None
    assert (found.comparison.environment, found.comparison.head) == ("staging", sha(4))


async def test_a_clock_two_minutes_ahead_loses_nothing_and_one_an_hour_ahead_is_not_believed() -> None:
    repo = Repo().deployed(1, ago(minutes=1), ("success", ago(minutes=-2)))
    repo.deployed(2, ago(minutes=1), ("success", ago(hours=-1)))
    found, _ = await looked(FakeGitHub({"acme/pay": repo}))
    assert [one.deployment_id for one in found.deployments] == ["1"]


async def test_releases_count_at_their_publication_and_drafts_do_not() -> None:
    old, draft = a_release("v1", ago(days=3)), a_release("v3", None, draft=True)
    releases = [draft, a_release("v2", ago(hours=1), prerelease=True), old]
    found, _ = await looked(FakeGitHub({"acme/pay": Repo(releases=releases)}))
    (release,) = found.releases
    assert (release.tag, release.author, release.is_prerelease) == ("v2", "dana", True)
    assert (release.published_at, release.url) == (at(ago(hours=1)), "https://github.com/acme/pay/releases/tag/v2")


async def test_the_service_is_looked_at_first_and_then_its_neighbours() -> None:
    own, other = a_repo(), Repo().deployed(9, ago(hours=1), ("success", ago(hours=1)))
    fake = FakeGitHub(
        {"acme/pay": own, "acme/cart": other, "acme/mail": Repo(releases=[a_release("v", ago(hours=1))])}
    )
    repositories = {"payment": "acme/pay", "cart": "acme/cart", "mail": "acme/mail"}
    found, servers = await looked(fake, "payment", "cart", "mail", "fraud", repositories=repositories)
    assert {one.services for one in found.deployments} == {("payment",), ("cart",)}
    assert found.releases == (), "only the service's own are asked for"
    assert found.unmapped == ("fraud",)
    assert found.questions == len(servers.asked) <= MAX_REQUESTS


async def test_without_a_repository_nothing_is_asked() -> None:
    found, servers = await looked(FakeGitHub({}), "fraud", "mail")
    assert found == Deployed(unmapped=("fraud", "mail"))
    assert servers.asked == []


async def test_a_repository_that_the_webhook_maps_need_not_be_named_again() -> None:
    found, _ = await looked(
        FakeGitHub({"acme/pay": a_repo()}),
        repositories={"x": "acme/x"},
        service_map={"acme/pay": "payment", "pay": "payment"},
    )
    assert len(found.deployments) == 3


async def test_in_a_shared_repository_the_pipeline_says_whose_a_deployment_is() -> None:
    repo = Repo()
    for number, payload in enumerate(
        ({"service": "cart"}, '{"service": "pay-api"}', {}, {"service": "docs"}), start=1
    ):
        repo.deployed(number, ago(hours=number), ("success", ago(hours=number)), payload=payload)
    repositories = {"payment": "acme/shop/pay", "cart": "acme/shop/cart", "mail": "acme/shop/mail"}
    found, _ = await looked(
        FakeGitHub({"acme/shop": repo}),
        "payment",
        "mail",
        repositories=repositories,
        service_map={"pay-api": "payment"},
    )
    told = {one.deployment_id: one.services for one in found.deployments}
    assert told == {"2": ("payment",), "3": ("payment", "mail"), "4": ("payment", "mail")}


async def test_only_commits_that_touch_the_services_path_are_listed() -> None:
    repo = a_repo()
    repo.touching = {"services/pay": [1, 3, 5]}
    found, servers = await looked(FakeGitHub({"acme/pay": repo}), repositories={"payment": "acme/pay/services/pay"})
    assert found.comparison is not None
    assert [one.sha for one in found.comparison.commits] == [sha(5), sha(3)]
    assert (found.comparison.path, found.comparison.total) == ("services/pay", 3)
    assert servers.asked[-1].params["path"] == ["services/pay"]


@pytest.mark.parametrize(("between", "listed", "first"), [(50, 50, 1), (70, 50, 21), (120, 20, 101)])
async def test_of_many_commits_the_newest_are_listed_without_a_gap(between: int, listed: int, first: int) -> None:
    repo = Repo(history=[a_commit(number) for number in range(1000, 1001 + between)])
    repo.deployed(1, ago(hours=3), ("success", ago(hours=3)), sha=sha(1000))
    repo.deployed(2, ago(hours=1), ("success", ago(hours=1)), sha=sha(1000 + between))
    found, _ = await looked(FakeGitHub({"acme/pay": repo}))
    assert found.comparison is not None
    assert found.comparison.total == between
    numbers = [int(one.sha, 16) - 1000 for one in found.comparison.commits]
    assert numbers == list(range(between, first - 1, -1))
    assert len(numbers) == listed


async def test_production_goes_before_previews_of_which_there_are_many() -> None:
    repo = Repo()
    for number in range(300):
        preview = {"environment": f"pr-{number}", "production_environment": False, "transient_environment": True}
        repo.deployed(number, ago(hours=20 - number / 100), ("success", ago(hours=1)), **preview)
    repo.deployments.insert(30, a_deployment(900, ago(hours=1)))
    repo.statuses[900] = [{"state": "success", "created_at": ago(hours=1)}]
    found, servers = await looked(FakeGitHub({"acme/pay": repo}))
    assert "900" in {one.deployment_id for one in found.deployments}
    assert len(servers.asked) <= MAX_REQUESTS
    assert any("were not asked for" in one for one in found.warnings)


async def test_five_thousand_deployments_cost_no_more_than_a_look_has() -> None:
    repo = Repo(history=[a_commit(number) for number in range(4998, 5001)])
    for number in range(1, 5001):
        repo.deployed(number, ago(hours=20 - number / 300), ("success", ago(hours=20 - number / 300)))
    neighbours = {f"n{one}": f"acme/n{one}" for one in range(60)}
    fake = FakeGitHub({"acme/pay": repo, **dict.fromkeys(neighbours.values(), repo)})
    repositories = {"payment": "acme/pay", **neighbours}
    found, servers = await looked(fake, "payment", *neighbours, repositories=repositories)
    assert len(servers.asked) <= MAX_REQUESTS
    assert found.comparison is not None
    assert "57 more repositories of neighbours were not looked at" in found.warnings


async def test_every_question_says_who_asks_and_below_which_base() -> None:
    _, servers = await looked(FakeGitHub({"acme/pay": a_repo()}), url="http://127.0.0.1:8443/api/v3/?x=1")
    for asked in servers.asked:
        assert asked.path.startswith("/api/v3/repos/acme/pay/")
        told = {
            name: asked.headers[name] for name in ("accept", "x-github-api-version", "user-agent", "authorization")
        }
        assert told == {
            "accept": "application/vnd.github+json",
            "x-github-api-version": "2022-11-28",
            "user-agent": "sre-copilot",
            "authorization": f"bearer {TOKEN}",
        }


REPOSITORIES = {"payment": "acme/pay", "cart": "acme/cart"}


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (responding({"message": "Bad credentials"}, 401), "unauthorised"),
        (responding({"message": "Resource not accessible by personal access token"}, 403), "unauthorised"),
        (responding({"message": "API rate limit exceeded"}, 403), "throttled"),
        (responding({"message": "slow"}, 429), "throttled"),
        (responding({"message": "Not Found"}, 404), "not_found"),
        (responding({"message": "Moved Permanently"}, 301, headers="Location: http://evil.example/\r\n"), "moved"),
        (responding({"message": "Git Repository is empty."}, 409), "refused"),
        (responding(b"<html>", 502), "http_5xx"),
        (responding(b"<html>sign in</html>"), "not_json"),
        (responding(b""), "not_json"),
        (responding(b"[" * 100_000), "not_json"),
        (responding([a_deployment(1, ago(hours=1))], cut=9), "protocol"),
        (responding({"message": "odd"}), "unexpected_shape"),
        (responding(b" " * (4 * 1024 * 1024 + 1)), "too_large"),
        (responding(b"", 304), "refused"),
    ],
    ids=range(15),
)
async def test_a_github_that_answers_nothing_usable_fails_with_its_reason(told: bytes, reason: str) -> None:
    with pytest.raises(SourceUnavailable) as failed:
        await looked(lambda _: told)
    assert failed.value.reason == reason


async def test_a_github_that_hangs_fails_in_time() -> None:
    for limits in ({"ask_seconds": 0.01}, {"look_seconds": 0.01}):
        with pytest.raises(SourceUnavailable) as failed:
            await looked(lambda _: None, **limits)
        assert failed.value.reason == "timeout"


async def test_what_was_found_before_the_time_was_over_is_kept() -> None:
    slow = FakeGitHub({"acme/pay": a_repo()})

    def hanging_on_statuses(asked: Asked) -> bytes | None:
        return None if "statuses" in asked.path else slow(asked)

    slow.repos["acme/pay"].releases.append(a_release("v2", ago(hours=1)))
    found, _ = await looked(hanging_on_statuses, look_seconds=0.05)
    assert ([one.tag for one in found.releases], found.failure) == (["v2"], "timeout")


async def test_one_repository_that_fails_costs_only_itself() -> None:
    found, _ = await looked(FakeGitHub({"acme/pay": a_repo()}), "payment", "cart", repositories=REPOSITORIES)
    assert len(found.deployments) == 3
    assert found.failure == "not_found"
    assert found.warnings == (
        "GitHub shows no deployments of acme/cart: it does not exist, or the token may not read it.",
    )


async def test_a_comparison_that_fails_leaves_the_deployments() -> None:
    repo = a_repo()
    repo.history = []
    found, _ = await looked(FakeGitHub({"acme/pay": repo}))
    assert (len(found.deployments), found.comparison, found.failure) == (3, None, "not_found")


async def test_an_address_we_do_not_go_to_is_refused() -> None:
    with pytest.raises(AddressRefused):
        await looked(FakeGitHub({}), url="http://169.254.169.254/")


ODD: list[Any] = [None, 7, "x", [], {}, {"id": "../1", "created_at": ago(hours=1)}, {"id": 4}, {"id": True}]


async def test_entries_that_make_no_sense_are_left_out_and_counted() -> None:
    repo = a_repo()
    repo.deployments += [*ODD, {**a_deployment(8, "yesterday")}]
    repo.statuses[5] += [*ODD, {"state": ["success"], "created_at": ago(hours=0.1)}]
    repo.releases += ODD
    found, _ = await looked(FakeGitHub({"acme/pay": repo}))
    assert [one.deployment_id for one in found.deployments] == ["5", "3", "2"]
    assert found.warnings == (
        "9 entries among the deployments of acme/pay make no sense and are left out",
        "8 entries among the releases of acme/pay make no sense and are left out",
    )


async def test_hostile_text_is_one_line_and_short_and_leads_nowhere() -> None:
    long = "a\nb\u202e\ud800<b>" + "x" * 100_000
    repo = Repo(history=[a_commit(1), a_commit(2, long, html_url="javascript:alert(1)", author={"login": long})])
    repo.deployed(1, ago(hours=3), ("success", ago(hours=3)))
    hostile = {"environment": "production", "ref": long, "description": long, "creator": {"login": long}}
    repo.deployed(2, ago(hours=1), ("success", ago(hours=1)), **hostile)
    repo.statuses[2][0]["log_url"] = "javascript:alert(1)"
    repo.releases.append(a_release(long, ago(hours=1), name=long, html_url="//evil.example"))
    found, _ = await looked(FakeGitHub({"acme/pay": repo}))
    newest, release = found.deployments[0], found.releases[0]
    assert newest.url == f"https://github.com/acme/pay/commit/{sha(2)}"
    assert release.url is None
    assert found.comparison is not None
    (commit,) = found.comparison.commits
    assert (commit.title, commit.url) == ("a", None)
    for text in (newest.ref, newest.title, newest.author, release.tag, release.title, commit.author):
        assert text is not None
        assert text.isprintable()
        assert len(text.encode()) <= 300


async def test_a_sha_that_is_none_is_not_asked_about() -> None:
    repo = Repo().deployed(1, ago(hours=3), ("success", ago(hours=3)), sha="../../user")
    repo.deployed(2, ago(hours=1), ("success", ago(hours=1)), sha=7)
    found, servers = await looked(FakeGitHub({"acme/pay": repo}))
    assert [one.sha for one in found.deployments] == [None, None]
    assert found.comparison is None
    assert not any("compare" in one.path for one in servers.asked)


async def test_a_look_that_is_given_up_leaves_nothing_behind() -> None:
    source, _ = asking(lambda _: None)
    look = asyncio.create_task(source.look(("payment",), since=NOON - timedelta(hours=1), until=NOON))
    await asyncio.sleep(0.01)
    look.cancel()
    with pytest.raises(asyncio.CancelledError):
        await look
