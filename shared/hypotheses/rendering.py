"""What a model is shown of a piece of evidence: known fields alone, typed, capped, with whose word it is. Pure.

Fields keep the names that they have in the snapshot, so that a model can name them in an assertion. What people or
systems wrote freely stands under `text`. Numbers have four significant digits, times whole seconds.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any, TypeAlias

from shared.hypotheses.trust import trust_of
from shared.hypotheses.wording import plain
from shared.models.evidence import (
    AlertEvidence,
    ChangeEvidence,
    EdgeEvidence,
    Evidence,
    ExpressionEvidence,
    LimitEvidence,
    PastIncidentEvidence,
    RelatedEvidence,
    RunbookEvidence,
    SeriesEvidence,
    SilenceEvidence,
    SloEvidence,
)
from shared.models.signals import AlertStatus
from shared.redaction import one_line

Shown: TypeAlias = Mapping[str, Any]

SIGNIFICANT_DIGITS = 4
MAX_TREND = 6
MAX_TITLE_CHARS, MAX_SUMMARY_CHARS, MAX_EXPRESSION_CHARS, MAX_EXCERPT_CHARS = 120, 160, 240, 500
MAX_COMMITS, MAX_EXAMPLES, MAX_HIDDEN = 4, 3, 5
MAX_EXPRESSION_SERIES = 2
MAX_STEADY, MAX_MOVED = 24, 20
_LINK = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:|javascript:|data:)\S*")
_IMAGE = re.compile(r"!?\[([^\]]{0,200})\]\s?\([^)]{0,500}\)")
_TAG = re.compile(r"<[^<>]{0,300}>")


def written(text: str, limit: int) -> str | None:
    """Text that somebody wrote: on one line, without links, markup and characters that are not seen, capped."""
    seen = unicodedata.normalize("NFKC", one_line(text[: limit * 10]))
    bare = _TAG.sub(" ", _LINK.sub("(link)", _IMAGE.sub(r"\1", seen)))
    return plain(" ".join(bare.split()), limit=limit) or None


def number(value: float | None) -> float | int | None:
    """A number as short as four digits allow; None for what is none."""
    if value is None or not math.isfinite(value):
        return None
    short = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return int(short) if short.is_integer() else short


def moment(at: datetime | None) -> str | None:
    """A time in UTC, to the second."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(piece: Evidence) -> Shown:  # noqa: C901, PLR0911 -- one line a kind
    """A piece by itself; alerts and steady series are told together, see `alerts` and `steady`."""
    match piece:
        case SeriesEvidence():
            return _of(piece, **_series(piece))
        case LimitEvidence():
            return _of(piece, **_limit(piece))
        case ExpressionEvidence():
            return _of(piece, **_expression(piece))
        case ChangeEvidence():
            return _of(piece, **_change(piece))
        case EdgeEvidence():
            return _of(piece, **_edge(piece))
        case AlertEvidence():
            return alerts([piece])
        case SloEvidence():
            return _of(piece, **_slo(piece))
        case RelatedEvidence():
            return related([piece])
        case SilenceEvidence():
            return _of(piece, **_silence(piece))
        case RunbookEvidence():
            return _of(piece, **_runbook(piece))
        case PastIncidentEvidence():
            return _of(piece, **_past(piece))


def alerts(same: Sequence[AlertEvidence]) -> Shown:
    """Alerts of one name and service, as one: a storm of them is a number."""
    first = min(same, key=lambda one: (one.starts_at, one.id))
    return _of(
        first,
        also=[one.id for one in same if one.id != first.id][: MAX_EXAMPLES - 1],
        count=len(same),
        firing=sum(one.status is AlertStatus.FIRING for one in same),
        name=plain(first.name),
        service=plain(first.service),
        severity=first.severity.value,
        status=first.status.value,
        starts_at=moment(first.starts_at),
        text=_text(
            summary=written(first.summary, MAX_SUMMARY_CHARS),
            expression=plain(first.expression or "", limit=MAX_EXPRESSION_CHARS),
        ),
    )


def related(same: Sequence[RelatedEvidence]) -> Shown:
    """Alerts outside the incident of one name and service, as one."""
    first = max(same, key=lambda one: (one.score, one.id))
    return _of(
        first,
        count=len(same),
        name=plain(first.name),
        service=plain(first.service),
        severity=first.severity and first.severity.value,
        status=first.status.value,
        starts_at=moment(first.starts_at),
        score=number(first.score),
        is_silenced=first.is_silenced or None,
    )


def steady(series: Iterable[SeriesEvidence]) -> Shown:
    """The series that did not move, one short list each: id, service, metric, value now."""
    rows = [
        [one.id, plain(one.service), one.metric.value, number(one.movement.current)]
        for one in sorted(series, key=lambda one: (one.hops, one.service, one.metric.value))
    ]
    more = len(rows) - MAX_STEADY
    return {"kind": "steady", "trust": "measured", "series": rows[:MAX_STEADY], "more": more if more > 0 else None}


def moved(series: Sequence[SeriesEvidence]) -> Shown:
    """Series that moved less than those that are shown in full, one short list each."""
    rows = [
        [
            one.id,
            plain(one.service),
            one.metric.value,
            number(one.movement.current),
            number(one.movement.baseline_median),
            moment(one.movement.onset_at),
        ]
        for one in series[:MAX_MOVED]
    ]
    more = len(series) - len(rows)
    return {"kind": "moved", "trust": "measured", "series": rows, "more": more if more > 0 else None}


