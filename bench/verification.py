"""How long verification takes: ten hypotheses with sixty assertions on a snapshot of more than a thousand pieces."""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.hypotheses.answer import ranked_set
from shared.hypotheses.proposal import ModelAssertion, ModelCheck, ModelHypotheses, ModelHypothesis
from shared.hypotheses.verify import verify
from shared.models.base import IncidentId, TenantId
from shared.models.evidence import ChangeEvidence, EdgeEvidence, Evidence, SeriesEvidence
from shared.models.hypotheses import Operator
from shared.models.measures import RED, Direction, Metric, Movement, Relation
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot, SnapshotBody

SERVICES, POINTS, STEP_SECONDS = 200, 300, 10
CALLEES, ILL = 3, 15
HYPOTHESES, CITED = 10, 20
_WARM_UP = 2
_ONSET = datetime(2026, 1, 1, 12, tzinfo=UTC)
_ASSERTED = (
    ("movement.current", Operator.AT_LEAST, "50%"),
    ("movement.onset_at", Operator.EQUAL, "12:00:00 UTC"),
    ("movement.direction", Operator.EQUAL, "up"),
    ("max", Operator.MORE, "0.4"),
    ("median", Operator.LESS, "40%"),
    ("last", Operator.EQUAL, "0.5"),
)


def verification_milliseconds(seed: int = 1, *, repeats: int = 30, services: int = SERVICES) -> list[float]:
    """What each of several verifications took; the queries of checks are parsed, and not run."""
    snapshot = _snapshot(random.Random(seed), services)
    ranked = ranked_set(snapshot, now=_ONSET)
    answer = _answer(snapshot.body, random.Random(seed))
    took = []
    for _ in range(repeats + _WARM_UP):
        began = time.perf_counter()
        verify(answer, snapshot.body, ranked)
        took.append(1000 * (time.perf_counter() - began))
    return took[_WARM_UP:]


def _snapshot(chance: random.Random, services: int) -> Snapshot:
    names = [f"service-{number}" for number in range(services)]
    ill = set(names[:ILL])
    pieces: list[Evidence] = [_series(name, metric, is_ill=name in ill) for name in names for metric in RED]
    pieces += [
        EdgeEvidence(caller=name, callee=callee, calls_per_second=10, failed_ratio=0.1)
        for at, name in enumerate(names)
        for callee in chance.sample(names[at + 1 :], min(CALLEES, services - at - 1))
    ]
    pieces += [
        ChangeEvidence(service=name, version="2", previous_version="1", at=_ONSET - timedelta(seconds=20))
        for name in names[:ILL]
    ]
    told = tuple(piece.model_copy(update={"id": f"E{number}"}) for number, piece in enumerate(pieces))
    body = SnapshotBody(
        service=names[0],
        window_start=_ONSET - timedelta(minutes=45),
        onset_at=_ONSET,
        window_end=_ONSET + timedelta(minutes=5),
        step_seconds=STEP_SECONDS,
        sections=(Section(name=SectionName.TRAFFIC, status=SectionStatus.OK, evidence=told),),
    )
    return Snapshot(
        id="snap-bench",
        tenant_id=TenantId("bench"),
        incident_id=IncidentId("inc-bench"),
        taken_at=_ONSET,
        elapsed_seconds=0,
        body=body,
        sha256="0" * 64,
    )


def _series(service: str, metric: Metric, *, is_ill: bool) -> SeriesEvidence:
    moves = is_ill and metric is Metric.ERROR_RATIO
    since = _ONSET.timestamp()
    first = since - (POINTS - 30) * STEP_SECONDS
    times = [first + STEP_SECONDS * number for number in range(POINTS)]
    movement = Movement(
        baseline_median=0.01,
        baseline_spread=0.005,
        baseline_samples=60,
        current=0.5 if moves else 0.01,
        score=4.6 if moves else 0.0,
        direction=Direction.UP if moves else Direction.STEADY,
        onset_at=_ONSET if moves else None,
    )
    return SeriesEvidence(
        service=service,
        relation=Relation.CALLEE,
        metric=metric,
        points=tuple((at, 0.5 if moves and at >= since else 0.01) for at in times),
        movement=movement,
        said=f"The {metric.value.replace('_', ' ')} of {service} is known.",
    )


def _answer(body: SnapshotBody, chance: random.Random) -> ModelHypotheses:
    every = list(body.evidence())
    errors = [one for one in every if isinstance(one, SeriesEvidence) and one.metric is Metric.ERROR_RATIO]
    return ModelHypotheses(hypotheses=[_hypothesis(piece, every, chance) for piece in errors[:HYPOTHESES]])


def _hypothesis(piece: SeriesEvidence, every: Sequence[Evidence], chance: random.Random) -> ModelHypothesis:
    name = piece.service
    return ModelHypothesis(
        claim=f"{name} answers 50% of its requests with errors (1% before) since 12:00:00 UTC.",
        suspected_service=name,
        suspected_change=None,
        mechanism=f"{name} fails by itself, and its callers show it.",
        supporting=[piece.id, *(one.id for one in chance.sample(every, CITED - 1))],
        contradicting=[],
        similar_incidents=[],
        assertions=[_assertion(piece.id, *asserted) for asserted in _ASSERTED],
        checks=[_check(name, number) for number in range(3)],
        next_steps=[f"Look at the logs of {name}."],
    )


def _assertion(evidence_id: str, path: str, operator: Operator, value: str) -> ModelAssertion:
    return ModelAssertion(
        evidence_id=evidence_id, path=path, operator=operator, value=value, window_start=None, window_end=None
    )


def _check(service: str, number: int) -> ModelCheck:
    failed = f'sum(rate(http_requests_total{{service="{service}",code=~"5.."}}[{number + 1}m]))'
    whole = f'sum(rate(http_requests_total{{service="{service}"}}[{number + 1}m]))'
    return ModelCheck(query=f"{failed} / {whole}", operator=Operator.MORE, value=0.4, because="It fails.")
