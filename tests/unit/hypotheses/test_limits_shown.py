"""Limits among the evidence: the ranking does without them, the model is shown them, and its claims may cite them."""

from datetime import timedelta

from shared.context.freeze import freeze
from shared.context.window import window_for
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.proposal import ModelHypotheses, ModelHypothesis
from shared.hypotheses.propose import render
from shared.hypotheses.verify import verify
from shared.models.evidence import LimitEvidence
from shared.models.measures import Pressure, Relation
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot
from tests.builders import NOON
from tests.unit.hypotheses.scenes import a_snapshot_of
from tests.unit.hypotheses.test_ranking import a_bad_deploy_and_a_decoy


def a_limit(subject: str, pressure: Pressure, value: float) -> LimitEvidence:
    return LimitEvidence(
        service="payment",
        relation=Relation.CALLEE,
        hops=1,
        resource="memory_of_limit",
        carrier="pod",
        subject=subject,
        value=value,
        pressure=pressure,
        unit="ratio",
        query="max(" + "x" * 3000 + ")",
    )


def with_limits(*pieces: LimitEvidence) -> Snapshot:
    section = Section(name=SectionName.LIMITS, status=SectionStatus.OK, evidence=pieces)
    (limits,) = freeze("checkout", window_for(NOON, NOON + timedelta(minutes=2), 15), [section]).sections
    body = a_bad_deploy_and_a_decoy("checkout").body()
    return a_snapshot_of(body.model_copy(update={"sections": (*body.sections, limits)}))


def test_the_ranking_is_the_same_with_limits_among_the_evidence() -> None:
    without, beside = with_limits(), with_limits(a_limit("payment", Pressure.EXCEEDED, 1.0))
    assert ranked_set(beside, now=NOON).hypotheses == ranked_set(without, now=NOON).hypotheses


def test_limits_hide_nothing_that_moved_and_are_shown_without_their_long_queries() -> None:
    near = (a_limit(f"payment-{number}", Pressure.NEAR, 0.85) for number in range(39))
    snapshot = with_limits(*near, a_limit("payment-full", Pressure.EXCEEDED, 1.0))
    material = render(snapshot, ranked_set(snapshot, now=NOON)).material
    assert '"subject":"payment-full"' in material
    assert '"kind":"series"' in material
    assert "xxxx" not in material
    assert material.index('"payment-full"') < material.index('"subject":"payment-0"')


def test_a_claim_may_rest_on_a_limit_of_the_suspected_service() -> None:
    snapshot = with_limits(a_limit("payment", Pressure.EXCEEDED, 1.0))
    limit = next(one for one in snapshot.body.evidence() if isinstance(one, LimitEvidence))
    claim = ModelHypothesis(
        claim="payment runs out of memory",
        suspected_service="payment",
        suspected_change=None,
        mechanism="its pods are killed",
        supporting=[limit.id],
        contradicting=[],
        similar_incidents=[],
        assertions=[],
        checks=[],
        next_steps=["raise the limit"],
    )
    found = verify(ModelHypotheses(hypotheses=[claim]), snapshot.body, ranked_set(snapshot, now=NOON))
    (only,) = found.hypotheses
    assert only.supporting == (limit.id,)
