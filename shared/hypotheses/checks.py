"""The queries with which a hypothesis can be told from others: which of them may run, and what their answers mean.

A query comes from a model. It is only ever asked as it was written, once it is known to be a read of a bounded size
that names its metrics; PromQL cannot write. An answer can lower a hypothesis and never lifts one.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

from shared.hypotheses.assertions import holds
from shared.hypotheses.caps import Cap, capped
from shared.hypotheses.claims import clean
from shared.hypotheses.proposal import ModelCheck
from shared.hypotheses.values import BARE, Quantity
from shared.hypotheses.wording import plain
from shared.models.hypotheses import Check, CheckVerdict, GeneratedBy, Hypothesis, HypothesisSet, Operator
from shared.models.promql_bounds import Bounds, Refusal, parsed, unfit_to_ask, unfit_to_parse
from shared.models.promql_scan import scan
from shared.ports.metrics import Answer

MAX_SHOWN = 5
"""Hypotheses of an answer."""
MAX_A_HYPOTHESIS, MAX_A_SET = 3, 10
MAX_SERIES = 20
MAX_QUERY_CHARS, MAX_BECAUSE_CHARS = 1000, 400
BOUNDS = Bounds(
    chars=MAX_QUERY_CHARS,
    depth=20,
    operators=40,
    selectors=10,
    longest_range=timedelta(days=1),
    farthest_offset=timedelta(days=8),
    subquery_points=1500,
    must_name_metric=True,
)


class NotRun(StrEnum):
    """Why a check says nothing."""

    WAITING = "waiting"
    """It may run and has not yet."""
    UNPARSABLE = "unparsable"
    TOO_LARGE = "too_large"
    TOO_BROAD = "too_broad"
    """It does not name its metric."""
    BUDGET = "budget"
    """There are as many as may run already."""
    EMPTY = "empty"
    """Nothing was found, which is not health."""
    NOT_A_NUMBER = "not_a_number"
    PARTIAL = "partial_answer"
    """What was found does not speak for it, and there is more that could not be read."""
    SOURCE_FAILED = "source_failed"
    TIMED_OUT = "timed_out"
    NOT_CONFIGURED = "not_configured"


_REFUSED = {
    Refusal.TOO_BROAD: NotRun.TOO_BROAD,
    Refusal.UNPARSABLE: NotRun.UNPARSABLE,
    Refusal.EMPTY: NotRun.UNPARSABLE,
    Refusal.NOT_A_VECTOR: NotRun.UNPARSABLE,
    Refusal.CONTROL_CHARACTERS: NotRun.UNPARSABLE,
}
"""What else is refused asks for too much."""


def proposed(checks: Sequence[ModelCheck]) -> tuple[Check, ...]:
    """The checks of one hypothesis, each once, waiting or refused. Those that predict no number are left out."""
    found: dict[tuple[str, Operator, float], Check] = {}
    for one in checks:
        if math.isfinite(one.value) and len(found) < MAX_A_HYPOTHESIS:
            # Without its comments, in one line, it is checked, shown and asked as the same text.
            query = plain(scan(one.query).text, limit=2 * MAX_QUERY_CHARS)
            why = _refused(query) or NotRun.WAITING
            found.setdefault((query, one.operator, one.value), _not_run(one, query[:MAX_QUERY_CHARS], why))
    return tuple(found.values())


def _refused(query: str) -> NotRun | None:
    refusal = unfit_to_parse(query, BOUNDS)
    if refusal is None:
        tree = parsed(query)
        refusal = Refusal.UNPARSABLE if tree is None else unfit_to_ask(tree, BOUNDS)
    return None if refusal is None else _REFUSED.get(refusal, NotRun.TOO_LARGE)


def _not_run(one: ModelCheck, query: str, why: NotRun) -> Check:
    return Check(
        query=query,
        operator=one.operator,
        value=one.value,
        because=clean(one.because, limit=MAX_BECAUSE_CHARS),
        verdict=CheckVerdict.NOT_RUN,
        reason=why.value,
    )


def to_ask(answer: HypothesisSet) -> tuple[str, ...]:
    """The queries that wait, each once, those of the likeliest hypotheses first, and no more than may run."""
    waiting = (
        check.query
        for hypothesis in answer.hypotheses
        for check in hypothesis.checks
        if check.reason == NotRun.WAITING
    )
    return tuple(dict.fromkeys(waiting))[:MAX_A_SET]


def judged(check: Check, answer: Answer) -> Check:
    """What an answer means: of several series the one that speaks most for the check decides."""
    values = [sample.value for sample in answer.samples if math.isfinite(sample.value)]
    is_partial = answer.is_partial or len(answer.samples) >= MAX_SERIES
    if not values:
        why = NotRun.NOT_A_NUMBER if answer.samples else NotRun.PARTIAL if is_partial else NotRun.EMPTY
        return check.model_copy(update={"reason": why.value})
    found = _deciding(check, values)
    if holds(check.operator, Quantity(check.value, 0.0, BARE), found):
        return check.model_copy(update={"verdict": CheckVerdict.SUPPORTED, "found": found, "reason": ""})
    if is_partial:
        return check.model_copy(update={"found": found, "reason": NotRun.PARTIAL.value})
    return check.model_copy(update={"verdict": CheckVerdict.REFUTED, "found": found, "reason": ""})


def _deciding(check: Check, values: Sequence[float]) -> float:
    match check.operator:
        case Operator.MORE | Operator.AT_LEAST:
            return max(values)
        case Operator.LESS | Operator.AT_MOST:
            return min(values)
        case Operator.EQUAL:
            return min(values, key=lambda value: abs(value - check.value))
        case Operator.NOT_EQUAL:
            return max(values, key=lambda value: abs(value - check.value))


def with_verdicts(answer: HypothesisSet, found: Mapping[str, Answer | NotRun]) -> HypothesisSet:
    """The answer with what its checks came to; what was not asked is over the budget. Who is refuted sinks."""
    if not any(one.checks for one in answer.hypotheses):
        return answer
    told = [_with_verdicts(one, found) for one in answer.hypotheses]
    ordered = sorted(told, key=lambda one: -one.score)
    ranked = tuple(one.model_copy(update={"rank": at}) for at, one in enumerate(ordered, start=1))
    return answer.model_copy(update={"hypotheses": ranked})


def first_suspect_stands(checked: HypothesisSet, ranked: HypothesisSet) -> HypothesisSet:
    """The answer, and beside it the ranker's own hypothesis about its first suspect where all others are refuted.

    What is refuted is what a model predicted, by one value at one instant. It must not clear what the snapshot shows:
    else a model would only have to predict wrongly to have another service come first.
    """
    if checked.generated_by is not GeneratedBy.MODEL or not ranked.hypotheses:
        return checked
    first = ranked.hypotheses[0]
    about = [one for one in checked.hypotheses if one.suspected_service == first.suspected_service]
    if not about or any(Cap.CHECK_REFUTED.value not in one.caps for one in about):
        return checked
    beside = sorted([first, *checked.hypotheses], key=lambda one: -one.score)[:MAX_SHOWN]
    numbered = tuple(one.model_copy(update={"rank": at}) for at, one in enumerate(beside, start=1))
    return checked.model_copy(update={"hypotheses": numbered})


def _with_verdicts(one: Hypothesis, found: Mapping[str, Answer | NotRun]) -> Hypothesis:
    checks = tuple(_told(check, found) if check.reason == NotRun.WAITING else check for check in one.checks)
    is_refuted = any(check.verdict is CheckVerdict.REFUTED for check in checks)
    caps = tuple(dict.fromkeys((*one.caps, Cap.CHECK_REFUTED.value))) if is_refuted else one.caps
    return one.model_copy(update={"checks": checks, "caps": caps, "score": capped(one.score, caps)})


def _told(check: Check, found: Mapping[str, Answer | NotRun]) -> Check:
    answer = found.get(check.query, NotRun.BUDGET)
    if isinstance(answer, NotRun):
        return check.model_copy(update={"reason": answer.value})
    return judged(check, answer)
