"""What the alert itself compares: its own expression, asked again over the window."""

import asyncio
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.context.alert_expression import AlertQuestion, Shape, read_expression
from shared.context.collectors.alerts import MAX_NAME_CHARS
from shared.context.look import Collected, Look, View
from shared.context.window import Window
from shared.errors import CopilotError
from shared.models.evidence import ExpressionEvidence, ExpressionSeries
from shared.models.signals import AlertStatus, Signal
from shared.ports.metrics import Answer, Series
from shared.redaction import MASKED, redact_map, safe_text

MAX_QUESTIONS = 2
MAX_SERIES, LOOKED_THROUGH = 10, 200
"""How many series are kept, and of how many: those that an alert is about need not come first."""
MAX_LABELS, MAX_LABEL_CHARS = 20, 120
MASKED_OUT = "masked"
MAX_LAG_SECONDS = 300.0
"""How long Prometheus itself takes a last value for that of now."""
_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    signal: Signal
    question: AlertQuestion


async def collect_expression(view: View) -> Collected:
    """The expressions of the incident's alerts, at most MAX_QUESTIONS of them; raises as the source does."""
    chosen, refused, left_out = _chosen(view.signals)
    if not chosen:
        # Nothing was asked, so nothing is known.
        return Collected(
            warnings=refused, failure="expression_refused" if refused else None, why_empty="no_expression"
        )
    look = await view.look()
    answers = await asyncio.gather(*(_ask(look, one.question) for one in chosen), return_exceptions=True)
    warnings = [*refused, *([f"{left_out} more expressions are left out"] if left_out else [])]
    evidence: list[ExpressionEvidence] = []
    failures: list[CopilotError] = []
    for asked, answer in zip(chosen, answers, strict=True):
        match answer:
            case Answer():
                warnings.extend([*answer.warnings, *_cut(asked, answer)])
                if _says_something(asked, answer):
                    evidence.append(_evidence(asked, answer, look))
            case CopilotError():
                failures.append(answer)
                warnings.append(f"the expression of {_name(asked.signal)} could not be asked: {answer.reason}")
            case BaseException():
                raise answer
    if len(failures) == len(chosen):
        raise failures[0]
    return Collected(
        evidence=tuple(evidence),
        warnings=tuple(warnings),
        failure=failures[0].reason if failures else None,
        why_empty="no_series",
    )


def _chosen(signals: Sequence[Signal]) -> tuple[list[_Asked], tuple[str, ...], int]:
    """One alert for each expression, those that fire and are worst first; what is refused; how many are left out."""
    worst = sorted(
        signals, key=lambda one: (one.status is not AlertStatus.FIRING, one.severity.rank, one.timestamp, one.id)
    )
    first: dict[str, Signal] = {}
    for signal in worst:
        if signal.normalized_data.expression:
            first.setdefault(signal.normalized_data.expression, signal)
    asked, refused = [], []
    for text, signal in first.items():
        # Asked with something masked in it, it would be another expression.
        match MASKED_OUT if MASKED in text else read_expression(text):
            case str() as why:
                refused.append(f"the expression of {_name(signal)} is not asked again: {why}")
            case question:
                asked.append(_Asked(signal, question))
    return asked[:MAX_QUESTIONS], tuple(refused), len(asked[MAX_QUESTIONS:])


async def _ask(look: Look, question: AlertQuestion) -> Answer:
    window = look.window
    return await look.source.query_range(
        question.left,
        start=window.start,
        end=window.end,
        step_seconds=window.step_seconds,
        max_series=LOOKED_THROUGH,
    )


def _says_something(asked: _Asked, answer: Answer) -> bool:
    """No series at all behind a threshold is no answer; of conditions taken as a whole it says that they fail."""
    return bool(answer.series) or asked.question.shape is not Shape.THRESHOLD


def _evidence(asked: _Asked, answer: Answer, look: Look) -> ExpressionEvidence:
    question, alert = asked.question, asked.signal.normalized_data
    recent = [series for series in answer.series if _is_recent(series, question, look.window)]
    holding = [series for series in recent if _holds(series.points[-1][1], question)]
    own = [series for series in answer.series if _is_about(series.labels, alert.labels)]
    # Those that hold and are the alert's own say most; sorting keeps the order of the rest.
    ordered = sorted(answer.series, key=lambda one: (one not in own, one not in holding))
    kept = [(series, points) for series in ordered if (points := _finite(series))][:MAX_SERIES]
    return ExpressionEvidence(
        service=asked.signal.service_name,
        alert_name=_name(asked.signal),
        query=question.left,
        operator=question.operator,
        threshold=question.threshold,
        series=tuple(ExpressionSeries(labels=_labels(series), points=points) for series, points in kept),
        # A threshold's left side is there while it is not exceeded, too: without it nobody can tell.
        is_true_now=None if question.shape is Shape.THRESHOLD and not recent else bool(holding),
    )


def _is_recent(series: Series, question: AlertQuestion, window: Window) -> bool:
    """Whether its last value is one of now. A source may lag; what is there only while it holds must be there now."""
    lag_seconds = MAX_LAG_SECONDS if question.shape is Shape.THRESHOLD else window.step_seconds
    return bool(series.points) and series.points[-1][0] >= window.end.timestamp() - lag_seconds


def _holds(value: float, question: AlertQuestion) -> bool:
    """Whether it would make the alert fire: it compares as it should, or, taken as a whole, is there at all."""
    if question.shape is not Shape.THRESHOLD or question.operator is None or question.threshold is None:
        return True
    return _HOLDS[question.operator](value, question.threshold)


def _is_about(labels: Mapping[str, str], of_alert: Mapping[str, str]) -> bool:
    """An alert has the labels of the series it fires for, and some more; its own are masked already."""
    return all(of_alert.get(name) == value for name, value in redact_map(labels).items() if name != "__name__")


def _finite(series: Series) -> tuple[tuple[float, float], ...]:
    return tuple((at, value) for at, value in series.points if math.isfinite(value))


def _labels(series: Series) -> dict[str, str]:
    kept = redact_map(dict(sorted(series.labels.items())[:MAX_LABELS]))
    return {safe_text(name, MAX_LABEL_CHARS): safe_text(value, MAX_LABEL_CHARS) for name, value in kept.items()}


def _cut(asked: _Asked, answer: Answer) -> list[str]:
    more = len(answer.series) - MAX_SERIES
    return [f"{more} more series of {_name(asked.signal)} are left out"] if more > 0 else []


def _name(signal: Signal) -> str:
    return safe_text(signal.normalized_data.name, MAX_NAME_CHARS)
