"""Whether a text from outside speaks to a model instead of about a system. Pure; patterns, so it misses what is new.

It is the first line of several: what it misses still meets the fence, the checks of every claim on the snapshot, the
order that code decides, and the wording that code makes (docs/hypotheses.md).
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from shared.hypotheses.spellings import SPACED, folded, may_be_encoded, readings, words
from shared.hypotheses.suspicion_rules import (
    BLAMES,
    DISREGARDS,
    FOREIGN_BLAME,
    FOREIGN_OVERRIDE,
    INSTRUCTS,
    SPELLED,
    SQUASHED,
    WORDED,
    Suspicion,
)

_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_UNSEEN_INSIDE = re.compile("(?<=[A-Za-z])[\u200b-\u200f\u2060-\u2064\ufeff\u00ad\u180e](?=[A-Za-z])")
_MIXED = re.compile(r"[A-Za-z][\u0400-\u04ff\u0530-\u058f]|[\u0400-\u04ff\u0530-\u058f][A-Za-z]")
# Greek letters alone stand for quantities and units: µs, Δt.
_MIXED_GREEK = re.compile("[A-Za-z]{2,}[αεικνορτυχ][A-Za-z]|[αεικνορτυχΑΒΕΗΙΚΜΝΟΡΤΥΧΖ][A-Za-z]{3,}")
_LEAST_MIXED_CHARS = 4
_INERT = re.compile(r"[A-Za-z0-9_.:/ +-]{0,15}")
"""Too short to say anything to anybody."""
# Signs that `SPELLED` looks for; its words are among the hints.
_SIGNS = re.compile(r"[<>\[\]{}|#\\]|-{3}")
_HINTS = frozenset(
    max(re.findall("[a-z]+", hint), key=len, default="") for rule in (*WORDED, *SPELLED) for hint in rule.hints[0]
).union(*(filter(str.isascii, re.split(r"\W", stem)) for stem in (*DISREGARDS, *BLAMES)))
_LONG_HINTS = tuple(sorted(hint for hint in _HINTS if len(hint) > 3))  # noqa: PLR2004 -- a syllable is in many words
_SHORT_HINTS = _HINTS - {*_LONG_HINTS, ""}
_NUMBER = re.compile(r"(?<![A-Za-z0-9])[0-9]{1,7}(?:\.[0-9]+)?(?![A-Za-z0-9])")
_TELLTALE = (
    "instruction", "ignor", "disregard", "forget", "overrid", "blam", "prompt", "system", "cause", "culprit",
    "reveal", "pretend", "http", "evidence", "assistant", "answer", "confiden", "suspect", "tenant", "tool",
    *DISREGARDS,
)  # fmt: skip
_ASCII_STEMS = tuple(tuple(filter(str.isascii, stems)) for stems in (DISREGARDS, INSTRUCTS))
_TELLTALE_IN_ASCII = tuple(filter(str.isascii, _TELLTALE))


@lru_cache(maxsize=8_192)
def suspicion_of(text: str) -> Suspicion | None:
    """The first reason to keep a text from a model, in any way of reading it; None for an ordinary one.

    `active_markup` comes last: it is harmless where it is not shown, and must not hide another reason.
    """
    if _INERT.fullmatch(text) or _is_ordinary(text):
        return None
    # A storm says the same with other numbers: what differs by them alone is judged once.
    return _judged(text if may_be_encoded(text) else _NUMBER.sub("1", text))


def _is_ordinary(text: str) -> bool:
    """Whether no word of a text, however it is read, is one that a rule could not do without: most are."""
    if not text.isascii() or may_be_encoded(text) or _SIGNS.search(text) or SPACED.search(text):
        return False
    return not any(map(_is_telling, text.split()))


@lru_cache(maxsize=32_768)
def _is_telling(token: str) -> bool:
    said = [words(reading) for reading in readings(token)]
    is_short_one = not _SHORT_HINTS.isdisjoint(said[0].split())
    return is_short_one or any(hint in one for one in said for hint in _LONG_HINTS)


@lru_cache(maxsize=4_096)
def _judged(text: str) -> Suspicion | None:
    hidden = _hidden(text)
    if hidden is not None:
        return hidden
    has_markup = False
    for one in readings(text):
        for found in _found(one, is_itself=one == text):
            if found is not Suspicion.MARKUP:
                return found
            has_markup = True
    return Suspicion.MARKUP if has_markup else None


def _hidden(text: str) -> Suspicion | None:
    if text.isascii():
        return None
    if _BIDI.search(text) or _UNSEEN_INSIDE.search(text):
        return Suspicion.HIDDEN
    is_mixed = any(len(word) >= _LEAST_MIXED_CHARS and _MIXED.search(word) for word in text.split())
    if is_mixed or _MIXED_GREEK.search(text):
        return Suspicion.MIXED_SCRIPTS
    return None


def _found(text: str, *, is_itself: bool) -> Iterator[Suspicion]:
    looks = folded(text)
    # Most readings are gibberish, and cost no more than this.
    telltale = _TELLTALE_IN_ASCII if looks.isascii() else _TELLTALE
    if not is_itself and not any(map(looks.__contains__, telltale)):
        return
    said = words(text)
    for rules, spelled in ((SPELLED, looks), (WORDED, said)):
        yield from (rule.reason for rule in rules if rule.matches(spelled))
    if _is_foreign_override(said) or SQUASHED.search(said.replace(" ", "")):
        yield Suspicion.OVERRIDE
    if any(map(said.__contains__, BLAMES)) and FOREIGN_BLAME.search(said):
        yield Suspicion.STEERING


def _is_foreign_override(said: str) -> bool:
    stems = _ASCII_STEMS if said.isascii() else (DISREGARDS, INSTRUCTS)
    return all(any(map(said.__contains__, one)) for one in stems) and FOREIGN_OVERRIDE.search(said) is not None


def is_plain_script(text: str) -> bool:
    """Whether a text is written in Latin letters, digits and signs alone: what code can read for sure."""
    return text.isascii() or all(unicodedata.name(char, "").startswith("LATIN") for char in text if char.isalpha())
