"""Measures services: request rate, errors and latency, one query a metric for all services at once."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.context.conventions import Binding, bindings_of, detection, expression
from shared.context.deviation import ceased, movement_of
from shared.context.look import Collected, Look
from shared.context.neighbourhood import Neighbour
from shared.context.window import Window
from shared.errors import CopilotError
from shared.models.evidence import SeriesEvidence
from shared.models.measures import RED, Metric, Movement
from shared.ports.metrics import Answer, Series


@dataclass(frozen=True)
class _Question:
    binding: Binding
    metric: Metric
    services: Sequence[str]


async def measure(look: Look, services: Mapping[str, Neighbour]) -> Collected:
    """Every metric of these services; raises when nothing could be asked, else tells what could not."""
    names = sorted(services)
    window = look.window
    found = await look.source.query(detection(names, seconds_ago=window.seconds_since_reference), at=window.end)
    bindings = bindings_of(found.samples, names)
    questions = [_Question(binding, metric, names) for binding, names in bindings.items() for metric in RED]
    answers = await asyncio.gather(*(_ask(look, question) for question in questions), return_exceptions=True)
    evidence: list[SeriesEvidence] = []
    warnings = [*found.warnings, *_unmeasured(names, bindings)]
    failures: list[CopilotError] = []
    for question, answer in zip(questions, answers, strict=True):
        match answer:
            case Answer():
                warnings.extend(answer.warnings)
                evidence.extend(_evidence(question, answer, services, window))
            case CopilotError():
                warnings.append(f"{question.metric.value} could not be asked: {answer.reason}")
                failures.append(answer)
            case BaseException():
                raise answer
    if failures and len(failures) == len(questions):
        raise failures[0]
    warnings.extend(f"{one.service}: no {one.metric.value} since {_clock(one)}" for one in evidence if _ended(one))
    return Collected(
        evidence=tuple(evidence),
        warnings=tuple(warnings),
        failure=failures[0].reason if failures else None,
        why_empty="no_known_metrics",
    )


async def _ask(look: Look, question: _Question) -> Answer:
    window = look.window
    promql = expression(question.binding, question.metric, question.services, window_seconds=window.rate_seconds)
    return await look.source.query_range(promql, start=window.start, end=window.end, step_seconds=window.step_seconds)


def _evidence(
    question: _Question, answer: Answer, services: Mapping[str, Neighbour], window: Window
) -> list[SeriesEvidence]:
    """One piece a service; its query is the same question asked about that service alone."""
    pieces = []
    for series in answer.series:
        service = series.labels.get(question.binding.label, "")
        points = _finite(series)
        if service in services and points:
            query = expression(question.binding, question.metric, [service], window_seconds=window.rate_seconds)
            pieces.append(
                SeriesEvidence(
                    service=service,
                    relation=services[service].relation,
                    hops=services[service].hops,
                    metric=question.metric,
                    convention=question.binding.name,
                    query=query,
                    points=points,
                    movement=_movement(points, question.metric, window),
                )
            )
    return pieces


def _movement(points: tuple[tuple[float, float], ...], metric: Metric, window: Window) -> Movement:
    moved = movement_of(points, metric=metric, reference=window.reference, smear_samples=window.smear_samples)
    last = datetime.fromtimestamp(points[-1][0], UTC)
    silent_seconds = (window.end - last).total_seconds()
    # Errors and latency end with the traffic; a request rate goes on at 0 for as long as its service is there.
    if metric is Metric.REQUEST_RATE and silent_seconds > 2 * window.rate_seconds + window.step_seconds:
        return ceased(moved, last)
    return moved


def _finite(series: Series) -> tuple[tuple[float, float], ...]:
    return tuple((at, value) for at, value in series.points if math.isfinite(value))


def _unmeasured(names: Sequence[str], bindings: Mapping[Binding, Sequence[str]]) -> list[str]:
    measured = {name for group in bindings.values() for name in group}
    return [f"no known request metrics of {name}" for name in names if name not in measured]


def _ended(piece: SeriesEvidence) -> bool:
    return piece.movement.onset_at is not None and piece.movement.current is None


def _clock(piece: SeriesEvidence) -> str:
    return datetime.fromtimestamp(piece.points[-1][0], UTC).strftime("%H:%M:%S UTC")
