"""Made-up cases with what the ranker said of each and what was true: to fit and to judge a confidence on."""

from collections.abc import Iterator
from dataclasses import dataclass

from evals.ranking.synthetic import faulty_case, normal_case
from shared.hypotheses.observation import Observation, Ranking
from shared.hypotheses.rank import rank

NORMAL_EVERY = 5
"""Of so many cases one is a window in which nothing was wrong."""


@dataclass(frozen=True)
class Labelled:
    """One case. `truth` holds every service that is a right answer; it is empty where nothing was wrong."""

    name: str
    fault: str
    observation: Observation
    ranking: Ranking
    truth: frozenset[str]

    @property
    def was_right(self) -> tuple[bool, ...]:
        """Of each suspect, in the order of the ranking, whether it is a right answer."""
        return tuple(one.service in self.truth for one in self.ranking.suspects)


def labelled(seed: int, n: int) -> Iterator[Labelled]:
    """`n` cases of a seed, the same ones every time; six kinds of fault in turn, every fifth case without any.

    Seeds below 1000 are for tuning and fitting, those from 1000 on for judging.
    """
    faulty = 0
    for number in range(n):
        if number % NORMAL_EVERY == NORMAL_EVERY - 1:
            case = normal_case(seed, number)
        else:
            case, faulty = faulty_case(seed, faulty), faulty + 1
        yield Labelled(case.name, case.fault, case.observation, rank(case.observation), case.truth)
