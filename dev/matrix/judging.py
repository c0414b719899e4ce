"""Whether an answer is right, and whether all of them together are good enough: pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dev.matrix.cases import Case, FaultKind

RIGHT_GOAL, BLAMED_GOAL, SILENT_GOAL = 0.8, 0.1, 0.9
MAX_TOLD = 3


class Outcome(StrEnum):
    """What became of a case."""

    RIGHT = "right"
    """The broken service is named first."""
    WRONG = "wrong"
    """Another one is."""
    DECOY_BLAMED = "decoy_blamed"
    """The service of the harmless deploy is named first, or that deploy suspected there."""
    NOTHING_FOUND = "nothing_found"
    """There was a fault, and the answer names nobody."""
    SILENT = "silent"
    """There was no fault, and the answer says so."""
    FALSE_SUSPECT = "false_suspect"
    """There was no fault, and somebody is suspected, or the answer does not say that there is no evidence."""
    NOT_PAGED = "not_paged"
    """No incident was opened and answered in time."""
    FAILED = "failed"
    """The case itself could not be played."""


@dataclass(frozen=True)
class Told:
    """One hypothesis as it is reported of a miss."""

    service: str
    score: float
    claim: str
    change_of: str | None = None


@dataclass(frozen=True)
class Result:
    """A case, what became of it, and what was said."""

    case: Case
    outcome: Outcome
    told: tuple[Told, ...] = ()
    conclusion: str = ""
    why: str = ""
    """Of a case that failed: the sentence."""
    incident_id: str = ""
    paged_after_seconds: float | None = None
    answered_after_seconds: float | None = None
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether it is what it should be."""
        return self.outcome in (Outcome.RIGHT, Outcome.SILENT)


@dataclass(frozen=True)
class Share:
    """So many of so many, and what was wanted."""

    name: str
    count: int
    of: int
    goal: float
    at_most: bool = False

    @property
    def value(self) -> float | None:
        """The share; None where nothing was counted."""
        return self.count / self.of if self.of else None

    @property
    def is_met(self) -> bool:
        """Whether it is good enough. Of nothing, nothing is good enough."""
        if self.value is None:
            return False
        return self.value <= self.goal if self.at_most else self.value >= self.goal


def judged(case: Case, answer: Mapping[str, Any], change_services: Mapping[str, str]) -> Outcome:
    """What an answer is worth; `change_services` tells whose change an evidence id is."""
    hypotheses = answer["hypotheses"]
    if case.fault is None:
        said_so = not hypotheses and answer["conclusion"] == "no_evidence"
        return Outcome.SILENT if said_so else Outcome.FALSE_SUSPECT
    if not hypotheses:
        return Outcome.NOTHING_FOUND
    first = hypotheses[0]
    if case.decoy and case.decoy in (
        first["suspected_service"],
        change_services.get(first["suspected_change"] or ""),
    ):
        return Outcome.DECOY_BLAMED
    return Outcome.RIGHT if first["suspected_service"] == case.service else Outcome.WRONG


def told_of(answer: Mapping[str, Any], change_services: Mapping[str, str]) -> tuple[Told, ...]:
    """The first hypotheses, short."""
    return tuple(
        Told(
            service=one["suspected_service"],
            score=one["score"],
            claim=one["claim"],
            change_of=change_services.get(one["suspected_change"] or ""),
        )
        for one in answer["hypotheses"][:MAX_TOLD]
    )


def shares_of(results: Sequence[Result]) -> list[Share]:
    """The three that are gated. A case that could not be played counts as a miss, not as missing."""
    faults = [one for one in results if one.case.fault]
    with_decoy = [one for one in faults if one.case.decoy]
    windows = [one for one in results if not one.case.fault]
    return [
        Share("right service first", _count(faults, Outcome.RIGHT), len(faults), RIGHT_GOAL),
        Share("decoy blamed", _count(with_decoy, Outcome.DECOY_BLAMED), len(with_decoy), BLAMED_GOAL, at_most=True),
        Share("no evidence without a fault", _count(windows, Outcome.SILENT), len(windows), SILENT_GOAL),
    ]


def are_met(results: Sequence[Result]) -> bool:
    """Whether the goals are met; of a part of the cases, those of which there are any, and of no case never."""
    counted = [share for share in shares_of(results) if share.of]
    return bool(counted) and all(share.is_met for share in counted)


def by_fault(results: Sequence[Result]) -> list[tuple[str, int, int]]:
    """Of each fault, and of no fault: its name, how many were good, of how many."""
    kinds: list[FaultKind | None] = [*FaultKind, None]
    return [
        (kind.value if kind else "no fault", sum(one.is_good for one in found), len(found))
        for kind in kinds
        if (found := [one for one in results if one.case.fault is kind])
    ]


def _count(results: Iterable[Result], outcome: Outcome) -> int:
    return sum(one.outcome is outcome for one in results)
