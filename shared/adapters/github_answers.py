"""What GitHub's REST API says of deployments, releases and comparisons, read into our own terms.

A body that is not of the API raises SourceUnavailable. Of a list, an entry that makes no sense is left out and
counted. (docs.github.com, REST API 2022-11-28: deployments, deployment statuses, releases, compare two commits.)
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from shared.errors import SourceUnavailable
from shared.models.changes import ChangeStatus
from shared.ports.deployments import Commit, Direction, Release
from shared.signals.sources.json_body import id_of, line_of, link_of, mapping_of, number_of, text_of, time_of

MAX_ITEMS: Final = 100
"""In a page; GitHub sends no more."""
MAX_SHORT_CHARS: Final = 120
MAX_TITLE_CHARS: Final = 300
_SHA: Final = re.compile(r"[0-9a-f]{7,64}")
_ROLLBACKS: Final = frozenset(("rollback", "deploy:rollback"))
_STATES: Final[Mapping[str, ChangeStatus]] = {
    "success": ChangeStatus.SUCCEEDED,
    "in_progress": ChangeStatus.IN_PROGRESS,
    "failure": ChangeStatus.FAILED,
    "error": ChangeStatus.FAILED,
}
_DIRECTIONS: Final[Mapping[str, Direction]] = {
    "ahead": Direction.FORWARD,
    "behind": Direction.BACK,
    "diverged": Direction.SIDEWAYS,
    "identical": Direction.SAME,
}

T = TypeVar("T")


@dataclass(frozen=True)
class Read(Generic[T]):
    """The entries of a list that make sense, in its order, and how many do not."""

    items: tuple[T, ...]
    unread: int = 0


@dataclass(frozen=True)
class Listed:
    """A deployment as the list has it: without a state, which only its statuses have."""

    deployment_id: str
    created_at: datetime
    service: str | None = None
    """What whoever deployed says of the service, in the deployment's payload."""
    sha: str | None = None
    ref: str | None = None
    environment: str | None = None
    author: str | None = None
    title: str | None = None
    is_production: bool = False
    is_transient: bool = False
    is_rollback: bool = False


@dataclass(frozen=True)
class Standing:
    """The state of a deployment, and since when."""

    status: ChangeStatus
    at: datetime
    began_at: datetime | None = None
    url: str | None = None


@dataclass(frozen=True)
class Compared:
    """One page of a comparison; its commits are oldest first."""

    direction: Direction
    total: int
    commits: tuple[Commit, ...]
    url: str | None = None


def deployments_in(body: bytes) -> Read[Listed]:
    """A page of `GET /repos/{owner}/{repo}/deployments`."""
    return _each(_list(body), _listed)


def standing_in(body: bytes) -> Standing | None:
    """The latest state in `GET …/deployments/{id}/statuses`; None while it waits.

    A success that another deployment has replaced since becomes `inactive`, and was a deployment at its own time.
    """
    found = sorted(_each(_list(body), _status).items, key=lambda one: one[1], reverse=True)
    known = [(_STATES[state], at, url) for state, at, url in found if state in _STATES]
    if not known:
        return None
    status, at, url = known[0]
    began = (when for state, when, _ in known if state is ChangeStatus.IN_PROGRESS and when <= at)
    return Standing(status, at, next(began, None), url)


def releases_in(body: bytes, repository: str) -> Read[Release]:
    """A page of `GET /repos/{owner}/{repo}/releases`; drafts are none."""
    published = [one for one in _list(body) if not mapping_of(one).get("draft")]
    return _each(published, lambda one: _release(one, repository))


def comparison_in(body: bytes) -> Compared:
    """A page of `GET /repos/{owner}/{repo}/compare/{base}...{head}`."""
    found = mapping_of(_parsed(body))
    direction, commits, total = (
        _DIRECTIONS.get(str(found.get("status"))),
        found.get("commits"),
        found.get("total_commits"),
    )
    if direction is None or not isinstance(commits, list) or not (number_of(total) or total == 0):
        raise _shapeless()
    read = _each(commits, _commit).items
    return Compared(direction, max(int(number_of(total) or 0), len(read)), read, link_of(found.get("html_url")))


