"""Two answers for one snapshot side by side: what moved, what is new, what is gone."""

from dataclasses import dataclass
from enum import StrEnum

from shared.models.hypotheses import Hypothesis, HypothesisSet


class Change(StrEnum):
    """What became of a suspect."""

    SAME = "same"
    MOVED = "moved"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True)
class Compared:
    """One suspect, a service with the change it is suspected for, in the answer before and in the one after."""

    change: Change
    before: Hypothesis | None
    after: Hypothesis | None

    @property
    def confidence_moved_by(self) -> float | None:
        """By how much its confidence grew; None unless both answers have it."""
        old = self.before.confidence if self.before else None
        new = self.after.confidence if self.after else None
        return None if old is None or new is None else round(new - old, 4)


def compared(before: HypothesisSet, after: HypothesisSet) -> tuple[Compared, ...]:
    """Every suspect of either answer: those of the new one in its order, then those that are gone.

    An answer may suspect the same twice; the better ranked are taken for each other.
    """
    left = list(before.hypotheses)
    found: list[Compared] = []
    for one in after.hypotheses:
        was = next((old for old in left if _suspect(old) == _suspect(one)), None)
        if was is None:
            found.append(Compared(Change.NEW, None, one))
            continue
        left.remove(was)
        found.append(Compared(Change.SAME if was.rank == one.rank else Change.MOVED, was, one))
    return (*found, *(Compared(Change.GONE, old, None) for old in left))


def _suspect(one: Hypothesis) -> tuple[str, str | None]:
    return one.suspected_service, one.suspected_change
