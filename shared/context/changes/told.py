"""One change as one teller told it, with what is needed to see that others told of the same one."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from shared.models.evidence import ChangeEvidence
from shared.redaction import one_line, redact_link, safe_text

SKEW = timedelta(minutes=2)
"""How far two clocks may be apart."""
MAX_VERSION_CHARS, MAX_TITLE_CHARS, MAX_NAME_CHARS, MAX_URL_CHARS = 120, 200, 80, 500


_REVISION = re.compile(r"(?<![0-9a-z])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7,40}(?![0-9a-z])")


class Rank(IntEnum):
    """How much a teller knows of who changed what and why, the most first."""

    REPORTED = 0
    HOSTED = 1
    NOTED = 2
    RELEASED = 3
    SEEN = 4
    """A version that runs."""
    ROLLED_OUT = 5
    CONFIGURED = 6
    STARTED = 7
    """Processes that are young: weak, as they may have crashed."""


@dataclass(frozen=True)
class Told:
    """A change by one teller. `names` are the versions, tags and revisions it goes by, without a leading `v`."""

    piece: ChangeEvidence
    teller: str
    """One of each tells of a change once: a second one from the same is another change."""
    rank: Rank
    names: frozenset[str]
    began: datetime
    ended: datetime


def version_text(version: str | None) -> str | None:
    """A version from outside, fit to be kept."""
    return safe_text(version, MAX_VERSION_CHARS) if version else None


def title_text(title: str | None) -> str:
    """A title from outside, fit to be kept."""
    return safe_text(title, MAX_TITLE_CHARS) if title else ""


def name_text(name: str | None) -> str | None:
    """A person's or pipeline's name from outside, fit to be kept."""
    return safe_text(name, MAX_NAME_CHARS) if name else None


def link_text(url: str | None) -> str | None:
    """A link from outside, fit to be kept: one that would have to be cut leads nowhere."""
    if url is None or len(url) > MAX_URL_CHARS or not url.startswith(("https://", "http://")):
        return None
    # What is in an address is written with percent signs, where no rule for text would see it.
    return redact_link(one_line(url))


def plain_version(version: str) -> str:
    """A version as others may spell it: without case, and without a `v` before its number."""
    name = version.strip().casefold()
    return name[1:] if name[:1] == "v" and name[1:2].isdigit() else name


def names_of(*versions: str | None) -> frozenset[str]:
    """What tells a version from another: all of it, and the revision that it ends with."""
    found = [plain_version(version) for version in versions if version]
    revisions = (revision for name in found for revision in _REVISION.findall(name))
    return frozenset(filter(None, (*found, *revisions)))


def nearness(piece: ChangeEvidence, onset: datetime) -> tuple[bool, float, str, str, str]:
    """Sorts changes by how near to the onset they were; those after it, by more than clocks differ, come last."""
    before = (onset - piece.at).total_seconds()
    is_after = before < -SKEW.total_seconds()
    return is_after, abs(before), piece.service, piece.version or "", piece.title
