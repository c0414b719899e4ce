"""Masks secrets and personal data in text from outside, before it is kept, shown, logged or sent to a model."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from hashlib import blake2b

from shared.redaction.kinds import MASKED, Tally
from shared.redaction.names import kind_of_name
from shared.redaction.rules import LONG_WORD_CHARS, RULES, Rule

_UNSEEN = frozenset(("Cc", "Cf", "Co", "Cn"))
_INERT = re.compile(r"[\w./-]{0,10}|[A-Za-z_./-]{0,13}")
"""One short word, or a path of some: most labels. Nothing in the table is that short and has no `=`, `:` or `@`."""
_MASK = re.compile(r"\[redacted:[a-z_]{3,20}\]")
_CACHED_CHARS = 200
"""Longer text is seldom the same twice."""
_NOTHING = frozenset({"", "true", "false", "null", "none", "nil", "-"})
_SECRETS_ONLY = tuple(rule for rule in RULES if not rule.kind.is_personal)


class _InForce:
    """What this process masks; secrets always."""

    rules: tuple[Rule, ...] = RULES
    personal: bool = True


def use_rules(*, personal: bool) -> None:
    """Mask personal data, or secrets alone; whoever keeps answers of `redact` has to forget them."""
    _InForce.personal = personal
    _InForce.rules = RULES if personal else _SECRETS_ONLY
    is_clean.cache_clear()


def redact(text: str, tally: Tally | None = None) -> str:
    """The text with secrets and personal data masked, counted into `tally`; what is neither stays as it is."""
    if len(text) <= _CACHED_CHARS and is_clean(text):
        return text
    return _redacted(text, tally)


@lru_cache(maxsize=16_384)
def is_clean(text: str) -> bool:
    """Whether there is nothing to mask. Storms say the same things over and over; answers are cheap to keep."""
    return _INERT.fullmatch(text) is not None or _redacted(text, None) == text


def _redacted(text: str, tally: Tally | None) -> str:
    low = text.lower()
    has_long_word = max(map(len, low.split()), default=0) >= LONG_WORD_CHARS
    for rule in _InForce.rules:
        if rule.is_one_word and not has_long_word:
            continue
        # A plain loop: it runs for every rule and new text, and calling anything costs as much as the search.
        for hint in rule.hints:
            if hint in low:
                break
        else:
            if rule.hints:
                continue
        if rule.needs is None or rule.needs.search(low):
            text = _masked(rule, text, tally)
    return text


def _masked(rule: Rule, text: str, tally: Tally | None) -> str:
    kept: list[str] = []
    end = 0
    for match in rule.pattern.finditer(text):
        length = rule.found(match["secret"])
        if length:
            start = match.start("secret")
            kept += (text[end:start], rule.kind.mask)
            end = start + length
            if tally is not None:
                tally[rule.kind] += 1
    return "".join((*kept, text[end:])) if kept else text


def masked_by_name(name: str, value: str, tally: Tally | None = None) -> str | None:
    """The mask of a value whose name says what it is; None where the value has to speak for itself."""
    kind = kind_of_name(name)
    if kind is None or value.lower() in _NOTHING or _MASK.fullmatch(value):
        return None
    if kind.is_personal and not (_InForce.personal and any(c.isdecimal() or c == "@" for c in value)):
        return None
    if tally is not None:
        tally[kind] += 1
    return kind.mask


def redact_identity(text: str, *, salt: str, tally: Tally | None = None) -> str:
    """What tells things apart, such as a service's name: two that differ still do once they are masked.

    The same text has the same end: a digest of it, keyed with `salt`. It shows nothing, but whoever has the salt and
    a guess can check it, as with an alert's fingerprint.
    """
    masked = redact(text, tally)
    if masked == text:
        return text
    return f"{masked}~{blake2b(text.encode(errors='replace'), key=salt.encode()[:64], digest_size=4).hexdigest()}"


def one_line(text: str) -> str:
    """The text on one line, without control and formatting characters, which can hide or reorder what is read."""
    if text.isprintable():
        return text
    return "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in _UNSEEN
    )


def safe_text(text: str, limit: int, tally: Tally | None = None) -> str:
    """Text from outside, fit to be kept: one line, secrets masked, at most `limit` characters, always encodable."""
    # Cut generously first, so that hostile text costs little; a lone surrogate could not be written as UTF-8.
    encodable = text[: limit * 20].encode("utf-8", "replace").decode()
    # Unseen characters go first: inside a word they would hide a secret from the rules.
    masked = redact(one_line(encodable), tally)
    return masked if len(masked) <= limit else masked[: limit - 1] + "…"


def counts(tally: Tally) -> dict[str, int]:
    """The tally as it is kept: by the kind's name, sorted."""
    return {kind.value: number for kind, number in sorted(tally.items()) if number}


def masks_in(text: str) -> dict[str, int]:
    """How many masks of each kind a text holds; what they mask is not in it any more."""
    kinds = (one[len(MASKED) + 1 : -1] for one in _MASK.findall(text))
    return dict(sorted(Counter(kinds).items()))
