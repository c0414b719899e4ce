"""One labelled case: what the ranker may look at, and beside it the truth, which it never sees."""

from dataclasses import dataclass

from shared.hypotheses.observation import Observation


@dataclass(frozen=True)
class Case:
    """A window of trouble with its true cause, or with no `truth` a window in which nothing was wrong."""

    name: str
    data_set: str
    scenario: str
    fault: str
    observation: Observation
    truth: frozenset[str]
    """Services of which each is a right answer."""
    decoys: frozenset[str] = frozenset()
    """Innocent services that were changed shortly before."""
