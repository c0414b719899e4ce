"""Runs one collector and turns whatever comes of it into a section."""

import traceback
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from shared.context.look import Collected, NotConfigured
from shared.errors import CopilotError
from shared.models.snapshots import PARTIAL, Section, SectionName, SectionStatus
from shared.telemetry import logger

log = logger(__name__)

MEASURED = frozenset(
    (
        SectionName.EXPRESSION, SectionName.TRAFFIC, SectionName.TOPOLOGY,
        SectionName.DEPENDENCIES, SectionName.CHANGES, SectionName.SLO,
    )
)  # fmt: skip
"""The questions that a Prometheus answers, alone or with others."""
COUNTED = frozenset((SectionName.TRAFFIC, SectionName.DEPENDENCIES))
"""Those that add up series, of which some may be missing."""
NO_QUESTION = "no_expression"

Clock = Callable[[], float]
"""Seconds since whenever, never going back."""


async def section_of(
    name: SectionName, question: Awaitable[Collected], *, clock: Clock, began: float, now: datetime
) -> Section:
    """One section's answer. What a collector raises is data here: an outage must never read as health.

    `began` is what the clock said at `now`, so that each piece can say when it was fetched.
    """
    start = clock()
    try:
        collected = await question
    except NotConfigured as exc:
        return Section(name=name, status=SectionStatus.NOT_CONFIGURED, reason=exc.reason)
    except CopilotError as exc:
        log.warning("collector_failed", extra={"section": name.value, "reason": exc.reason})
        return failed(name, exc.reason, clock() - start)
    except Exception as exc:  # noqa: BLE001 -- the one place: a collector's bug must not cost the other sections
        # Its message may hold what a source or a sender wrote, so the log gets the type and the place alone.
        reason = f"bug_{type(exc).__name__}"
        log.error("collector_bug", extra={"section": name.value, "reason": reason, "at": _place(exc)})
        return failed(name, reason, clock() - start)
    ended = clock()
    status, why = _status(collected)
    fetched_at = collected.as_of or now + timedelta(seconds=ended - began)
    section = Section(
        name=name,
        status=status,
        reason=why,
        as_of=collected.as_of,
        warnings=collected.warnings,
        elapsed_seconds=round(ended - start, 3),
        evidence=collected.evidence,
    )
    return stamped(section, fetched_at)


def stamped(section: Section, fetched_at: datetime) -> Section:
    """The section with when each piece was fetched, where that was not told with it."""
    pieces = (
        one if one.fetched_at else one.model_copy(update={"fetched_at": fetched_at}) for one in section.evidence
    )
    return section.model_copy(update={"evidence": tuple(pieces)})


def failed(name: SectionName, reason: str, seconds: float) -> Section:
    """A section that could not be asked."""
    return Section(name=name, status=SectionStatus.FAILED, reason=reason, elapsed_seconds=round(seconds, 3))


def doubted(section: Section) -> Section:
    """The section, where its source could not read everything: that it found nothing is then no answer, nor is how
    much there is of what it counted. What it found is there all the same.
    """
    is_doubtful = section.name in MEASURED and section.status is SectionStatus.EMPTY and section.reason != NO_QUESTION
    is_short = section.name in COUNTED and section.status is SectionStatus.OK
    if not (is_doubtful or is_short):
        return section
    return section.model_copy(update={"status": SectionStatus.FAILED, "reason": PARTIAL})


def _status(collected: Collected) -> tuple[SectionStatus, str | None]:
    if collected.failure:
        return (SectionStatus.STALE if collected.is_stale else SectionStatus.FAILED), collected.failure
    if collected.is_stale:
        return SectionStatus.STALE, None
    return (SectionStatus.OK, None) if collected.evidence else (SectionStatus.EMPTY, collected.why_empty)


def _place(exc: Exception) -> str:
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    return f"{frame.name}:{frame.lineno}"
