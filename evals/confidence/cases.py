"""Made-up incidents, some of them only partly looked at, with the answer to each and what was true."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from evals.ranking.labels import Labelled, labelled
from shared.hypotheses.answer import MAX_HYPOTHESES, ranked_set
from shared.hypotheses.confidence import factors_of
from shared.hypotheses.observation import Observation, ObservedSeries, SeriesKind, Suspect
from shared.hypotheses.rank import rank
from shared.models.base import IncidentId, TenantId
from shared.models.evidence import SeriesEvidence
from shared.models.hypotheses import Hypothesis
from shared.models.measures import Direction, Metric, Movement, Relation
from shared.models.snapshots import Coverage, Section, SectionName, SectionStatus, Snapshot, SnapshotBody, digest

PARTLY_BLIND = 0.5
"""The share of incidents of which not everything could be looked at."""
BLIND = 0.2
"""Of those, the chance of each question to fail."""
UNMEASURED = 0.5
"""Where dependencies could not be asked for in full, the chance of each not to be measured."""
LOCAL = frozenset({SeriesKind.CPU, SeriesKind.MEMORY, SeriesKind.DISK, SeriesKind.NETWORK, SeriesKind.SATURATION})


@dataclass(frozen=True)
class Judged:
    """One hypothesis, what its confidence is made of, and whether it was right."""

    case: str
    fault: str
    hypothesis: Hypothesis
    beside: tuple[Hypothesis, ...]
    body: SnapshotBody
    was_right: bool

    @property
    def factors(self) -> dict[str, float]:
        """The values that are weighed."""
        return factors_of(self.hypothesis, self.beside, self.body)


def judged(seed: int, cases: int) -> Iterator[Judged]:
    """Every hypothesis of so many incidents of a seed, the same ones every time.

    As with the ranker's cases, seeds from 1000 on are for judging and nothing is fitted to them.
    """
    for number, case in enumerate(labelled(seed, cases)):
        yield from _of_case(case, np.random.default_rng([seed, number, 7]))


def ranker_version() -> str | None:
    """What the ranker says of itself."""
    at = datetime.fromtimestamp(0, UTC)
    body = SnapshotBody(
        service="a", window_start=at, onset_at=at, window_end=at, step_seconds=15.0, sections=(), coverage=None
    )
    empty = Snapshot(
        id="snap-0",
        tenant_id=TenantId("ten-0"),
        incident_id=IncidentId("inc-0"),
        taken_at=at,
        elapsed_seconds=0.0,
        body=body,
        sha256=digest(body),
    )
    return ranked_set(empty, now=at).ranker_version


def _of_case(case: Labelled, rng: np.random.Generator) -> Iterator[Judged]:
    failed = frozenset(name for name in SectionName if rng.random() < BLIND) if rng.random() < PARTLY_BLIND else ()
    seen = _blinded(case.observation, frozenset(failed), rng) if failed else case.observation
    suspects = (rank(seen) if failed else case.ranking).suspects[:MAX_HYPOTHESES]
    body = _body(seen, suspects, 1 - len(failed) / len(SectionName))
    hypotheses = tuple(_hypothesis(one, at) for at, one in enumerate(suspects, start=1))
    for suspect, one in zip(suspects, hypotheses, strict=True):
        yield Judged(case.name, case.fault, one, hypotheses, body, suspect.service in case.truth)


def _blinded(seen: Observation, failed: frozenset[SectionName], rng: np.random.Generator) -> Observation:
    """The same, without what the failed questions would have told."""
    others = sorted({one.service for one in seen.series} - {seen.target})
    unmeasured = {name for name in others if rng.random() < UNMEASURED}

    def is_seen(one: ObservedSeries) -> bool:
        if one.kind in LOCAL:
            return SectionName.LIMITS not in failed
        if one.service == seen.target:
            return SectionName.TRAFFIC not in failed
        return SectionName.DEPENDENCIES not in failed or one.service not in unmeasured

    return replace(
        seen,
        series=[one for one in seen.series if is_seen(one)],
        calls={} if SectionName.TOPOLOGY in failed else seen.calls,
        changes=() if SectionName.CHANGES in failed else seen.changes,
    )


def _body(seen: Observation, suspects: tuple[Suspect, ...], share: float) -> SnapshotBody:
    at = datetime.fromtimestamp(seen.began_at, UTC)
    evidence = tuple(_evidence(seen, one, number) for number, one in enumerate(suspects, start=1))
    return SnapshotBody(
        service=seen.target,
        window_start=at,
        onset_at=at,
        window_end=datetime.fromtimestamp(seen.ends_at, UTC),
        step_seconds=seen.step,
        sections=(Section(name=SectionName.TRAFFIC, status=SectionStatus.OK, evidence=evidence),),
        coverage=Coverage(share=round(share, 3)),
    )


def _evidence(seen: Observation, suspect: Suspect, number: int) -> SeriesEvidence:
    """The series that speaks loudest against a suspect: of it only the length of its history matters here."""
    lengths = [int(np.isfinite(one.earlier).sum()) for one in seen.series if one.service == suspect.service]
    moved = Movement(
        baseline_median=0.0,
        baseline_spread=1.0,
        baseline_samples=max(lengths, default=0),
        current=suspect.change,
        direction=Direction.UP if suspect.goes_up else Direction.DOWN,
    )
    return SeriesEvidence(
        id=f"E{number}",
        service=suspect.service,
        relation=Relation.SELF if suspect.service == seen.target else Relation.CALLEE,
        metric=Metric.ERROR_RATIO,
        points=(),
        movement=moved,
    )


def _hypothesis(suspect: Suspect, rank_of: int) -> Hypothesis:
    return Hypothesis(
        rank=rank_of,
        claim=f"{suspect.service} is ill",
        suspected_service=suspect.service,
        mechanism="It begins there.",
        supporting=(f"E{rank_of}",),
        score=min(1.0, max(0.0, suspect.score)),
        factors=dict(suspect.factors),
    )
