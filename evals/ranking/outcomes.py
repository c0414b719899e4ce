"""What the ranker made of cases: where the truth stood, how long it took, and why each miss is one."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from evals.ranking.cases import Case
from shared.hypotheses.observation import Observation, Ranking, Suspect

Ranker = Callable[[Observation], Ranking]


@dataclass(frozen=True)
class Outcome:
    """One case and its ranking; `seconds` of the processor are the ranker's alone, whoever else is busy there."""

    case: Case
    ranking: Ranking
    seconds: float

    @property
    def place(self) -> int | None:
        """Where the truth stands, 1 for the first; None where it is not among the suspects."""
        services = [one.service for one in self.ranking.suspects]
        return min((services.index(one) + 1 for one in self.case.truth if one in services), default=None)

    @property
    def is_silent(self) -> bool:
        """Whether the ranker suspects nobody."""
        return not self.ranking.suspects

    @property
    def blames_decoy(self) -> bool:
        """Whether an innocent service that was changed stands first."""
        return not self.is_silent and self.ranking.suspects[0].service in self.case.decoys


def outcomes_of(cases: Iterable[Case], ranker: Ranker) -> list[Outcome]:
    """Rank every case. The first is ranked twice, for what is imported or allocated once is no case's time."""
    found: list[Outcome] = []
    for case in cases:
        if not found:
            ranker(case.observation)
        began = time.thread_time()
        ranking = ranker(case.observation)
        found.append(Outcome(case, ranking, time.thread_time() - began))
    return found


def reason_of(outcome: Outcome) -> str:
    """Why a case was missed: what stood first and with which factors, and what became of the truth."""
    truth = " or ".join(sorted(outcome.case.truth))
    if outcome.is_silent:
        return f"silent ({outcome.ranking.reason}); the truth is {truth}: {_seen(outcome)}"
    first, place = outcome.ranking.suspects[0], outcome.place
    if place is None:
        return f"{_said(first)} stood first; the truth {truth} is no suspect: {_seen(outcome)}"
    return f"{_said(first)} stood first; the truth stood at {place}: {_said(outcome.ranking.suspects[place - 1])}"


def _said(one: Suspect) -> str:
    factors = ", ".join(f"{name} {value:g}" for name, value in one.factors.items())
    return f"{one.service} by {one.kind.value} {one.series!r} (score {one.score:.3f}; {factors})"


def _seen(outcome: Outcome) -> str:
    series = [one for one in outcome.case.observation.series if one.service in outcome.case.truth]
    return f"none of its {len(series)} series exceeded what is normal" if series else "nothing is measured of it"


def misses(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The cases in which the truth did not stand first."""
    return [one for one in outcomes if one.place != 1]
