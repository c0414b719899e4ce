"""Masks labels, annotations and fields: by their names, and by what is in them."""

from collections.abc import Mapping

from shared.redaction.kinds import Tally
from shared.redaction.links import redact_link
from shared.redaction.text import masked_by_name, redact

_LINK = ("https://", "http://")


def redact_value(name: str, value: str, tally: Tally | None = None) -> str:
    """A label's or a field's value: masked whole where its name says so, else what is in it."""
    masked = masked_by_name(name, value, tally)
    if masked is not None:
        return masked
    is_link = value.startswith(_LINK) and " " not in value
    return redact_link(value, tally) if is_link else redact(value, tally)


def redact_map(named: Mapping[str, str], tally: Tally | None = None) -> dict[str, str]:
    """Labels or annotations, their names included."""
    return {redact(name, tally): redact_value(name, value, tally) for name, value in named.items()}
