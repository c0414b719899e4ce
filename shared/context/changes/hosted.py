"""What a code host tells of changes: deployments, releases, and the commits between the last two revisions. Pure."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from shared.context.changes.names import Around, is_elsewhere
from shared.context.changes.told import Rank, Told, link_text, name_text, names_of, title_text, version_text
from shared.models.changes import ChangeKind, ChangeStatus
from shared.models.evidence import ChangedCommit, ChangeEvidence, Origin
from shared.ports.deployments import Comparison, Deployed, Deployment, Direction, Release
from shared.redaction import safe_text

MAX_COMMITS, MAX_COMMIT_CHARS = 20, 120
SHORT_SHA = 7

_VERSION = re.compile(r"v?\d+([._-]\w+)*", re.IGNORECASE)


def hosted(found: Deployed, around: Around, environments: Collection[str], *, host: str) -> list[Told]:
    """Deployments of the services around by the time of their status; releases of the alerting service's code.

    `host` tells one code host from another.
    """
    here = [one for one in found.deployments if not is_elsewhere(one.environment, environments)]
    told = [
        _deployed(service, one, here, _compared(service, one, here, found.comparison, around), host)
        for one in here
        for service in one.services
        if service in around.services
    ]
    return [*told, *(_released(around.services[0], one, host) for one in found.releases)]


def _deployed(
    service: str, one: Deployment, here: Sequence[Deployment], compared: Comparison | None, host: str
) -> Told:
    is_back = one.is_rollback or (compared is not None and compared.direction is Direction.BACK)
    began = min(one.began_at or one.at, one.at)
    piece = ChangeEvidence(
        origin=Origin.GITHUB,
        query=f"/repos/{one.repository}/deployments/{one.deployment_id}",
        service=service,
        change=ChangeKind.ROLLBACK if is_back else ChangeKind.DEPLOY,
        status=one.status,
        version=version_text(_version(one)),
        previous_version=version_text(_previous(service, one, here, compared)),
        title=title_text(one.title),
        author=name_text(one.author),
        url=link_text(one.url) or (link_text(compared.url) if compared else None),
        at=one.at,
        commits=_commits(compared) if compared else (),
        commits_total=compared.total if compared else 0,
    )
    named = one.ref if one.ref and _VERSION.fullmatch(one.ref) else None
    return Told(piece, f"deployed/{host}", Rank.HOSTED, names_of(named, one.sha), began, one.at)


def _released(service: str, one: Release, host: str) -> Told:
    """Nobody says that it was deployed: weak, unless a deploy goes by the same name."""
    piece = ChangeEvidence(
        origin=Origin.GITHUB,
        query=f"/repos/{one.repository}/releases/tags/{one.tag}",
        service=service,
        change=ChangeKind.OTHER,
        title=title_text(f"release {one.tag} was published: {one.title or one.repository}"),
        author=name_text(one.author),
        url=link_text(one.url),
        at=one.published_at,
    )
    return Told(piece, f"released/{host}", Rank.RELEASED, names_of(one.tag), one.published_at, one.published_at)


def _compared(
    service: str, one: Deployment, here: Sequence[Deployment], found: Comparison | None, around: Around
) -> Comparison | None:
    """The comparison, where this is the last deployment of the revision that it leads to."""
    if found is None or (one.repository, one.environment, one.sha) != (
        found.repository,
        found.environment,
        found.head,
    ):
        return None
    if found.path is not None and service != around.services[0]:
        return None
    later = [other for other in here if other.sha == one.sha and other.environment == one.environment]
    return found if max(later, key=_by_time) is one else None


def _previous(service: str, one: Deployment, here: Sequence[Deployment], compared: Comparison | None) -> str | None:
    """The revision that ran in the same environment before, in the words of its own deployment where there is one."""
    before = [
        other
        for other in here
        if (other.repository, other.environment) == (one.repository, one.environment)
        and service in other.services
        and other.status is not ChangeStatus.FAILED
        and other.sha != one.sha
        and _by_time(other) < _by_time(one)
    ]
    if before:
        return _version(max(before, key=_by_time))
    return compared.base[:SHORT_SHA] if compared else None


def _version(one: Deployment) -> str | None:
    """A tag where it was deployed by one; the name of a branch says nothing of what is in it."""
    if one.ref and one.ref != one.sha and _VERSION.fullmatch(one.ref):
        return one.ref
    return one.sha[:SHORT_SHA] if one.sha else one.ref


def _commits(compared: Comparison) -> tuple[ChangedCommit, ...]:
    return tuple(
        ChangedCommit(
            sha=safe_text(one.sha[:SHORT_SHA], SHORT_SHA),
            title=safe_text(one.title, MAX_COMMIT_CHARS),
            author=name_text(one.author),
            url=link_text(one.url),
        )
        for one in compared.commits[:MAX_COMMITS]
    )


def _by_time(one: Deployment) -> tuple[datetime, str]:
    return one.at, one.deployment_id
