"""Changes of which their sender told neither an id nor a time: which reports are about the same one."""

from collections.abc import Iterable
from datetime import timedelta

from shared.models.changes import ReportedChange

RETRIED_WITHIN = timedelta(minutes=10)
"""A pipeline that got no answer has given up by then, and nobody deploys the same twice in so short a time."""


def as_first_reported(reported: ReportedChange, recent: Iterable[ReportedChange]) -> ReportedChange:
    """The report as one of the change that was reported first within RETRIED_WITHIN, if it says the same."""
    if reported.is_dated:
        return reported
    same = [one for one in recent if _says_the_same(one, reported)]
    first = min(same, key=lambda one: one.at, default=reported)
    return reported.model_copy(update={"external_id": first.external_id, "at": first.at})


def _says_the_same(one: ReportedChange, other: ReportedChange) -> bool:
    when = {"external_id", "at", "said_at"}
    is_near = abs(other.at - one.at) <= RETRIED_WITHIN
    return is_near and one.model_dump(exclude=when) == other.model_dump(exclude=when)
