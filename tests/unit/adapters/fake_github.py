"""A GitHub in a few lines: repositories with deployments, their statuses, releases and a history."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.breaker import Breaker
from shared.adapters.github import LOOK_SECONDS, GitHub
from shared.adapters.github_api import ASK_SECONDS, GitHubApi
from shared.adapters.github_places import Mapped
from shared.adapters.kept_answers import KeptAnswers
from shared.adapters.prometheus import Connection
from shared.adapters.tenant_slots import TenantSlots
from tests.builders import ACME, NOON
from tests.unit.adapters.scripted import Asked, Servers, responding

TOKEN = "github_pat_secret"


def sha(number: int) -> str:
    """A revision."""
    return f"{number:040x}"


def ago(**length: float) -> str:
    """So long before noon, as GitHub writes it."""
    return (NOON - timedelta(**length)).strftime("%Y-%m-%dT%H:%M:%SZ")


def a_deployment(number: int, created_at: str, **changes: Any) -> dict[str, Any]:
    """As `GET /repos/{owner}/{repo}/deployments` lists it, with some of what is not kept."""
    return {
        "url": f"https://api.github.com/repos/acme/pay/deployments/{number}",
        "id": number,
        "node_id": "MDEw",
        "sha": sha(number),
        "ref": "main",
        "task": "deploy",
        "payload": {},
        "original_environment": "production",
        "environment": "production",
        "description": None,
        "creator": {"login": "dana", "id": 1, "type": "User"},
        "created_at": created_at,
        "updated_at": created_at,
        "transient_environment": False,
        "production_environment": True,
        **changes,
    }


def a_status(state: str, created_at: str, **changes: Any) -> dict[str, Any]:
    """As `GET …/deployments/{id}/statuses` lists it."""
    return {"id": 1, "state": state, "created_at": created_at, "updated_at": created_at, "log_url": "", **changes}


def a_release(tag: str, published_at: str | None, **changes: Any) -> dict[str, Any]:
    """As `GET /repos/{owner}/{repo}/releases` lists it."""
    return {
        "tag_name": tag,
        "name": f"Release {tag}",
        "draft": False,
        "prerelease": False,
        "published_at": published_at,
        "author": {"login": "dana"},
        "html_url": f"https://github.com/acme/pay/releases/tag/{tag}",
        "body": "notes",
        **changes,
    }


def a_commit(number: int, message: str = "", **changes: Any) -> dict[str, Any]:
    """As a comparison lists it."""
    return {
        "sha": sha(number),
        "commit": {
            "message": message or f"Change {number}",
            "author": {"name": "Eve", "email": "eve@acme.example", "date": ago(hours=3)},
            "committer": {"name": "GitHub", "date": ago(hours=2)},
        },
        "author": {"login": "eve"},
        "html_url": f"https://github.com/acme/pay/commit/{sha(number)}",
        **changes,
    }


@dataclass
class Repo:
    """What one repository answers."""

    deployments: list[dict[str, Any]] = field(default_factory=list)
    statuses: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    releases: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    """Commits, oldest first, in one line."""
    touching: Mapping[str, list[int]] = field(default_factory=dict)

    def deployed(self, number: int, created_at: str, *statuses: tuple[str, str], **changes: Any) -> "Repo":
        """One more deployment; statuses as they came, oldest first."""
        self.deployments.insert(0, a_deployment(number, created_at, **changes))
        self.statuses[number] = [a_status(state, at) for state, at in reversed(statuses)]
        return self


_PATH = re.compile(r"(?:/api/v3)?/repos/(?P<repo>[^/]+/[^/]+)/(?P<rest>.+)")


@dataclass
class FakeGitHub:
    """Answers by path. `first` may answer before all else, and `headers` go with every answer."""

    repos: dict[str, Repo]
    first: Callable[[Asked], bytes | None] = lambda _: None
    headers: str = ""

    def __call__(self, asked: Asked) -> bytes | None:
        told = self.first(asked)
        if told is not None:
            return told
        found = _PATH.fullmatch(asked.path)
        repo = self.repos.get(found["repo"]) if found else None
        if found is None or repo is None:
            return responding({"message": "Not Found"}, 404)
        page, size = int(asked.params.get("page", ["1"])[0]), int(asked.params["per_page"][0])
        if found["rest"].startswith("compare/"):
            return self._compared(repo, found["rest"].removeprefix("compare/"), page, size)
        listed = self._listed(repo, found["rest"], asked)
        if listed is None:
            return responding({"message": "Not Found"}, 404)
        more = (
            '<http://evil.example/?page=2>; rel="next", <http://x/>; rel="last"' if len(listed) > page * size else ""
        )
        link = f"Link: {more}\r\n" if more else ""
        return responding(listed[(page - 1) * size : page * size], headers=self.headers + link)

    def _listed(self, repo: Repo, rest: str, asked: Asked) -> list[dict[str, Any]] | None:
        if rest == "deployments":
            return repo.deployments
        if rest == "releases":
            return repo.releases
        if rest == "commits":
            numbers = repo.touching.get(asked.params["path"][0], [])
            return [a_commit(number) for number in reversed(numbers)]
        return repo.statuses.get(int(rest.split("/")[1]))

    def _compared(self, repo: Repo, basehead: str, page: int, size: int) -> bytes:
        base, head = basehead.split("...")
        order = [one["sha"] for one in repo.history]
        if base not in order or head not in order:
            return responding({"message": "Not Found"}, 404)
        start, end = order.index(base), order.index(head)
        between = repo.history[start + 1 : end + 1]
        status = "identical" if start == end else "ahead" if start < end else "behind"
        body = {
            "status": status,
            "total_commits": len(between),
            "ahead_by": len(between),
            "html_url": f"https://github.com/acme/pay/compare/{basehead}",
            "commits": between[(page - 1) * size : page * size],
            "files": [{"filename": "x", "patch": "@@"}],
        }
        return responding(body, headers=self.headers)


def asking(
    fake: Callable[[Asked], bytes | None],
    *,
    repositories: Mapping[str, str] | None = None,
    service_map: Mapping[str, str] | None = None,
    ask_seconds: float = ASK_SECONDS,
    look_seconds: float = LOOK_SECONDS,
    clock: Callable[[], float] = lambda: 1000.0,
    url: str = "http://127.0.0.1:8443/api/v3/",
) -> tuple[GitHub, Servers]:
    """A source before such a GitHub, and what it was asked."""
    servers = Servers(fake)
    api = GitHubApi(
        servers.client(),
        Connection(url, bearer_token=TOKEN),
        tenant_id=ACME,
        kept=KeptAnswers(),
        slots=TenantSlots(4),
        breaker=Breaker(clock=clock),
        ask_seconds=ask_seconds,
        pause_seconds=0,
        clock=clock,
    )
    mapped = Mapped(repositories or {"payment": "acme/pay"}, service_map or {}, "https://github.com")
    return GitHub(api, mapped, integration_id="int-1", look_seconds=look_seconds), servers


SINCE, UNTIL = NOON - timedelta(hours=24), NOON
A_DAY = (SINCE, UNTIL)


def at(text: str) -> datetime:
    """The time that GitHub wrote."""
    return datetime.fromisoformat(text)
