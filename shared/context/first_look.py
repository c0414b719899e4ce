"""The first look at services: rate, errors, latency and saturation, one query a kind for all of them and all days."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from shared.context.conventions import can_answer
from shared.context.look import Look
from shared.context.movements import movement_in
from shared.context.questions import Part, Points, found_in, joined
from shared.context.second_look import BACKS, Measured
from shared.context.whereabouts import Placed
from shared.context.window import Window
from shared.errors import CopilotError, SourceUnavailable
from shared.models.measures import Metric
from shared.ports.metrics import Answer

DAYS_SECONDS = 3.0
"""For traffic together with its earlier days: long-term storage may be slow, and today must not wait for it."""
_TOO_MUCH = frozenset(("timeout", "execution", "too_many_samples", "too_many_points", "too_large", "unavailable"))
_TOGETHER = (
    # What is cheap to ask goes together; what reads many series goes alone, and can fail alone.
    (Metric.REQUEST_RATE, Metric.SATURATION),
    (Metric.ERROR_RATIO,),
    (Metric.LATENCY_P95, Metric.LATENCY_P50, Metric.LATENCY_P99),
)

Question = Sequence[Part]


@dataclass(frozen=True)
class Looked:
    """What was measured, what could not be asked, and whether that was everything."""

    measured: tuple[Measured, ...]
    warnings: tuple[str, ...]
    failures: tuple[CopilotError, ...]
    failed_wholly: bool


async def first_look(
    look: Look, placed: Placed, metrics: Collection[Metric], *, days_seconds: float = DAYS_SECONDS
) -> Looked:
    """These metrics of these services, and traffic also at the same hour of earlier days. At most four queries."""
    questions = questions_about(placed, metrics)
    answers = await asyncio.gather(
        *(_asked(look, question, days_seconds) for question in questions), return_exceptions=True
    )
    measured: list[Measured] = []
    warnings: list[str] = []
    failures: list[CopilotError] = []
    for question, answer in zip(questions, answers, strict=True):
        match answer:
            case Answer():
                warnings.extend(answer.warnings)
                measured.extend(_measured(question, answer, placed, look.window))
            case CopilotError():
                warnings.extend(f"{name} could not be asked: {answer.reason}" for name in _metrics_of(question))
                failures.append(answer)
            case BaseException():
                raise answer
    return Looked(tuple(measured), tuple(warnings), tuple(failures), 0 < len(failures) == len(questions))


def questions_about(placed: Placed, metrics: Collection[Metric]) -> list[Question]:
    """The fewest queries that do not make one metric hang on another: traffic with its earlier days."""
    asked = [
        [
            Part(binding, metric, tuple(names), (0, *BACKS) if metric is Metric.REQUEST_RATE else ())
            for metric in group
            if metric in metrics
            for binding, names in placed.items()
            if can_answer(binding, metric)
        ]
        for group in _TOGETHER
    ]
    return [question for question in asked if question]


async def _asked(look: Look, question: Question, days_seconds: float) -> Answer:
    """The answer; without earlier days, and saying so, where those are too much to ask or take too long."""
    if not any(part.backs for part in question):
        return await _ask(look, question)
    try:
        async with asyncio.timeout(days_seconds):
            return await _ask(look, question)
    except TimeoutError:
        why = "timeout"
    except SourceUnavailable as exc:
        if exc.reason not in _TOO_MUCH:
            raise
        why = exc.reason
    answer = await _ask(look, [replace(part, backs=()) for part in question])
    return replace(answer, warnings=(*answer.warnings, f"traffic of earlier days could not be asked: {why}"))


async def _ask(look: Look, question: Question) -> Answer:
    window = look.window
    promql = joined(question, window_seconds=window.rate_seconds)
    return await look.source.query_range(promql, start=window.start, end=window.end, step_seconds=window.step_seconds)


def _measured(question: Question, answer: Answer, placed: Placed, window: Window) -> list[Measured]:
    days: dict[tuple[Part, str], dict[int, Points]] = defaultdict(dict)
    for found in found_in(answer, question):
        days[found.part, found.name][found.back] = found.points
    return [
        Measured(
            part=part,
            name=name,
            service=placed[part.binding][name],
            points=held[0],
            movement=movement_in(
                window, part.metric, held[0], {back: points for back, points in held.items() if back}
            ),
            earlier_days=len(held) - 1,
        )
        for (part, name), held in days.items()
        if 0 in held and name in placed[part.binding]
    ]


def _metrics_of(question: Question) -> Iterable[str]:
    return dict.fromkeys(part.metric.value for part in question)
