"""Which fields of which evidence a statement may be about: a table, so that nothing else of it can be reached."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from statistics import median
from typing import Any

from shared.hypotheses.values import BARE, PER_SECOND, RATIO, SECONDS, TIMES
from shared.models.evidence import Evidence, ExpressionEvidence, Points, SeriesEvidence, SloEvidence

MAX_PATH_CHARS = 60


class Sort(StrEnum):
    """What kind of value a field holds, and so how it is compared."""

    NUMBER = "number"
    TIME = "time"
    WORD = "word"
    FLAG = "flag"


@dataclass(frozen=True)
class Field:
    """A field that may be named. `unit` is that of its numbers, None where it is the piece's own."""

    sort: Sort
    read: Callable[[Any], object]
    unit: str | None = BARE
    is_capped: bool = False
    """Whether it is only known to be at least so much where a quantile fell beyond the last bucket."""


POINTS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "median": median,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "count": lambda values: float(len(values)),
}
"""What may be said of points, of all of them or of those in a window."""
OF_SEVERAL = frozenset({"min", "max", "count"})
"""What of that has a meaning for the points of several series at once."""
CAPPED_POINTS = frozenset({"max", "median", "first", "last"})


def _fields(sort: Sort, *paths: str, unit: str | None = BARE) -> dict[str, Field]:
    return {path: Field(sort, attrgetter(path), unit) for path in paths}


def _numbers(unit: str | None, *paths: str) -> dict[str, Field]:
    return _fields(Sort.NUMBER, *paths, unit=unit)


def _words(*paths: str) -> dict[str, Field]:
    return _fields(Sort.WORD, *paths)


def _times(*paths: str) -> dict[str, Field]:
    return _fields(Sort.TIME, *paths)


def _flags(*paths: str) -> dict[str, Field]:
    return _fields(Sort.FLAG, *paths)


def _ratio(piece: SeriesEvidence) -> float | None:
    now, before = piece.movement.current, piece.movement.baseline_median
    return now / before if now is not None and before else None


def _change(piece: SeriesEvidence) -> float | None:
    now, before = piece.movement.current, piece.movement.baseline_median
    return now - before if now is not None and before is not None else None


def _burn_rate(seconds: int) -> Callable[[SloEvidence], float | None]:
    return lambda piece: next((one.rate for one in piece.burn_rates if one.window_seconds == seconds), None)


_WINDOWS = {"5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21_600, "1d": 86_400, "3d": 259_200}

FIELDS: Mapping[str, Mapping[str, Field]] = {
    "series": {
        **_words("service", "metric", "relation", "movement.direction", "movement.shift", "movement.baseline"),
        **_numbers(None, "movement.baseline_median", "movement.baseline_spread"),
        "movement.current": Field(Sort.NUMBER, attrgetter("movement.current"), None, is_capped=True),
        "movement.change": Field(Sort.NUMBER, _change, None, is_capped=True),
        "movement.ratio": Field(Sort.NUMBER, _ratio, TIMES, is_capped=True),
        **_numbers(BARE, "movement.score", "movement.baseline_samples", "movement.baseline_days", "hops"),
        **_times("movement.onset_at"),
        **_flags("at_least", "is_worse"),
    },
    "limit": {
        **_words("service", "resource", "carrier", "subject", "namespace", "relation", "pressure"),
        **_numbers(None, "value", "value_before"),
        **_numbers(BARE, "hops"),
        **_flags("is_exceeded"),
    },
    "expression": {
        **_words("service", "alert_name", "operator"),
        **_numbers(None, "threshold"),
        **_flags("is_true_now"),
    },
    "change": {
        **_words("service", "change", "status", "version", "previous_version", "author"),
        **_times("at", "began_at", "effective_from"),
        **_numbers(SECONDS, "seconds_before_onset", "uncertain_seconds"),
        **_numbers(BARE, "commits_total"),
    },
    "edge": {
        **_words("caller", "callee", "caller_kind", "callee_kind"),
        **_numbers(PER_SECOND, "calls_per_second"),
        **_numbers(RATIO, "failed_ratio"),
        **_times("seen_at"),
        **_flags("is_past", "is_silent"),
    },
    "alert": {**_words("name", "service", "severity", "status"), **_times("starts_at")},
    "slo": {
        **_words("service", "name", "told_by"),
        **_numbers(RATIO, "objective", "budget_left"),
        **_numbers(BARE, "period_days"),
        **_numbers(SECONDS, "exhausted_in_seconds"),
        **{f"burn_rate_{name}": Field(Sort.NUMBER, _burn_rate(seconds), TIMES) for name, seconds in _WINDOWS.items()},
    },
    "related": {
        **_words("name", "service", "severity", "status", "incident_id"),
        **_times("starts_at"),
        **_numbers(BARE, "score"),
        **_flags("is_silenced"),
    },
    "silence": {**_words("service", "created_by"), **_times("starts_at", "ends_at")},
    "runbook": {**_words("service", "runbook_id"), **_numbers(BARE, "score")},
    "past_incident": {
        **_words("service", "incident_id", "ended", "fixed_by"),
        **_times("detected_at", "resolved_at"),
        **_numbers(BARE, "similarity"),
    },
}
"""By the kind of evidence. Beside these, something may be said of the points that `series` and `expression` have."""


def field_of(piece: Evidence, path: str) -> Field | None:
    """The field of a piece that a path names, or None: what is not in the table does not exist."""
    return FIELDS[piece.kind].get(path) if len(path) <= MAX_PATH_CHARS else None


def points_of(piece: Evidence) -> tuple[Points, ...]:
    """The points of a piece, by series."""
    match piece:
        case SeriesEvidence():
            return (piece.points,)
        case ExpressionEvidence():
            return tuple(one.points for one in piece.series)
        case _:
            return ()


def unit_of(piece: Evidence, field: Field | None = None) -> str:
    """The unit in which a field's numbers (or without one, the points) are."""
    if field is not None and field.unit is not None:
        return field.unit
    if isinstance(piece, SeriesEvidence):
        return _base(piece.metric.unit)
    return _base(piece.unit or BARE)


def _base(unit: str) -> str:
    return {"share": RATIO, "requests/s": PER_SECOND, "messages/s": PER_SECOND, "seconds": SECONDS}.get(unit, unit)


def grammar() -> str:
    """The table in words, a line a kind: what a prompt tells of it."""
    lines = [f"- `{kind}`: {_listed(fields)}" for kind, fields in FIELDS.items()]
    return "\n".join([*lines, f"- of the points of `series` and `expression`: {', '.join(POINTS)}"])


def _listed(fields: Mapping[str, Field]) -> str:
    by_sort: dict[Sort, list[str]] = {}
    for path, field in fields.items():
        by_sort.setdefault(field.sort, []).append(path)
    return "; ".join(f"{_plural(sort)} {', '.join(_sorted(paths))}" for sort, paths in sorted(by_sort.items()))


def _sorted(paths: Iterable[str]) -> list[str]:
    return sorted(paths)


def _plural(sort: Sort) -> str:
    return {Sort.NUMBER: "numbers", Sort.TIME: "times", Sort.WORD: "words", Sort.FLAG: "true or false"}[sort]
