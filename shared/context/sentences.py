"""One plain sentence for each piece of evidence: what it says, with its numbers and times, and no more."""

from shared.context.limits_said import limit_said
from shared.models.changes import ChangeKind, ChangeStatus
from shared.models.evidence import (
    EVERYWHERE,
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
from shared.models.measures import Baseline, Direction, Metric, Movement, TrafficShift
from shared.models.quantities import clock, latency, length, moment, number, percent, several
from shared.models.signals import AlertStatus
from shared.redaction import safe_text

MAX_SENTENCE_CHARS = 300
_HOUR = 3600
_VAGUE_SECONDS = 60
_FACTORS = {"time": "near in time", "topology": "near in calls", "labels": "in the same place"}


def sentence_of(piece: Evidence) -> str:  # noqa: C901, PLR0911 -- one line a kind
    """The sentence; at most MAX_SENTENCE_CHARS."""
    match piece:
        case SeriesEvidence():
            return _short(_series(piece))
        case LimitEvidence():
            return _short(limit_said(piece))
        case ExpressionEvidence():
            return _short(_expression(piece))
        case ChangeEvidence():
            return _short(_change(piece))
        case EdgeEvidence():
            return _short(_edge(piece))
        case AlertEvidence():
            state = "fires since" if piece.status is AlertStatus.FIRING else "fired at"
            return _short(f"{piece.name} of {piece.service} {state} {clock(piece.starts_at)}.")
        case SloEvidence():
            return _short(_slo(piece))
        case RelatedEvidence():
            return _short(_related(piece))
        case SilenceEvidence():
            return _short(_silence(piece))
        case RunbookEvidence():
            return _short(f"The runbook “{piece.title}” fits {piece.service}{_because(piece.because)}.")
        case PastIncidentEvidence():
            return _short(_past(piece))


def amount(metric: Metric, value: float | None) -> str:
    """A value of a metric with its unit."""
    match metric:
        case Metric.REQUEST_RATE:
            return f"{number(value)} requests/s"
        case Metric.ERROR_RATIO | Metric.SATURATION:
            return percent(value)
        case Metric.LATENCY_P50 | Metric.LATENCY_P95 | Metric.LATENCY_P99:
            return latency(value)


def _short(text: str) -> str:
    return safe_text(text, MAX_SENTENCE_CHARS)


def _series(piece: SeriesEvidence) -> str:
    moved, name = piece.movement, f"{piece.metric.value.replace('_', ' ')} of {piece.service}"
    usual = amount(piece.metric, moved.baseline_median)
    if moved.baseline_median is None:
        return f"The {name} is {_now(piece)}; what is normal is not known."
    if moved.direction is Direction.STEADY:
        now = _now(piece)
        return f"The {name} is steady at {now}, {_as_before(piece) if now == usual else _compared(piece, usual)}."
    if moved.current is None and moved.onset_at:
        return f"The {name} stopped at {clock(moved.onset_at)}; it was {usual}."
    if moved.onset_at is None:
        return f"The {name} has been {_now(piece)} since before this window, {_compared(piece, usual)}."
    return f"The {name} {_went(moved)} {_now(piece)} at {clock(moved.onset_at)}, {_compared(piece, usual)}."


def _went(moved: Movement) -> str:
    match moved.shift:
        case TrafficShift.SURGE:
            return "surged to"
        case TrafficShift.DROP:
            return "dropped to"
        case TrafficShift.ABSENCE:
            return "all but stopped:"
    return "rose to" if moved.direction is Direction.UP else "fell to"


def _now(piece: SeriesEvidence) -> str:
    return f"{'at least ' if piece.at_least else ''}{amount(piece.metric, piece.movement.current)}"


def _compared(piece: SeriesEvidence, usual: str) -> str:
    if piece.movement.baseline is Baseline.SAME_HOUR:
        return f"where it was {usual} at this hour on {piece.movement.baseline_days} earlier days"
    return f"where it was {usual} before"


def _as_before(piece: SeriesEvidence) -> str:
    if piece.movement.baseline is Baseline.SAME_HOUR:
        return f"as at this hour on {piece.movement.baseline_days} earlier days"
    return "as before"


def _expression(piece: ExpressionEvidence) -> str:
    told = {True: "is true now", False: "is not true now", None: "was asked again"}[piece.is_true_now]
    bound = f" ({piece.operator} {number(piece.threshold)})" if piece.operator and piece.threshold is not None else ""
    return f"The expression of {piece.alert_name}{bound} {told}{_farthest(piece)}."


def _farthest(piece: ExpressionEvidence) -> str:
    """The value that is farthest beyond the threshold, or nearest to it, and of how many series."""
    ends = [one.points[-1][1] for one in piece.series if one.points]
    if not ends:
        return ", and has no series"
    value = number(min(ends) if (piece.operator or "").startswith("<") else max(ends))
    return f", at {value}" if len(ends) == 1 else f", at {value} in the farthest of {len(ends)} series"


def _change(piece: ChangeEvidence) -> str:
    whose = "no service named" if piece.service == EVERYWHERE else piece.service
    by = f" by {piece.author}" if piece.author else ""
    return f"{whose}: {_changed(piece)}{by}{_when(piece)}{_before(piece.seconds_before_onset)}{_came_with(piece)}."


def _changed(piece: ChangeEvidence) -> str:
    """What was changed: a version by its name, anything else by its title."""
    state = {ChangeStatus.FAILED: " (failed)", ChangeStatus.IN_PROGRESS: " (under way)", ChangeStatus.SUCCEEDED: ""}
    kind = piece.change.value.replace("_", " ")
    if piece.change is ChangeKind.ROLLBACK and piece.version:
        what = f"rolled back to version {piece.version}"
        replaced = f" from {piece.previous_version}" if piece.previous_version else ""
    elif piece.version and piece.change in (ChangeKind.DEPLOY, ChangeKind.OTHER):
        what = f"version {piece.version}"
        replaced = f" replaced {piece.previous_version}" if piece.previous_version else ""
    elif piece.title and piece.change in (ChangeKind.CONFIG, ChangeKind.FEATURE_FLAG, ChangeKind.INFRASTRUCTURE):
        what, replaced = f"{kind}: {piece.title}", ""
    else:
        what, replaced = piece.title or kind, ""
    return f"{what}{replaced}{state[piece.status]}"


def _when(piece: ChangeEvidence) -> str:
    if piece.began_at is not None:
        return f" from {clock(piece.began_at)} to {clock(piece.at)}"
    unsure = (
        f" or up to {length(piece.uncertain_seconds)} earlier" if piece.uncertain_seconds > _VAGUE_SECONDS else ""
    )
    return f" at {clock(piece.at)}{unsure}"


def _came_with(piece: ChangeEvidence) -> str:
    if not piece.commits_total:
        return ""
    count = several(piece.commits_total, "commit", "commits")
    return f"; {count} {'taken back' if piece.change is ChangeKind.ROLLBACK else 'came with it'}"


def _before(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if abs(seconds) < 1:
        return ", at the first symptom"
    side = "before" if seconds >= 0 else "after"
    return f", {length(abs(seconds))} {side} the first symptom"


def _edge(piece: EdgeEvidence) -> str:
    if piece.seen_at is None and not piece.calls_per_second:
        return f"{piece.caller} calls {piece.callee}, as declared."
    if not piece.calls_per_second:
        since = "" if piece.is_past else "; no calls now"
        return f"{piece.caller} called {piece.callee}, last seen at {moment(piece.seen_at)}{since}."
    if piece.is_past:
        often = f"{number(piece.calls_per_second)} times a second"
        return f"{piece.caller} called {piece.callee} {often} when that was last seen, at {moment(piece.seen_at)}."
    failed = "" if piece.failed_ratio is None else f"; {percent(piece.failed_ratio)} fail"
    return f"{piece.caller} calls {piece.callee} {number(piece.calls_per_second)} times a second{failed}."


def _slo(piece: SloEvidence) -> str:
    hour = next((one.rate for one in piece.burn_rates if one.window_seconds == _HOUR), None)
    burns = f"its budget burns {number(hour)} times as fast as it may over the last hour" if hour is not None else ""
    left = _left(piece.budget_left)
    gone = f"gone in {length(piece.exhausted_in_seconds)} at this pace" if piece.exhausted_in_seconds else ""
    told = "; ".join(part for part in (burns, left, gone) if part) or "nothing is measured of it"
    return f"{piece.name} of {piece.service} ({percent(piece.objective)}): {told}."


def _left(budget: float | None) -> str:
    if budget is None:
        return ""
    return f"{percent(budget)} of the budget is left" if budget > 0 else "nothing of the budget is left"


def _related(piece: RelatedEvidence) -> str:
    state = "fires since" if piece.status is AlertStatus.FIRING else "fired at"
    hidden = ", silenced" if piece.is_silenced else ""
    factors = _because([_FACTORS.get(name, name) for name in piece.factors])
    return f"{piece.name} of {piece.service} {state} {clock(piece.starts_at)}{hidden}{factors}."


def _silence(piece: SilenceEvidence) -> str:
    who = f" by {piece.created_by}" if piece.created_by else ""
    hides = f" hides {', '.join(piece.hides[:3])}" if piece.hides else " hides nothing now"
    return f"A silence{who} of {piece.service}, until {clock(piece.ends_at)},{hides}."


def _past(piece: PastIncidentEvidence) -> str:
    day = piece.detected_at.strftime("%Y-%m-%d")
    ended = f"; it ended as {piece.ended}" if piece.ended else ""
    fixed = f"; fixed by: {piece.fixed_by}" if piece.fixed_by else ""
    return f"On {day} {piece.service} had “{piece.title}”{_because(piece.because)}{ended}{fixed}."


def _because(reasons: tuple[str, ...] | list[str]) -> str:
    return f" ({', '.join(reasons[:4])})" if reasons else ""
