"""Masks labels, annotations and fields: by their names, and by what is in them."""

from collections.abc import Mapping
from functools import lru_cache

from shared.redaction.kinds import Tally
from shared.redaction.links import redact_link
from shared.redaction.names import kind_of_name
from shared.redaction.text import is_clean, masked_by_name, redact

_LINK = ("https://", "http://")


def redact_value(name: str, value: str, tally: Tally | None = None) -> str:
    """A label's or a field's value: masked whole where its name says so, else what is in it."""
    masked = None if is_ordinary(name) else masked_by_name(name, value, tally)
    if masked is not None:
        return masked
    is_link = value.startswith(_LINK) and " " not in value
    return redact_link(value, tally) if is_link else redact(value, tally)


def redact_map(named: Mapping[str, str], tally: Tally | None = None) -> dict[str, str]:
    """Labels or annotations, their names included."""
    return {redact_name(name, tally): redact_value(name, value, tally) for name, value in named.items()}


def redact_name(name: str, tally: Tally | None = None) -> str:
    """A label's name, which nearly never holds anything."""
    return name if is_ordinary(name) else redact(name, tally)


@lru_cache(maxsize=4096)
def is_ordinary(name: str) -> bool:
    """Whether a name holds no secret and announces none."""
    return kind_of_name(name) is None and is_clean(name)
