"""Which changes are suspected, and in which words."""

from typing import Any

import pytest

from shared.hypotheses.answer import ranked_set
from shared.hypotheses.proposal import ModelHypotheses, ModelHypothesis
from shared.hypotheses.verify import verify
from shared.models.changes import ChangeKind, ChangeStatus
from shared.models.evidence import EVERYWHERE, ChangeEvidence, SeriesEvidence
from shared.models.hypotheses import Hypothesis
from tests.builders import NOON
from tests.unit.hypotheses.scenes import World, a_snapshot_of

CALLS = {"payment": {"bank": 8.0}}


def first_of(world: World) -> Hypothesis:
    return ranked_set(a_snapshot_of(world.errors("payment", 0.4).body()), now=NOON).hypotheses[0]


def changed(at: float, service: str = "payment", **fields: Any) -> Hypothesis:
    return first_of(World("payment", CALLS).changed(service, at, **fields))


@pytest.mark.parametrize(
    ("fields", "claimed", "mechanism", "step"),
    [
        (
            {"change": ChangeKind.CONFIG, "title": "a higher limit"},
            ", 40 s after a change of configuration (a higher limit).",
            "payment with its changed configuration misbehaves",
            "Undo the change of configuration of payment (a higher limit) and see whether it recovers.",
        ),
        (
            {"change": ChangeKind.FEATURE_FLAG, "title": "new-ui on"},
            ", 40 s after a change of a feature flag (new-ui on).",
            "payment with its changed feature flag misbehaves",
            "Undo the change of a feature flag of payment (new-ui on) and see whether it recovers.",
        ),
        (
            {"change": ChangeKind.INFRASTRUCTURE},
            ", 40 s after a change of infrastructure.",
            "payment on its changed infrastructure misbehaves",
            "Undo the change of infrastructure of payment and see whether it recovers.",
        ),
        (
            {"change": ChangeKind.ROLLBACK, "version": "1", "previous_version": "2"},
            ", 40 s after version 1 came back for 2.",
            "The version of payment that was brought back misbehaves",
            "See why payment was rolled back, and whether the version it has now is known to work.",
        ),
        (
            {"version": "2", "previous_version": "1"},
            ", 40 s after version 2 replaced 1.",
            "The new version of payment misbehaves",
            "Roll payment back to 1 and see whether it recovers.",
        ),
        (
            {"title": "ReplicaSet shop/payment-66bd9 was made"},
            ", 40 s after a deploy (ReplicaSet shop/payment-66bd9 was made).",
            "The new version of payment misbehaves",
            "Roll payment back to the version before and see whether it recovers.",
        ),
        (
            {"version": "2", "status": ChangeStatus.FAILED},
            ", 40 s after a deploy that failed.",
            "payment after a deploy that failed misbehaves",
            "See what the deploy that failed left of payment.",
        ),
    ],
)
def test_a_change_before_the_onset_is_suspected_in_its_own_words(
    fields: dict[str, Any], claimed: str, mechanism: str, step: str
) -> None:
    found = changed(-40, **fields)
    assert found.suspected_change is not None
    assert found.claim.endswith(claimed)
    assert found.mechanism.startswith(mechanism)
    assert found.next_steps[0] == step


@pytest.mark.parametrize("change", list(ChangeKind))
def test_no_change_after_the_onset_is_suspected(change: ChangeKind) -> None:
    assert changed(60, change=change).suspected_change is None


def test_what_was_under_way_before_the_onset_is_suspected_though_it_was_done_after_it() -> None:
    found = changed(90, version="2", began_at=NOON.replace(hour=11, minute=59))
    assert found.suspected_change is not None
    assert found.factors["recent_change"] == 1


def test_processes_that_began_and_changes_of_nobody_named_are_no_causes() -> None:
    assert changed(-10, change=ChangeKind.OTHER, title="2 processes started").suspected_change is None
    assert changed(-10, service=EVERYWHERE, version="2").suspected_change is None


@pytest.mark.parametrize(
    ("fields", "accepted"),
    [
        ({"change": ChangeKind.FEATURE_FLAG}, True),
        ({"at": 90, "began_at": NOON.replace(hour=11, minute=59)}, True),
        ({"at": 90}, False),
        ({"change": ChangeKind.OTHER}, False),
        ({"service": EVERYWHERE}, False),
    ],
)
def test_the_models_suspicion_is_held_to_the_same(fields: dict[str, Any], accepted: bool) -> None:
    given = {"service": "payment", "at": -40.0, **fields}
    snapshot = a_snapshot_of(World("payment", CALLS).errors("payment", 0.4).changed(**given).body())
    (change,) = (one.id for one in snapshot.body.evidence() if isinstance(one, ChangeEvidence))
    cited = [one.id for one in snapshot.body.evidence() if isinstance(one, SeriesEvidence)]
    claim = ModelHypothesis(
        claim="it was the change", suspected_service="payment", suspected_change=change, mechanism="",
        supporting=[*cited, change], contradicting=[], similar_incidents=[], assertions=[], checks=[], next_steps=[],
    )  # fmt: skip
    (found,) = verify(ModelHypotheses(hypotheses=[claim]), snapshot.body, ranked_set(snapshot, now=NOON)).hypotheses
    assert (found.suspected_change == change) is accepted


def test_a_name_with_braces_is_no_template() -> None:
    name = "pay{0.__class__}ment{name}"
    world = World(name, {name: {}}).changed(name, -40, change=ChangeKind.CONFIG).errors(name, 0.4)
    (found,) = ranked_set(a_snapshot_of(world.body()), now=NOON).hypotheses
    assert found.mechanism.startswith(f"{name} with its changed configuration misbehaves")
