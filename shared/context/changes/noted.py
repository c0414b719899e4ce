"""What annotations tell of changes: whose they are by the words in them, and of what kind by a table. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from shared.context.changes.names import Around
from shared.context.changes.told import Rank, Told, link_text, name_text, names_of, title_text
from shared.models.changes import ChangeKind
from shared.models.evidence import EVERYWHERE, ChangeEvidence, Origin
from shared.ports.annotations import Annotation

NO_CHANGE = frozenset(("alert", "alerting", "incident", "outage", "postmortem"))
"""What a note with one of these words tells of is no change, whatever else it says."""
KINDS: Sequence[tuple[ChangeKind, frozenset[str]]] = (
    (ChangeKind.ROLLBACK, frozenset(("back-out", "revert", "reverted", "rollback", "rolled-back"))),
    (
        ChangeKind.FEATURE_FLAG,
        frozenset(
            (
                "experiment",
                "feature-flag",
                "feature-flags",
                "featureflag",
                "flag",
                "flags",
                "launchdarkly",
                "toggle",
                "unleash",
            )
        ),
    ),
    (ChangeKind.CONFIG, frozenset(("config", "configuration", "settings"))),
    (
        ChangeKind.DEPLOY,
        frozenset(
            (
                "canary",
                "cd",
                "deploy",
                "deployed",
                "deployment",
                "deploys",
                "release",
                "released",
                "rollout",
                "shipped",
            )
        ),
    ),
    (
        ChangeKind.INFRASTRUCTURE,
        frozenset(
            (
                "cluster",
                "failover",
                "infra",
                "infrastructure",
                "migration",
                "network",
                "node",
                "scaling",
                "terraform",
                "upgrade",
            )
        ),
    ),
)
"""Which kind a word speaks of, in this order; tags go before text."""

MAX_NAMED = 5
"""Of so many services a note can be."""

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_VERSION = re.compile(
    r"(?<![\w.])v?\d+(?:\.\d+)+(?:[-+][\w.]+)?|(?<!\w)(?=[0-9]*[a-f])[0-9a-f]{7,40}(?!\w)", re.IGNORECASE
)


def noted(notes: Iterable[Annotation], around: Around, *, system: str) -> list[Told]:
    """The notes that name a service around, and those of deploys that name none at all.

    `system` tells one that has annotations from another.
    """
    found = []
    for note in notes:
        kind = kind_of(note)
        services = _services(note, kind, around) if kind else ()
        if kind and services:
            told = _told(kind, note, system)
            pieces = (told.piece.model_copy(update={"service": service}) for service in services)
            found += [replace(told, piece=piece) for piece in pieces]
    return found


def kind_of(note: Annotation) -> ChangeKind | None:
    """The kind of change that a note tells of; None where it tells of none."""
    tags, text = _words(*note.tags), _words(note.text)
    if NO_CHANGE & tags:
        return None
    for words in (tags, text):
        for kind, speak in KINDS:
            if speak & words:
                return kind
    return ChangeKind.OTHER


def _services(note: Annotation, kind: ChangeKind, around: Around) -> Sequence[str]:
    named = around.named_in(*note.tags) or around.named_in(note.text)
    if named:
        return named[:MAX_NAMED]
    # A tag is meant for filtering; a text that only speaks of a deploy may be of any service, far off.
    is_general = kind in (ChangeKind.DEPLOY, ChangeKind.ROLLBACK) and kind_of(_only_tags(note)) is kind
    return [EVERYWHERE] if is_general else []


def _told(kind: ChangeKind, note: Annotation, system: str) -> Told:
    """Of no service yet: it may be of several."""
    piece = ChangeEvidence(
        origin=Origin.GRAFANA,
        query=f"/api/annotations/{note.annotation_id}",
        service=EVERYWHERE,
        change=kind,
        title=title_text(note.text) or title_text(" ".join(note.tags)),
        author=name_text(note.author),
        url=link_text(note.link) or link_text(note.dashboard_url),
        at=note.at,
    )
    names = names_of(*_VERSION.findall(" ".join((note.text, *note.tags))))
    return Told(piece, f"noted/{system}", Rank.NOTED, names, note.at, max(note.until or note.at, note.at))


def _only_tags(note: Annotation) -> Annotation:
    return Annotation(note.annotation_id, note.at, "", tags=note.tags)


def _words(*texts: str) -> set[str]:
    """Each word, and each two words that follow each other as if a hyphen joined them."""
    found: set[str] = set()
    for text in texts:
        words = _WORD.findall(text.casefold().replace("_", "-"))
        found.update(words)
        found.update(f"{one}-{two}" for one, two in pairwise(words))
    return found
