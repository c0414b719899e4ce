"""What a model words: kept where the cited evidence tells its numbers, times and names, and written anew where not.

Only what can be looked up is: a plain word is taken as such, so what a sentence means is not checked. Links,
markup and control characters never pass, whoever wrote them.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum

from shared.hypotheses.assertions import Frame
from shared.hypotheses.facts import Facts
from shared.hypotheses.ordinary import COMPOUND_PARTS, NUMBER_WORDS
from shared.hypotheses.values import CLOCK_TIME, ISO_TIME, QUANTITY, moment_said, scaled
from shared.hypotheses.wording import plain

NO_MECHANISM = "How this would come about is not told by the evidence."
_LINK = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|\bwww\.|\b(?:javascript|data|mailto|file|vbscript):|(?<=[\w.])@(?=\w))\S*",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"[<>\[\]{}|\\`*#~^$]")
_TIME = re.compile(
    rf"(?<![\w.:-])(?:{ISO_TIME.pattern}|{CLOCK_TIME.pattern.replace('?P<second>', '?P<clocked>')})(?![\w:])"
)
_NUMBER = re.compile(rf"(?<![\w.\-/]){QUANTITY.pattern}(?![A-Za-z0-9_]|[.,:-][A-Za-z0-9])", re.ASCII)
_TOKEN = re.compile(r"\S+")
_EDGES = ".,:;!?()\"'\u201c\u201d\u2018\u2019\u2013\u2014-\u2026+=/&"
_BETWEEN = re.compile(r"[-/&+=_]")
_ENDS_SENTENCE = (".", "!", "?", ":")
_POSSESSIVE = re.compile("['\u2019]s?$")
_ACRONYM_CHARS = 5
_WRITES = re.compile(
    r"\b(?:rm|curl|wget|sudo|bash|sh|chmod|eval|exec|drop|truncate|delete|insert|update|apply|patch|scale|kill|purge|"
    r"destroy|disable|approve|grant|transfer|send|upload|post|email|ignore|password|token|secret|credential)s?\b",
    re.IGNORECASE,
)


class Unsupported(StrEnum):
    """Why words do not stand."""

    EMPTY = "empty"
    LINK = "link"
    MARKUP = "markup"
    NUMBER = "number"
    TIME = "time"
    NAME = "name"
    """A name that the cited evidence does not tell, or a word that looks like one."""
    NOT_NAMED = "service_not_named"


def unsupported(
    text: str, facts: Facts, frame: Frame, *, services: Collection[str], about: str | None = None
) -> Unsupported | None:
    """Why a text does not stand on the facts that are cited, or None where it does.

    `services` are those of the whole snapshot, in lower case: one that is none of the facts' own is a name that the
    evidence does not tell. `about` is a service that has to be named.
    """
    if not text:
        return Unsupported.EMPTY
    if _LINK.search(text):
        return Unsupported.LINK
    left, named = _without_names(text, facts.names)
    if _MARKUP.search(left):
        return Unsupported.MARKUP
    if about is not None and about.lower() not in named:
        return Unsupported.NOT_NAMED
    return _untold(left, facts, frame) or _unsupported_word(_NUMBER.sub(" 0 ", _TIME.sub(" ", left)), services)


def _untold(text: str, facts: Facts, frame: Frame) -> Unsupported | None:
    for found in _TIME.finditer(text):
        said = moment_said(found.group(), frame.onset_at)
        if said is None or not facts.tell_time(said, frame.slack):
            return Unsupported.TIME
    for found in _NUMBER.finditer(_TIME.sub(" ", text)):
        number = scaled(found["number"], found["unit"])
        if number is None or not facts.tell_number(number, frame.slack):
            return Unsupported.NUMBER
    return None


def _without_names(text: str, names: Iterable[str]) -> tuple[str, set[str]]:
    """The text with a placeholder for each name that the facts tell, and the names that were found in it."""
    lowered, named = text.lower(), set()
    for name in sorted((one for one in names if one in lowered), key=len, reverse=True):
        whole = rf"(?<![\w.-]){re.escape(name)}(?![\w-]|[.]\w)"
        text, count = re.subn(whole, _NAMED, text, flags=re.IGNORECASE)
        if count:
            named.add(name)
    return text, named


_NAMED = " it "
"""What stands for a name that has been found: a plain word."""


def _unsupported_word(text: str, services: Collection[str]) -> Unsupported | None:
    begins = True
    for token in _TOKEN.findall(text):
        word = _POSSESSIVE.sub("", token.strip(_EDGES))
        if word and word != "0" and (why := _why_not(word, services, begins=begins)):
            return why
        begins = token.endswith(_ENDS_SENTENCE)
    return None


def _why_not(word: str, services: Collection[str], *, begins: bool) -> Unsupported | None:
    lowered = word.lower()
    if lowered in services:
        return Unsupported.NAME
    if lowered in NUMBER_WORDS or any(
        unicodedata.category(one) in ("Nd", "No", "Nl") for one in word if one > "\x7f"
    ):
        return Unsupported.NUMBER
    parts = [part for part in _BETWEEN.split(word) if part]
    if len(parts) > 1:
        # Of words that are put together each has to be known: "read-only" is, "billing-db" is a name.
        return None if all(part.lower() in COMPOUND_PARTS or part == "0" for part in parts) else Unsupported.NAME
    is_plain = word.isascii() and word.isalpha() and (word.islower() or (begins and word[1:].islower()))
    is_acronym = word.isascii() and word.isalpha() and word.isupper() and len(word) <= _ACRONYM_CHARS
    is_ordinary = begins and len(word) == 1
    return None if is_plain or is_acronym or is_ordinary or "'" in word or "\u2019" in word else Unsupported.NAME


def clean(text: str, *, limit: int) -> str:
    """Text in one line, without links, markup and control characters, capped."""
    bare = _MARKUP.sub("", _LINK.sub("", plain(text, limit=4 * limit)))
    return " ".join(bare.split())[:limit].strip()


def safe_steps(steps: Iterable[str], *, limit: int) -> tuple[str, ...]:
    """Next steps that read, or a rollback: those that name a link, hold markup or order a change are left out."""
    return tuple(dict.fromkeys(_safe(steps, limit)))


def _safe(steps: Iterable[str], limit: int) -> Iterator[str]:
    for step in steps:
        text = plain(step, limit=limit)
        if text and not _LINK.search(text) and not _MARKUP.search(text) and not _WRITES.search(text):
            yield text


def composed(sentences: Iterable[str], *, limit: int) -> str:
    """What the evidence says, in its own sentences: as many as fit."""
    text = ""
    for sentence in dict.fromkeys(clean(one, limit=limit) for one in sentences):
        longer = f"{text} {sentence}".strip()
        if sentence and len(longer) <= limit:
            text = longer
    return text
