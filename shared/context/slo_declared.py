"""Objectives that the tenant declared, measured by the convention that each service follows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.context.burning import WINDOWS, budget_left, burn_rates, exhausted_in
from shared.context.conventions import Binding, expression
from shared.context.promql import quoted
from shared.models.evidence import SloEvidence
from shared.models.measures import Metric
from shared.models.objectives import Objective
from shared.ports.metrics import Sample

_OVER, _BY = "over", "binding"
_DAY = 86_400


@dataclass(frozen=True)
class Declared:
    """An objective, and by which label of which convention its service is known."""

    objective: Objective
    binding: Binding
    name: str
    """What its service is called there."""


def ratios_query(declared: Sequence[Declared], windows: Iterable[int]) -> str:
    """Error ratios of all these services over each window, told apart by the labels `over` and `binding`."""
    by_binding: dict[Binding, set[str]] = {}
    for one in declared:
        by_binding.setdefault(one.binding, set()).add(one.name)
    return " or ".join(
        _labelled(binding, services, window) for binding, services in by_binding.items() for window in windows
    )


def _labelled(binding: Binding, services: Iterable[str], window: int) -> str:
    asked = expression(binding, Metric.ERROR_RATIO, services, window_seconds=window)
    marked = f'label_replace({asked}, "{_OVER}", "{window}", "", "")'
    return f'label_replace({marked}, "{_BY}", {quoted(binding.name)}, "", "")'


def periods_of(declared: Sequence[Declared]) -> list[int]:
    """The periods of these objectives, in seconds."""
    return sorted({one.objective.period_days * _DAY for one in declared})


def declared_slos(
    declared: Sequence[Declared], now: Sequence[Sample], period: Sequence[Sample], query: str
) -> list[SloEvidence]:
    """Each objective with its burn rates; the budget left is None where the whole period could not be asked."""
    short, long = _by_service(now), _by_service(period)
    return [_evidence(one, short, long, query) for one in declared]


Ratios = Mapping[tuple[str, str], Mapping[int, float]]
"""By (binding, name there): error ratios by window."""


def _evidence(one: Declared, short: Ratios, long: Ratios, query: str) -> SloEvidence:
    key = (one.binding.name, one.name)
    target, days = one.objective.objective, one.objective.period_days
    ratios = {window: ratio for window, ratio in short.get(key, {}).items() if window in WINDOWS}
    rates = burn_rates(ratios, target)
    left = budget_left(long.get(key, {}).get(days * _DAY), target)
    return SloEvidence(
        query=query,
        service=one.objective.service,
        name=one.objective.name,
        objective=target,
        period_days=days,
        burn_rates=rates,
        budget_left=left,
        exhausted_in_seconds=exhausted_in(left, rates, days),
        told_by="declared",
    )


def _by_service(samples: Sequence[Sample]) -> Ratios:
    found: dict[tuple[str, str], dict[int, float]] = {}
    for one in samples:
        over, by = one.labels.get(_OVER, ""), one.labels.get(_BY, "")
        service = one.labels.get(by.rpartition("/")[2], "")
        if over.isdigit() and math.isfinite(one.value):
            found.setdefault((by, service), {})[int(over)] = one.value
    return found
