"""What speaks for one service explaining another: time, calls, places, changes. Unknown is not zero."""

import math
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from itertools import pairwise

from shared.models.correlation import START_BUCKET, Features, ServiceNode
from shared.models.signals import Severity

SKEW_SECONDS = 150.0
"""`for:` clauses and scrape intervals blur the order of starts by about this much."""
EARLIEST = -180.0
"""An effect that began so long before its cause is none."""
DECAY = 4.0
"""How fast a lag stops fitting: so many times e-fold over the whole window."""
CHANGE_BEFORE = timedelta(minutes=30)

STRENGTHS: Mapping[str, float] = {"topology": 0.9, "labels": 0.95, "change": 0.3}
"""How far each kind of ground carries alone; any of them is enough, so they add up as independent chances."""
UNRELATED = 0.95
"""What is left of other grounds where the calls of both are known and relate them in no way."""
TIMELESS = 0.4
"""What is left of a ground when time speaks against it."""
HARDLY_ILL, PERHAPS_ILL = 0.6, 0.85
"""What is left when one of them only informs or could not be evaluated, or when all there is of it is one warning.

The first is so little that a call alone never links a mere notice at the usual threshold.
"""


def time_between(effect: ServiceNode, cause: ServiceNode, *, window_seconds: float) -> float | None:
    """How well their onsets fit: best at once, the wrong way round as far as clocks blur; None when too far apart.

    A service that fires for hours, or was noisy before, may fall ill once more: its best onset counts.
    """
    fits = [
        fit
        for later in onsets_of(effect)
        for earlier in onsets_of(cause)
        if (fit := _fit((later - earlier).total_seconds(), window_seconds)) is not None
    ]
    return round(max(fits), 4) if fits else None


def onsets_of(node: ServiceNode) -> Sequence[datetime]:
    """When it began to fire, and when again after nothing, or little, had started for a while."""
    starts = node.starts or (node.first_started_at,)
    return [starts[0], *(start for before, start in pairwise(starts) if start - before >= START_BUCKET)]


def _fit(lag: float, window_seconds: float) -> float | None:
    if not EARLIEST <= lag <= window_seconds:
        return None
    return math.exp(lag / SKEW_SECONDS if lag < 0 else -DECAY * lag / window_seconds)


def change_of(cause: ServiceNode, changes: Mapping[str, Sequence[datetime]]) -> float | None:
    """1 when the cause was changed shortly before it fell ill; None otherwise, for not every change is reported."""
    known = changes.get(cause.service_name, ())
    recent = any(start - CHANGE_BEFORE <= at <= start for start in onsets_of(cause) for at in known)
    return 1.0 if recent else None


def when_changes_matter(nodes: Sequence[ServiceNode]) -> tuple[datetime, datetime]:
    """From when to when a change may speak for one of these services; raises ValueError when there are none."""
    onsets = [onset for node in nodes for onset in onsets_of(node)]
    return min(onsets) - CHANGE_BEFORE, max(onsets)


def score_of(features: Features, *, illness: float = 1.0) -> float:
    """The chance that any known ground holds, less what time and known unrelatedness take from it.

    Without any ground it is 0: time alone links nothing, because much happens at the same moment.
    """
    grounds = {"topology": features.topology, "labels": features.labels, "change": features.change}
    missing = math.prod(1 - STRENGTHS[name] * value for name, value in grounds.items() if value is not None)
    score = (1 - missing) * (TIMELESS + (1 - TIMELESS) * (features.time or 0.0))
    if features.topology == 0.0:
        score *= UNRELATED
    return round(score * illness, 4)


def illness_of(node: ServiceNode, confirmed: Set[str] = frozenset()) -> float:
    """How surely its alerts say that the service is ill: a rule without an answer or a mere notice hardly does.

    A single warning is believed when something else confirms that the service is in trouble.
    """
    if not node.service_failure or node.severity == Severity.INFO.value:
        return HARDLY_ILL
    is_lone_warning = node.severity == Severity.WARNING.value and len(node.names) == 1
    return PERHAPS_ILL if is_lone_warning and node.service_name not in confirmed else 1.0
