"""Which runbooks fit an incident: named for its alerts or services first, and by their text (BM25). Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from shared.context.words import apart
from shared.models.runbooks import Runbook

MAX_FOUND = 5
MAX_EXCERPT_CHARS = 500
MAX_SEARCHED_CHARS = 1_500_000
"""Of all runbooks together, which takes about half a second: of a larger library each one's beginning is searched."""
FOR_ALERT, FOR_SERVICE, FOR_NEIGHBOUR, BY_TAG, BY_TEXT = 0.45, 0.3, 0.1, 0.1, 0.25
"""What each reason is worth, at most 1 together. Text alone never ranks above a runbook that names the alert."""
_ENOUGH_TEXT = 0.15
_HEADING = re.compile(r"(?m)^(?=#{1,6} )")


@dataclass(frozen=True)
class Sought:
    """What an incident is about, in the words in which a runbook may speak of it."""

    service: str
    neighbours: frozenset[str]
    alert_names: frozenset[str]
    labels: frozenset[str]
    """Values of the alerts' labels, which tags may name."""
    text: str


@dataclass(frozen=True)
class Fitting:
    """A runbook that fits, how well (0 to 1), why, and its best part."""

    runbook: Runbook
    score: float
    because: tuple[str, ...]
    excerpt: str
    """Longer than it is shown: what is cut before its secrets are masked may show a part of one."""


def fitting(runbooks: Sequence[Runbook], sought: Sought) -> list[Fitting]:
    """The runbooks that fit, best first, at most MAX_FOUND; equal ones in the order of their ids."""
    present = [one for one in runbooks if one.removed_at is None]
    if not present:
        return []
    of_each = [_parts(book, room_of_each(present)) for book in present]
    parts = [(book, part) for book, own in zip(present, of_each, strict=True) for part in own]
    by_text = _by_text([f"{_titled(book)} {part}" for book, part in parts], sought.text)
    found = []
    places = list(accumulate(map(len, of_each), initial=0))
    for book, start, end in zip(present, places, places[1:], strict=False):
        best = max(range(start, end), key=lambda at: (by_text[at], -at))
        one = _fit(book, sought, by_text[best], parts[best][1])
        if one:
            found.append(one)
    return sorted(found, key=lambda one: (-one.score, one.runbook.id))[:MAX_FOUND]


def _fit(book: Runbook, sought: Sought, text: float, part: str) -> Fitting | None:
    reasons = [
        ("names the alert", FOR_ALERT, bool(sought.alert_names.intersection(book.alert_names))),
        ("is for the service", FOR_SERVICE, sought.service in book.services),
        ("is for a neighbour", FOR_NEIGHBOUR, bool(sought.neighbours.intersection(book.services))),
        ("has its tag", BY_TAG, bool(sought.labels.intersection(tag.lower() for tag in book.tags))),
    ]
    named = [(why, worth) for why, worth, holds in reasons if holds]
    if not named and text < _ENOUGH_TEXT:
        return None
    because = [why for why, _ in named] + (["speaks of it"] if text >= _ENOUGH_TEXT else [])
    score = min(1.0, sum(worth for _, worth in named) + BY_TEXT * text)
    return Fitting(book, round(score, 3), tuple(because), part.strip()[: 2 * MAX_EXCERPT_CHARS])


def room_of_each(runbooks: Sequence[Runbook]) -> int | None:
    """How many characters of each runbook are searched; None where all of all are."""
    whole = sum(len(one.body) for one in runbooks)
    return MAX_SEARCHED_CHARS // len(runbooks) if whole > MAX_SEARCHED_CHARS else None


def _parts(book: Runbook, room: int | None) -> list[str]:
    """The text from heading to heading; a runbook without text still has its title."""
    text = book.body if room is None or len(book.body) <= room else re.sub(r"\S+\Z", "", book.body[:room])
    return [part for part in _HEADING.split(text) if part.strip()] or [book.title]


def _titled(book: Runbook) -> str:
    return apart(" ".join((book.title, *book.tags, *book.services, *book.alert_names)))


def _by_text(passages: Sequence[str], asked: str) -> list[float]:
    """How well each passage answers the question, as a share of what a passage of just its words would get."""
    # numpy comes with it, which nobody else needs: imported where it is used.
    import bm25s  # type: ignore[import-untyped]  # the package ships no types

    corpus = _tokens([*(apart(one) for one in passages), asked])
    index = bm25s.BM25()
    index.index(corpus, show_progress=False)
    (question,) = _tokens([apart(asked)])
    if not question:
        return [0.0] * len(passages)
    scores = [float(score) for score in index.get_scores(question)]
    best = scores.pop()
    return [min(1.0, score / best) if best > 0 else 0.0 for score in scores]


def _tokens(texts: Iterable[str]) -> list[list[str]]:
    import bm25s

    found = bm25s.tokenize(list(texts), stopwords="en", return_ids=False, show_progress=False)
    return [list(one) for one in found]
