"""Objectives that a Prometheus has recording rules for, as sloth and pyrra write them: one query, read into evidence.

Names and labels are those of sloth's `slo:*` rules, and of pyrra's `<metric>:burnrate<window>` and generic rules.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.context.burning import WINDOWS, budget_left, burn_rates, exhausted_in
from shared.context.promql import alternation, one_of, quoted
from shared.models.evidence import SloEvidence
from shared.ports.metrics import Sample

_SLOTH = (
    "slo:(sli_error:ratio_rate(5m|1h|6h|3d)|objective:ratio|period_error_budget_remaining:ratio|time_period:days)"
)
_PYRRA = ".+:burnrate.+|pyrra_(objective|window|availability)"
_BURNRATE = re.compile(r".+:burnrate(\w+)")
_RATIO_RATE = "slo:sli_error:ratio_rate"
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_SECONDS = (604_800, 86_400, 3600, 60, 1)
_DAY = 86_400
_USUAL_DAYS = 30.0
_NEAR = 1.5
"""pyrra's windows scale with the objective's period; one this close to ours stands for it."""


def recorded_query(services: Iterable[str]) -> str:
    """All that either tool records of objectives of these services; pyrra's are found by their names."""
    names = sorted(set(services))
    sloth = f"{{__name__=~{quoted(_SLOTH)},{one_of('sloth_service', names)}}}"
    pyrra = f"{{__name__=~{quoted(_PYRRA)},slo=~{quoted(f'({alternation(names)})(-.*)?')}}}"
    return f"{sloth} or {pyrra}"


@dataclass
class _Told:
    """What was recorded of one objective."""

    service: str
    name: str
    objective: float | None = None
    period_days: float = _USUAL_DAYS
    left: float | None = None
    availability: float | None = None
    error_ratios: dict[int, float] = field(default_factory=dict)


def recorded_slos(samples: Sequence[Sample], services: Iterable[str], query: str) -> list[SloEvidence]:
    """The objectives in the answer; one whose target is not recorded cannot be judged and is left out."""
    known = set(services)
    finite = [one for one in samples if math.isfinite(one.value)]
    found = [("sloth", told) for told in _sloth(finite).values()]
    found += [("pyrra", told) for told in _pyrra(finite, known).values()]
    return [
        _evidence(told, told_by, query)
        for told_by, told in found
        if told.service in known and told.objective is not None and 0 < told.objective < 1
    ]


def _sloth(samples: Sequence[Sample]) -> Mapping[str, _Told]:
    found: dict[str, _Told] = {}
    for one in samples:
        labels, name = one.labels, one.labels.get("__name__", "")
        if not labels.get("sloth_id"):
            continue
        slo = labels.get("sloth_slo", labels["sloth_id"])
        told = found.setdefault(labels["sloth_id"], _Told(labels.get("sloth_service", ""), slo))
        if name.startswith(_RATIO_RATE):
            told.error_ratios[_seconds(name.removeprefix(_RATIO_RATE))] = one.value
        elif name == "slo:objective:ratio":
            told.objective = one.value
        elif name == "slo:time_period:days":
            told.period_days = one.value
        elif name == "slo:period_error_budget_remaining:ratio":
            told.left = one.value
    return found


def _pyrra(samples: Sequence[Sample], services: set[str]) -> Mapping[str, _Told]:
    found: dict[str, _Told] = {}
    windows: dict[str, dict[int, float]] = defaultdict(dict)
    for one in samples:
        name, slo = one.labels.get("__name__", ""), one.labels.get("slo", "")
        service = _owner(slo, services)
        if service is None:
            continue
        told = found.setdefault(slo, _Told(service, slo))
        if burn := _BURNRATE.fullmatch(name):
            windows[slo][_seconds(burn[1])] = one.value
        elif name == "pyrra_objective":
            told.objective = one.value
        elif name == "pyrra_window":
            told.period_days = one.value / _DAY
        elif name == "pyrra_availability":
            told.availability = one.value
    for slo, told in found.items():
        told.error_ratios |= _nearest(windows[slo])
        if told.availability is not None and told.objective is not None and told.objective < 1:
            told.left = budget_left(1 - told.availability, told.objective)
    return found


def _owner(slo: str, services: set[str]) -> str | None:
    """The service in an objective's name, the longest that fits: `shop-cart-errors` is of `shop-cart`."""
    fits = [name for name in services if slo == name or slo.startswith(f"{name}-")]
    return max(fits, key=len, default=None)


def _nearest(recorded: Mapping[int, float]) -> dict[int, float]:
    """By our windows: what is recorded over the same length of time, or nearly."""
    chosen: dict[int, float] = {}
    for window in WINDOWS:
        near = [one for one in recorded if window / _NEAR <= one <= window * _NEAR]
        if near:
            chosen[window] = recorded[min(near, key=lambda one: abs(one - window))]
    return chosen


def _seconds(text: str) -> int:
    found = _DURATION.fullmatch(text)
    return sum(int(count) * unit for count, unit in zip(found.groups("0"), _SECONDS, strict=True)) if found else 0


def _evidence(told: _Told, told_by: str, query: str) -> SloEvidence:
    objective = told.objective or 0.0
    rates = burn_rates({window: ratio for window, ratio in told.error_ratios.items() if window}, objective)
    return SloEvidence(
        query=query,
        service=told.service,
        name=told.name,
        objective=objective,
        period_days=told.period_days,
        burn_rates=rates,
        budget_left=told.left,
        exhausted_in_seconds=exhausted_in(told.left, rates, told.period_days),
        told_by="sloth" if told_by == "sloth" else "pyrra",
    )