def grouped(pieces: Iterable[AlertEvidence | RelatedEvidence]) -> list[list[Any]]:
    """By name and service, the largest group first."""
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for one in pieces:
        groups[one.name, one.service].append(one)
    return sorted(groups.values(), key=lambda same: -len(same))


def _of(piece: Evidence, **fields: Any) -> Shown:
    told = {name: value for name, value in fields.items() if value is not None and value not in ([], {}, "")}
    return {"id": piece.id, "kind": piece.kind, "trust": trust_of(piece).value, **told}


def _text(**texts: str | list[str] | None) -> Mapping[str, str | list[str]]:
    return {name: text for name, text in texts.items() if text}


def _series(piece: SeriesEvidence) -> Mapping[str, Any]:
    change = piece.movement
    values = [value for _, value in piece.points if math.isfinite(value)]
    every = math.ceil(len(values) / MAX_TREND) or 1
    return {
        "service": plain(piece.service),
        "metric": piece.metric.value,
        "unit": piece.unit or piece.metric.unit,
        "movement": _known(
            baseline_median=number(change.baseline_median),
            current=number(change.current),
            score=number(change.score),
            direction=change.direction.value,
            onset_at=moment(change.onset_at),
            shift=change.shift and change.shift.value,
        ),
        "min": number(min(values)) if values else None,
        "max": number(max(values)) if values else None,
        "median": number(median(values)) if values else None,
        "last": number(values[-1]) if values else None,
        # Counted from the end: how it is now is what must not be left out.
        "trend": [number(value) for value in values[::-1][::every][::-1]],
    }


def _known(**fields: Any) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _limit(piece: LimitEvidence) -> Mapping[str, Any]:
    return {
        "service": plain(piece.service),
        "resource": plain(piece.resource),
        "carrier": plain(piece.carrier),
        "subject": plain(piece.subject),
        "unit": piece.unit,
        "value": number(piece.value),
        "value_before": number(piece.value_before),
        "pressure": piece.pressure.value,
    }


def _expression(piece: ExpressionEvidence) -> Mapping[str, Any]:
    ends = [one.points[-1][1] for one in piece.series if one.points]
    return {
        "service": plain(piece.service),
        "alert_name": plain(piece.alert_name),
        "operator": piece.operator,
        "threshold": number(piece.threshold),
        "is_true_now": piece.is_true_now,
        "last": [number(value) for value in ends[:MAX_EXPRESSION_SERIES]],
        "text": _text(query=plain(piece.query or "", limit=MAX_EXPRESSION_CHARS)),
    }


def _change(piece: ChangeEvidence) -> Mapping[str, Any]:
    titles = (written(one.title, MAX_TITLE_CHARS) for one in piece.commits[:MAX_COMMITS])
    return {
        "service": plain(piece.service),
        "change": piece.change.value,
        "status": piece.status.value,
        "version": piece.version and plain(piece.version, limit=60),
        "previous_version": piece.previous_version and plain(piece.previous_version, limit=60),
        "at": moment(piece.at),
        "began_at": moment(piece.began_at),
        "seconds_before_onset": number(piece.seconds_before_onset),
        "uncertain_seconds": number(piece.uncertain_seconds) or None,
        "commits_total": piece.commits_total or None,
        "text": _text(title=written(piece.title, MAX_TITLE_CHARS), commits=[one for one in titles if one]),
    }


def _edge(piece: EdgeEvidence) -> Mapping[str, Any]:
    return {
        "caller": plain(piece.caller),
        "callee": plain(piece.callee),
        "calls_per_second": number(piece.calls_per_second),
        "failed_ratio": number(piece.failed_ratio),
        "is_past": piece.is_past or None,
    }


def _slo(piece: SloEvidence) -> Mapping[str, Any]:
    return {
        "service": plain(piece.service),
        "name": plain(piece.name),
        "objective": piece.objective,
        "burn_rates": [[one.window_seconds, number(one.rate)] for one in piece.burn_rates],
        "budget_left": number(piece.budget_left),
        "exhausted_in_seconds": number(piece.exhausted_in_seconds),
    }


def _silence(piece: SilenceEvidence) -> Mapping[str, Any]:
    return {
        "service": plain(piece.service),
        "starts_at": moment(piece.starts_at),
        "ends_at": moment(piece.ends_at),
        "hides": [plain(name) for name in piece.hides[:MAX_HIDDEN]],
        "text": _text(comment=written(piece.comment, MAX_SUMMARY_CHARS)),
    }


def _runbook(piece: RunbookEvidence) -> Mapping[str, Any]:
    # How well it fits is of this incident alone, and would change what is to stay the same.
    return {
        "service": plain(piece.service),
        "text": _text(title=written(piece.title, MAX_TITLE_CHARS), excerpt=written(piece.excerpt, MAX_EXCERPT_CHARS)),
    }


def _past(piece: PastIncidentEvidence) -> Mapping[str, Any]:
    return {
        "service": plain(piece.service),
        "detected_at": moment(piece.detected_at),
        "resolved_at": moment(piece.resolved_at),
        "similarity": number(piece.similarity),
        "text": _text(
            title=written(piece.title, MAX_TITLE_CHARS),
            ended=written(piece.ended or "", MAX_SUMMARY_CHARS),
            fixed_by=written(piece.fixed_by or "", MAX_SUMMARY_CHARS),
        ),
    }