def shas_in(body: bytes) -> frozenset[str]:
    """The revisions in a page of `GET /repos/{owner}/{repo}/commits`."""
    return frozenset(commit.sha for commit in _each(_list(body), _commit).items)


def _listed(one: Mapping[str, Any]) -> Listed | None:
    deployment_id, created_at = id_of(one.get("id")), time_of(one.get("created_at"))
    if not deployment_id.isdecimal() or created_at is None:
        return None
    return Listed(
        deployment_id=deployment_id,
        created_at=created_at,
        service=_short(_told(one.get("payload")).get("service")),
        sha=_sha(one.get("sha")),
        ref=_short(one.get("ref")),
        environment=_short(one.get("environment")),
        author=_login(one.get("creator")),
        title=_title(one.get("description")),
        is_production=one.get("production_environment") is True,
        is_transient=one.get("transient_environment") is True,
        is_rollback=one.get("task") in _ROLLBACKS if isinstance(one.get("task"), str) else False,
    )


def _status(one: Mapping[str, Any]) -> tuple[str, datetime, str | None] | None:
    at, state = time_of(one.get("created_at")), text_of(one.get("state"), limit=32)
    return (state, at, link_of(one.get("log_url")) or link_of(one.get("target_url"))) if at and state else None


def _release(one: Mapping[str, Any], repository: str) -> Release | None:
    tag, published_at = _short(one.get("tag_name")), time_of(one.get("published_at"))
    if tag is None or published_at is None:
        return None
    return Release(
        repository=repository,
        tag=tag,
        published_at=published_at,
        title=_title(one.get("name")),
        author=_login(one.get("author")),
        url=link_of(one.get("html_url")),
        is_prerelease=one.get("prerelease") is True,
    )


def _commit(one: Mapping[str, Any]) -> Commit | None:
    sha, told = _sha(one.get("sha")), mapping_of(one.get("commit"))
    if sha is None:
        return None
    message, written = told.get("message"), mapping_of(told.get("author"))
    return Commit(
        sha=sha,
        title=_title(message.lstrip().split("\n", 1)[0] if isinstance(message, str) else None) or "",
        at=time_of(mapping_of(told.get("committer")).get("date")) or time_of(written.get("date")),
        author=_login(one.get("author")) or _short(written.get("name")),
        url=link_of(one.get("html_url")),
    )


def _told(payload: object) -> Mapping[str, Any]:
    """A deployment's own payload: an object, or the text of one."""
    if not isinstance(payload, str):
        return mapping_of(payload)
    try:
        return mapping_of(json.loads(payload[:65_536]))
    except (RecursionError, ValueError):
        return {}


def _login(account: object) -> str | None:
    return _short(mapping_of(account).get("login"))


def _short(value: object) -> str | None:
    return (line_of(value, limit=MAX_SHORT_CHARS) or None) if isinstance(value, str) else None


def _title(value: object) -> str | None:
    return (line_of(value, limit=MAX_TITLE_CHARS) or None) if isinstance(value, str) else None


def _sha(value: object) -> str | None:
    return value if isinstance(value, str) and _SHA.fullmatch(value) else None


def _each(listed: Sequence[Any], read: Callable[[Mapping[str, Any]], T | None]) -> Read[T]:
    found = [read(mapping_of(one)) for one in listed[:MAX_ITEMS]]
    items = tuple(one for one in found if one is not None)
    return Read(items, len(found) - len(items))


def _list(body: bytes) -> list[Any]:
    found = _parsed(body)
    if not isinstance(found, list):
        raise _shapeless()
    return found


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise SourceUnavailable("What answers at this URL is not GitHub's API.", reason="not_json") from exc


def _shapeless() -> SourceUnavailable:
    return SourceUnavailable("The answer is JSON, but not of GitHub's API.", reason="unexpected_shape")
