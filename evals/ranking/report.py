"""What an evaluation found, by data set: figures with intervals, goals, misses."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

import numpy as np

from evals.ranking.measures import Estimate, Places, estimate, places_of
from evals.ranking.outcomes import Outcome, misses, reason_of

SILENT, MOST_MS, MOST_DECOYS = 0.9, 50.0, 0.1
GOALS: Mapping[str, Mapping[str, float]] = {
    "petshop": {"top1": 0.85, "top3": 0.95},
    "nezhaob": {"top1": 0.85},
    "onlineboutique": {"top1": 0.85},
    "sockshop": {"avg5": 0.97},
    "synthetic": {"top1": 0.7, "top3": 0.85},
}
"""By how a data set's name begins, without what is no letter."""
_GROUPINGS: Mapping[str, Callable[[Outcome], str]] = {
    "all": lambda _: "",
    "scenario": lambda one: one.case.scenario,
    "alert": lambda one: one.case.observation.target_kind.value,
    "fault": lambda one: one.case.fault,
}


@dataclass(frozen=True)
class Group:
    """Cases that have something in common, or all of them."""

    by: str
    name: str
    places: Places


@dataclass(frozen=True)
class Goal:
    """What was to be reached, and what was."""

    name: str
    wanted: str
    measured: float
    met: bool


@dataclass(frozen=True)
class Miss:
    """A case whose truth did not stand first, or a normal window that was not silent."""

    case: str
    fault: str
    place: int | None
    reason: str


@dataclass(frozen=True)
class Report:
    """One data set."""

    data_set: str
    groups: Sequence[Group]
    silence: Estimate | None
    windows: str
    decoys_blamed: Estimate | None
    median_ms: float
    p95_ms: float
    goals: Sequence[Goal]
    misses: Sequence[Miss]
    loud: Sequence[Miss]


def report_of(data_set: str, outcomes: Sequence[Outcome], normal: Sequence[Outcome], windows: str) -> Report:
    """The figures of a data set's cases and normal windows; raises ValueError when there is no case."""
    groups = [group for by, key in _GROUPINGS.items() for group in _groups(by, key, outcomes)]
    tempted = [float(one.blames_decoy) for one in outcomes if one.case.decoys]
    silence = estimate([float(one.is_silent) for one in normal]) if normal else None
    decoys = estimate(tempted) if tempted else None
    milliseconds = [1000 * one.seconds for one in (*outcomes, *normal)]
    p95_ms = float(np.percentile(milliseconds, 95))
    return Report(
        data_set=data_set,
        groups=groups,
        silence=silence,
        windows=windows,
        decoys_blamed=decoys,
        median_ms=median(milliseconds),
        p95_ms=p95_ms,
        goals=_goals(data_set, groups[0].places, silence=silence, decoys=decoys, p95_ms=p95_ms),
        misses=[Miss(one.case.name, one.case.fault, one.place, reason_of(one)) for one in misses(outcomes)],
        loud=[Miss(one.case.name, one.case.fault, None, _loud(one)) for one in normal if not one.is_silent],
    )


def as_plain(report: Report) -> dict[str, object]:
    """For JSON."""
    return asdict(report)


def as_text(report: Report) -> str:
    """For people."""
    lines = [
        f"== {report.data_set}",
        f"{'':<44} {'n':>4}  {'top-1':<18} {'top-3':<18} {'Avg@5':<18}  (95 % intervals of a bootstrap over cases)",
    ]
    for one in report.groups:
        name = f"{one.by} {one.name}".strip()
        of = one.places
        lines.append(f"{name:<44} {of.n:>4}  {_said(of.top1)} {_said(of.top3)} {_said(of.avg5)}")
    silence = report.silence
    lines.append(
        f"silent in normal windows: {_said(silence)} of {silence.n} windows {report.windows}"
        if silence
        else f"silent in normal windows: not measured; no window could be cut {report.windows}"
    )
    if report.decoys_blamed:
        lines.append(f"decoys blamed: {_said(report.decoys_blamed)} of {report.decoys_blamed.n} cases with one")
    lines.append(f"processor time of ranking: median {report.median_ms:.1f} ms, p95 {report.p95_ms:.1f} ms")
    lines += [
        f"goal {'met    ' if goal.met else 'NOT met'} {goal.name} {goal.wanted}: {goal.measured:.3f}"
        for goal in report.goals
    ]
    lines += [f"miss {one.case} ({one.fault}): {one.reason}" for one in report.misses]
    lines += [f"loud {one.case}: {one.reason}" for one in report.loud]
    return "\n".join(lines)


def _groups(by: str, key: Callable[[Outcome], str], outcomes: Sequence[Outcome]) -> list[Group]:
    found: dict[str, list[int | None]] = defaultdict(list)
    for one in outcomes:
        found[key(one)].append(one.place)
    return [Group(by, name, places_of(found[name])) for name in sorted(found)] or [Group(by, "", places_of([]))]


def _goals(
    data_set: str, places: Places, *, silence: Estimate | None, decoys: Estimate | None, p95_ms: float
) -> list[Goal]:
    letters = "".join(one for one in data_set.lower() if one.isalpha())
    wanted = next((goals for name, goals in GOALS.items() if letters.startswith(name)), {})
    reached = {"top1": places.top1.value, "top3": places.top3.value, "avg5": places.avg5.value}
    found = [Goal(name, f">= {least}", reached[name], reached[name] >= least) for name, least in wanted.items()]
    if silence:
        found.append(Goal("silence", f">= {SILENT}", silence.value, silence.value >= SILENT))
    if decoys:
        found.append(Goal("decoys blamed", f"<= {MOST_DECOYS}", decoys.value, decoys.value <= MOST_DECOYS))
    return [*found, Goal("p95 in ms", f"< {MOST_MS:g}", p95_ms, p95_ms < MOST_MS)]


def _loud(outcome: Outcome) -> str:
    first = outcome.ranking.suspects[0]
    factors = ", ".join(f"{name} {value:g}" for name, value in first.factors.items())
    return f"{first.service} by {first.kind.value} {first.series!r} (score {first.score:.3f}; {factors})"


def _said(one: Estimate) -> str:
    return f"{one.value:.3f} [{one.low:.2f}, {one.high:.2f}]"
