"""Measures services: rate, errors, latency and saturation, one query a kind for all services and days at once."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from shared.context.conventions import Binding, bindings_of, can_answer, detection, expression
from shared.context.look import Collected, Look
from shared.context.movements import movement_in
from shared.context.neighbourhood import Neighbour
from shared.context.questions import Part, Points, found_in, joined
from shared.context.second_look import BACKS, Measured, looked_again
from shared.context.window import Window
from shared.errors import CopilotError
from shared.models.evidence import SeriesEvidence
from shared.models.measures import MOVING, Baseline, Metric
from shared.ports.metrics import Answer

OF_THE_ALERTING = (*MOVING, Metric.LATENCY_P50, Metric.LATENCY_P99)
_TOGETHER = (
    # What is cheap to ask goes together; what reads many series goes alone, and can fail alone.
    (Metric.REQUEST_RATE, Metric.SATURATION),
    (Metric.ERROR_RATIO,),
    (Metric.LATENCY_P95, Metric.LATENCY_P50, Metric.LATENCY_P99),
)

Question = Sequence[Part]


async def measure(look: Look, services: Mapping[str, Neighbour], metrics: Collection[Metric]) -> Collected:
    """These metrics of these services, in at most six queries; raises when nothing could be asked, else tells what
    could not.
    """
    names = sorted(services)
    window = look.window
    known = await look.source.query(detection(names, seconds_ago=window.seconds_since_reference), at=window.end)
    bindings = bindings_of(known.samples, names)
    questions = questions_about(bindings, metrics)
    answers = await asyncio.gather(*(_ask(look, question) for question in questions), return_exceptions=True)
    measured: list[Measured] = []
    warnings = [*known.warnings, *_unmeasured(names, bindings)]
    failures: list[CopilotError] = []
    for question, answer in zip(questions, answers, strict=True):
        match answer:
            case Answer():
                warnings.extend(answer.warnings)
                measured.extend(_measured(question, answer, window))
            case CopilotError():
                warnings.extend(f"{name} could not be asked: {answer.reason}" for name in _metrics_of(question))
                failures.append(answer)
            case BaseException():
                raise answer
    if failures and len(failures) == len(questions):
        raise failures[0]
    measured, untold = await looked_again(look, [one for one in measured if one.service in services])
    warnings.extend(untold)
    warnings.extend(
        f"{one.service}: no {one.part.metric.value} since {_clock(one)}" for one in measured if _ended(one)
    )
    return Collected(
        evidence=tuple(_evidence(one, services[one.service], window) for one in measured),
        warnings=tuple(warnings),
        failure=failures[0].reason if failures else None,
        why_empty="no_known_metrics",
    )


def questions_about(bindings: Mapping[Binding, Sequence[str]], metrics: Collection[Metric]) -> list[Question]:
    """The fewest queries that do not make one metric hang on another: traffic with its earlier days."""
    asked = [
        [
            Part(binding, metric, tuple(names), (0, *BACKS) if metric is Metric.REQUEST_RATE else ())
            for metric in group
            if metric in metrics
            for binding, names in bindings.items()
            if can_answer(binding, metric)
        ]
        for group in _TOGETHER
    ]
    return [question for question in asked if question]


async def _ask(look: Look, question: Question) -> Answer:
    window = look.window
    promql = joined(question, window_seconds=window.rate_seconds)
    return await look.source.query_range(promql, start=window.start, end=window.end, step_seconds=window.step_seconds)


def _measured(question: Question, answer: Answer, window: Window) -> list[Measured]:
    days: dict[tuple[Part, str], dict[int, Points]] = defaultdict(dict)
    for found in found_in(answer, question):
        days[found.part, found.name][found.back] = found.points
    return [
        Measured(
            part=part,
            name=name,
            service=name,
            points=held[0],
            movement=movement_in(
                window, part.metric, held[0], {back: points for back, points in held.items() if back}
            ),
            earlier_days=len(held) - 1,
        )
        for (part, name), held in days.items()
        if 0 in held
    ]


def _evidence(one: Measured, place: Neighbour, window: Window) -> SeriesEvidence:
    """Its query is the same question asked about that service alone, and of earlier days where they were used."""
    part = one.part
    backs = (0, *BACKS) if one.movement.baseline is Baseline.SAME_HOUR else ()
    return SeriesEvidence(
        service=one.service,
        relation=place.relation,
        hops=place.hops,
        metric=part.metric,
        convention=part.binding.name,
        query=expression(part.binding, part.metric, [one.name], window_seconds=window.rate_seconds, backs=backs),
        points=one.points,
        movement=one.movement,
        at_least=one.at_least,
    )


def _metrics_of(question: Question) -> Iterable[str]:
    return dict.fromkeys(part.metric.value for part in question)


def _unmeasured(names: Sequence[str], bindings: Mapping[Binding, Sequence[str]]) -> list[str]:
    measured = {name for group in bindings.values() for name in group}
    return [f"no known request metrics of {name}" for name in names if name not in measured]


def _ended(one: Measured) -> bool:
    return one.movement.onset_at is not None and one.movement.current is None


def _clock(one: Measured) -> str:
    return datetime.fromtimestamp(one.points[-1][0], UTC).strftime("%H:%M:%S UTC")
