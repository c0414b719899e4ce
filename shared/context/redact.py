"""Masks what is obviously a secret in text from outside, before it is kept, shown or sent to a model."""

import re
import unicodedata

MASK = "[redacted]"

_UNSEEN = frozenset(("Cc", "Cf", "Co", "Cn"))
_SENSITIVE_NAMES = (
    r"password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|credentials?|"
    r"shared[_-]?access[_-]?(?:key|signature)|sig"
)
# Order matters: whole blocks, and credentials inside URLs, go before the pairs they may contain.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S),
        MASK,
    ),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"), MASK),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://)[^\s/?#\"']{1,300}@", re.I), rf"\1{MASK}@"),
    (re.compile(r"(\bhooks\.slack\.com/(?:services|workflows|triggers)/)[\w/-]+", re.I), rf"\1{MASK}"),
    (re.compile(r"\b((?:bearer|basic)\s+)[\w.~+/-]{8,}=*", re.I), rf"\1{MASK}"),
    (re.compile(rf"(--(?:[a-z0-9]{{1,30}}-){{0,4}}(?:{_SENSITIVE_NAMES})\s+)[^\s-]\S{{0,500}}", re.I), rf"\1{MASK}"),
    (re.compile(r"\b(token\s+token=)[\w.~+/-]+", re.I), rf"\1{MASK}"),
    (
        re.compile(
            rf"((?<![a-z])(?:[a-z0-9]{{1,30}}[_.-]){{0,4}}(?:{_SENSITIVE_NAMES})\\?[\"']?\s*(?:=~?|:)\s*\\?)"
            r"(\"[^\"\n]{1,500}\"|'[^'\n]{1,500}'|[^\s\"',;&}\\]{1,500})",
            re.I,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(?:(?:gh[poshu]|glsa|xox[abprs]|sk)[_-]|A[KS]IA)[A-Za-z0-9_-]{16,}"), MASK),
)


def redact(text: str) -> str:
    """The text with obvious secrets masked; what is not one stays as it is."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str) -> str:
    """The text on one line, without control and formatting characters, which can hide or reorder what is read."""
    if text.isprintable():
        return text
    return "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in _UNSEEN
    )


def safe_text(text: str, limit: int) -> str:
    """Text from outside, fit to be kept: one line, secrets masked, at most `limit` characters, always encodable."""
    # Cut generously first, so that hostile text costs little; a lone surrogate could not be written as UTF-8.
    encodable = text[: limit * 20].encode("utf-8", "replace").decode()
    # Unseen characters go first: inside a word they would hide a secret from the rules.
    masked = redact(one_line(encodable))
    return masked if len(masked) <= limit else masked[: limit - 1] + "…"
