"""How well answers name the causes of a tenant's regression cases, before and after, and whether that may pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from shared.models.feedback import RegressionCase
from shared.models.hypotheses import HypothesisSet

TOP = 3
LEAST_SHARE = 0.5
"""Of the cases: what was looked at in fewer of them says nothing of the rest."""


class Exit(IntEnum):
    """What the command ends with."""

    PASSED = 0
    WORSE = 1
    NOTHING_EVALUATED = 2


@dataclass(frozen=True)
class Places:
    """Where an answer has a case's cause: ranks from 1, None where it is not named."""

    service: int | None
    change: int | None


@dataclass(frozen=True)
class Scored:
    """One case. `skipped` says why it was not evaluated; it has no places then."""

    case: RegressionCase
    before: Places | None = None
    after: Places | None = None
    skipped: str | None = None


@dataclass(frozen=True)
class Figures:
    """Shares of the evaluated cases, 0 to 1; those of changes are of the cases that name one, None without any."""

    service_top1: float
    service_top3: float
    change_top1: float | None
    change_top3: float | None


def places_of(answer: HypothesisSet, case: RegressionCase) -> Places:
    """The best rank of the case's service, and of its change."""
    by_service = [one.rank for one in answer.hypotheses if one.suspected_service == case.root_service]
    by_change = [
        one.rank for one in answer.hypotheses if case.root_change and one.suspected_change == case.root_change
    ]
    return Places(min(by_service, default=None), min(by_change, default=None))


@dataclass(frozen=True)
class Summary:
    """All cases of a tenant."""

    scored: Sequence[Scored]

    @property
    def evaluated(self) -> list[Scored]:
        """Those with an answer to look at."""
        return [one for one in self.scored if one.skipped is None]

    @property
    def before(self) -> Figures:
        """How the recorded answers did."""
        return _figures([(one.case, one.before) for one in self.evaluated if one.before])

    @property
    def after(self) -> Figures:
        """How today's do."""
        return _figures([(one.case, one.after) for one in self.evaluated if one.after])

    def ends(self, at_least: float | None) -> tuple[Exit, str]:
        """What the command ends with, and why in a sentence.

        Without `at_least` today's answers must be no worse than the recorded ones in any figure; with it, their
        share of right services at rank 1 decides.
        """
        if not self.scored:
            return Exit.NOTHING_EVALUATED, "nothing was evaluated: the tenant has no regression cases"
        if len(self.evaluated) < max(1, LEAST_SHARE * len(self.scored)):
            why = ", ".join(sorted({one.skipped for one in self.scored if one.skipped}))
            done = "nothing was evaluated" if not self.evaluated else "too little was evaluated"
            return Exit.NOTHING_EVALUATED, f"{done}: {len(self.evaluated)} of {len(self.scored)} cases ({why})"
        if at_least is not None:
            share = self.after.service_top1
            is_enough = share >= at_least
            compared = "at least" if is_enough else "less than"
            words = f"the right service is first in {share:.3f}, {compared} {at_least:.3f}"
            return (Exit.PASSED if is_enough else Exit.WORSE), words
        worse = _worse(self.before, self.after)
        if worse:
            return Exit.WORSE, f"worse than the recorded answers in {', '.join(worse)}"
        return Exit.PASSED, "no worse than the recorded answers"


def _figures(found: Sequence[tuple[RegressionCase, Places]]) -> Figures:
    services = [places.service for _, places in found]
    changes = [places.change for case, places in found if case.root_change is not None]
    return Figures(_share(services, 1) or 0.0, _share(services, TOP) or 0.0, _share(changes, 1), _share(changes, TOP))


def _share(ranks: Sequence[int | None], within: int) -> float | None:
    return sum(rank is not None and rank <= within for rank in ranks) / len(ranks) if ranks else None


def _worse(before: Figures, after: Figures) -> list[str]:
    pairs = {
        "service top-1": (before.service_top1, after.service_top1),
        f"service top-{TOP}": (before.service_top3, after.service_top3),
        "change top-1": (before.change_top1, after.change_top1),
        f"change top-{TOP}": (before.change_top3, after.change_top3),
    }
    return [name for name, (old, new) in pairs.items() if old is not None and new is not None and new < old]
