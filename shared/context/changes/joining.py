"""The same change as several tell of it, as one piece of evidence: none is lost, and none is counted twice. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from shared.context.changes.told import SKEW, Rank, Told, plain_version, title_text
from shared.models.changes import ChangeKind
from shared.models.evidence import EVERYWHERE, ChangeEvidence, Origin

SAME_NAME_WITHIN = timedelta(hours=1)
"""The same version of the same service within this time came once; later it came again."""
STARTS_AFTER = timedelta(minutes=10)
"""How long a change may take to start every process anew."""
EXACT_SECONDS = 60.0
"""From a time that is known as well as this, metrics tell when a change showed; by the clock of all other series."""

_ROLLED = (ChangeKind.DEPLOY, ChangeKind.ROLLBACK)
_NUMBERED = re.compile(r"\d+(\.\d+)+")
_REVISION = re.compile(r"[0-9a-f]{7,40}")
_HAS_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{3,}")
_SAYS_NOTHING = frozenset((
    "changed", "config", "configuration", "disabled", "enabled", "feature", "feature-flag", "flag", "from", "service",
    "setting", "settings", "turned", "updated", "value", "with",
))  # fmt: skip


def joined(told: Iterable[Told]) -> list[ChangeEvidence]:
    """Each change once, by who knows most of it; in the order of time."""
    by_service: dict[str, list[Told]] = {}
    for one in sorted(told, key=_order):
        by_service.setdefault(one.piece.service, []).append(one)
    general = by_service.pop(EVERYWHERE, [])
    groups = [group for service in sorted(by_service) for group in _grouped(by_service[service])]
    left = []
    for one in general:
        # What names a version but no service is told of every service that got this version then.
        same = [group for group in groups if any(_is_named_alike(one, other) for other in group)]
        for group in same:
            group.append(one)
        left += [] if same else [one]
    found = [_merged(sorted(group, key=_order)) for group in (*groups, *_grouped(left))]
    return sorted(found, key=lambda one: (one.at, one.service, one.version or "", one.title))


def _grouped(told: Iterable[Told]) -> list[list[Told]]:
    """Of one service, those that told of the same change."""
    groups: list[list[Told]] = []
    for one in told:
        fitting = [group for group in groups if _fits(one, group)]
        if fitting:
            min(fitting, key=lambda group: _distance(one, group)).append(one)
        else:
            groups.append([one])
    return groups


def rolled_back(pieces: Iterable[ChangeEvidence]) -> list[ChangeEvidence]:
    """The same, where a version that had been replaced comes back as a rollback, whoever called it a deploy."""
    found = []
    first: dict[tuple[str, str], int] = {}
    latest: dict[str, ChangeEvidence] = {}
    for one in sorted(pieces, key=lambda one: one.at):
        piece, before = one, latest.get(one.service)
        # By what only metrics saw this was known before; several of them speak of several things.
        is_told = one.told_by != (Origin.PROMETHEUS,)
        if one.change is ChangeKind.DEPLOY and is_told and before is not None and _is_older(one, before, first):
            piece = _as_rollback(one, one.previous_version or before.version)
        elif one.change is ChangeKind.ROLLBACK:
            piece = _as_rollback(one, one.previous_version)
        if piece.change in _ROLLED and piece.version:
            for version in filter(None, (piece.previous_version, piece.version)):
                first.setdefault((piece.service, plain_version(version)), len(first))
            if is_told:
                latest[piece.service] = piece
        found.append(piece)
    return found


def _is_older(one: ChangeEvidence, before: ChangeEvidence, first: Mapping[tuple[str, str], int]) -> bool:
    """Whether its version was there before that which it replaces. Names of branches come and go."""
    version, replaced = (plain_version(name or "") for name in (one.version, one.previous_version or before.version))
    if not (_HAS_DIGIT.search(version) and _HAS_DIGIT.search(replaced)):
        return False
    here, there = first.get((one.service, version)), first.get((one.service, replaced))
    return here is not None and there is not None and here < there


def _as_rollback(piece: ChangeEvidence, previous: str | None) -> ChangeEvidence:
    """It is told in so many words, whatever its title was."""
    says_so = any(
        word in piece.title.casefold() for word in ("rollback", "rolled back", "roll back", "revert", "is back")
    )
    title = (
        piece.title if says_so else f"rollback: {piece.title}" if piece.title else "rollback to an earlier version"
    )
    update = {"change": ChangeKind.ROLLBACK, "previous_version": previous, "title": title_text(title)}
    return piece.model_copy(update=update)


def _order(one: Told) -> tuple[int, datetime, str, str, str, str]:
    piece = one.piece
    return one.rank, piece.at, piece.service, piece.version or "", piece.title, one.teller


def _fits(one: Told, group: Sequence[Told]) -> bool:
    if one.rank is Rank.STARTED:
        return any(_explains(other, one) for other in group)
    if any(other.teller == one.teller for other in group) or not any(_is_same(one, other) for other in group):
        return False
    return not any(_contradict(one, other) for other in group)


def _distance(one: Told, group: Sequence[Told]) -> tuple[bool, timedelta]:
    is_named = any(_have_a_name_in_common(one, other) for other in group)
    return not is_named, min(_apart(one, other) for other in group)


def _is_same(one: Told, other: Told) -> bool:
    kinds = {one.piece.change, other.piece.change}
    if one.piece.url and one.piece.url == other.piece.url:
        return len(kinds - {ChangeKind.OTHER}) <= 1 or kinds <= set(_ROLLED)
    if Rank.RELEASED in (one.rank, other.rank):
        # It is published before it is deployed, or as it is; only its name says that it was.
        return kinds <= {*_ROLLED, ChangeKind.OTHER} and _have_a_name_in_common(one, other)
    if _is_near(one, other):
        return kinds <= set(_ROLLED) or (len(kinds) == 1 and _speak_of_the_same(one, other))
    is_lately = kinds <= set(_ROLLED) and _apart(one, other) <= SAME_NAME_WITHIN
    return is_lately and _have_a_name_in_common(one, other)


def _explains(change: Told, started: Told) -> bool:
    """Whether processes began because of a change; a change of another kind of process starts none."""
    began, ended = change.began - SKEW, change.ended + STARTS_AFTER
    is_reason = change.piece.change in (*_ROLLED, ChangeKind.CONFIG) and change.rank is not Rank.RELEASED
    return is_reason and began <= started.piece.at <= ended


def _speak_of_the_same(one: Told, other: Told) -> bool:
    """Two settings may be changed at once: their titles tell them apart, where both have one that a person wrote."""
    if Rank.CONFIGURED in (one.rank, other.rank):
        return True
    return bool(_telling(one.piece.title) & _telling(other.piece.title))


def _telling(title: str) -> set[str]:
    return set(_WORD.findall(title.casefold())) - _SAYS_NOTHING


def _is_named_alike(one: Told, other: Told) -> bool:
    return _is_near(one, other) and _have_a_name_in_common(one, other)


def _is_near(one: Told, other: Told) -> bool:
    return _apart(one, other) <= SKEW


def _apart(one: Told, other: Told) -> timedelta:
    """How much time lies between the two, as far as it is known when they were."""
    return max(one.began - other.ended, other.began - one.ended, timedelta())


def _have_a_name_in_common(one: Told, other: Told) -> bool:
    return any(_is_equal(name, beside) for name in one.names for beside in other.names)


def _contradict(one: Told, other: Told) -> bool:
    """Whether both have a number, or both a revision, and not the same: two versions, however close in time."""
    if _have_a_name_in_common(one, other):
        return False
    return any(
        spelled(one.names) and spelled(other.names) and not spelled(one.names) & spelled(other.names)
        for spelled in (_numbers, _revisions)
    )


def _numbers(names: Iterable[str]) -> set[str]:
    """What stands before a suffix, which one may have and another leave out."""
    return {found.group() for name in names if (found := _NUMBERED.match(name))}


def _revisions(names: Iterable[str]) -> set[str]:
    return {name for name in names if _REVISION.fullmatch(name)}


def _is_equal(name: str, other: str) -> bool:
    if name == other:
        return True
    if not (_REVISION.fullmatch(name) and _REVISION.fullmatch(other)):
        return False
    return name.startswith(other) or other.startswith(name)


def _merged(group: Sequence[Told]) -> ChangeEvidence:
    """Who, what and the link by who knows most, the time by who saw it take effect, what is missing by the others."""
    pieces = [one.piece for one in group]
    timed = min(group, key=_exactness).piece
    # Both versions by one teller, as each has words of their own; by who saw them run before who only says so.
    by_sight = [one.piece for one in sorted(group, key=lambda one: one.rank is not Rank.SEEN)]
    versions = next((one for one in by_sight if one.version and one.previous_version), None)
    versions = versions or next((one for one in by_sight if one.version), pieces[0])
    began = min((_under_way(one) for one in group if not _says_little(one)), default=timed.at)
    kinds = [one.change for one in pieces]
    with_commits = next((one for one in pieces if one.commits), pieces[0])
    return pieces[0].model_copy(
        update={
            "service": next((one.service for one in pieces if one.service != EVERYWHERE), EVERYWHERE),
            "change": ChangeKind.ROLLBACK if ChangeKind.ROLLBACK in kinds else _kind(kinds),
            "version": versions.version,
            "previous_version": versions.previous_version,
            "title": next((one.title for one in pieces if one.title), ""),
            "author": next((one.author for one in pieces if one.author), None),
            "url": next((one.url for one in pieces if one.url), None),
            "at": timed.at,
            "uncertain_seconds": timed.uncertain_seconds,
            "began_at": began if began < timed.at else None,
            "told_by": tuple(sorted({one.origin for one in pieces}, key=list(Origin).index)),
            "commits": with_commits.commits,
            "commits_total": with_commits.commits_total,
        }
    )


def _under_way(one: Told) -> datetime:
    """When it was first seen to be; how much earlier that may have been is not known."""
    return one.began + timedelta(seconds=one.piece.uncertain_seconds)


def _kind(kinds: Sequence[ChangeKind]) -> ChangeKind:
    return next((kind for kind in kinds if kind is not ChangeKind.OTHER), ChangeKind.OTHER)


def _exactness(one: Told) -> tuple[bool, bool, int]:
    """A process that began, or a release, says nothing of when a change took effect."""
    return _says_little(one), one.piece.origin is not Origin.PROMETHEUS, one.rank


def _says_little(one: Told) -> bool:
    return one.rank in (Rank.STARTED, Rank.RELEASED) or one.piece.uncertain_seconds > EXACT_SECONDS
