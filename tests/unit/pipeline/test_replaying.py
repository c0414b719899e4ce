"""A frozen snapshot is answered for once more: beside what was answered, stored nowhere, refused by name."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.cosmos.containers import BY_NAME
from shared.adapters.memory.services import services_in_memory
from shared.errors import ModelUnavailable, NotAllowed
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.propose import PROMPT_VERSION
from shared.models.base import SnapshotId
from shared.models.hypotheses import GeneratedBy, HypothesisSet
from shared.models.incidents import Incident
from shared.models.snapshots import Snapshot
from shared.pipeline.replaying import Replay, Replayed, replay
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, an_incident
from tests.unit.hypotheses.answering import SNAPSHOT, Answering, claims
from tests.unit.hypotheses.scenes import a_snapshot_of

LATER = NOON + timedelta(minutes=5)
RANKED = ranked_set(SNAPSHOT, now=NOON)
BY_MODEL = RANKED.model_copy(
    update={"id": "hyp-final", "generated_by": GeneratedBy.MODEL, "reason": "verified", "created_at": LATER}
)
CLAIM = claims("checkout", "payment")


async def acme(
    *answers: HypothesisSet, snapshot: Snapshot = SNAPSHOT, model: Answering | None = None, **models: Answering
) -> tuple[Services, Incident]:
    services = replace(services_in_memory(model=model), replay_models=models)
    incident = an_incident(latest_snapshot_id=SnapshotId(SNAPSHOT.id), latest_hypotheses_id=RANKED.id)
    change = IncidentChange(incident, None, snapshots=[snapshot], hypotheses=list(answers or (RANKED, BY_MODEL)))
    await services.incidents.commit(ACME, change)
    return services, incident


async def replayed(on: tuple[Services, Incident], **wanted: Any) -> Replay:
    return await replay(ACME, on[1], Replayed(**wanted), on[0], run_id="run-1", now=LATER)


async def reason_of(on: tuple[Services, Incident], **wanted: Any) -> str:
    with pytest.raises(NotAllowed) as refused:
        await replayed(on, **wanted)
    return refused.value.reason


async def test_the_ranker_is_compared_with_the_ranker_and_costs_nothing() -> None:
    model = Answering(CLAIM)
    on = await acme(model=model)
    done = await replayed(on)
    assert (done.before.id, done.after.replay_of) == (RANKED.id, RANKED.id)
    assert {one.change.value for one in done.difference} == {"same"}
    assert model.prompt is None


async def test_a_model_is_compared_with_the_answer_that_stood_in_the_end() -> None:
    model = Answering(CLAIM)
    done = await replayed(await acme(model=model), prompt_version=PROMPT_VERSION)
    assert (done.before.id, done.after.model, done.after.prompt_version) == (BY_MODEL.id, "a-model", PROMPT_VERSION)
    # What it says of a healthy service is dropped, in a replay as ever.
    assert {one.suspected_service for one in done.after.hypotheses} == {"payment"}


async def test_nothing_of_a_replay_is_stored() -> None:
    services, incident = await acme(model=Answering(CLAIM))
    await replayed((services, incident), prompt_version=PROMPT_VERSION)
    held = await services.incidents.read(ACME, incident.incident_id)
    assert held is not None
    assert held.value == incident
    assert len(await services.incidents.all_hypotheses(ACME, incident.incident_id)) == 2
    assert await services.incidents.timeline(ACME, incident.incident_id) == []


async def test_a_dry_run_says_that_it_could_be_done_and_asks_nobody() -> None:
    model = Answering(CLAIM)
    done = await replayed(await acme(model=model), prompt_version=PROMPT_VERSION, is_dry=True)
    assert done.before.id == BY_MODEL.id
    assert model.prompt is None


async def test_another_model_answers_where_the_settings_allow_it() -> None:
    usual, other = Answering(CLAIM), Answering(CLAIM)
    on = await acme(model=usual, other=other)
    await replayed(on, model="other")
    assert (usual.prompt, other.prompt is None) == (None, False)


async def test_a_model_that_does_not_answer_leaves_the_ranking_with_the_reason() -> None:
    model = Answering(ModelUnavailable("busy", reason="model_throttled"))
    done = await replayed(await acme(model=model), prompt_version=PROMPT_VERSION)
    assert (done.after.generated_by, done.after.reason) == (GeneratedBy.RANKER, "model_throttled")
    assert done.after.prompt_version is None


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"prompt_version": "hypotheses-v999"}, "unknown_prompt_version"),
        ({"prompt_version": "../secrets"}, "unknown_prompt_version"),
        ({"model": "gpt-of-somebody-else"}, "model_not_allowed"),
        ({"snapshot_id": SnapshotId("snap-9")}, "no_snapshot"),
    ],
)
async def test_what_cannot_be_replayed_is_refused_by_name_before_a_model_is_asked(
    wanted: dict[str, Any], reason: str
) -> None:
    model = Answering(CLAIM)
    assert await reason_of(await acme(model=model), **wanted) == reason
    assert model.prompt is None


async def test_without_a_model_only_the_ranker_can_be_replayed() -> None:
    assert await reason_of(await acme(), prompt_version=PROMPT_VERSION) == "model_not_configured"
    assert (await replayed(await acme())).after.hypotheses


async def test_a_snapshot_whose_whole_body_is_gone_is_refused() -> None:
    bare = SNAPSHOT.model_copy(update={"whole_in": f"{ACME}/snap-1-gone"})
    altered = a_snapshot_of(SNAPSHOT.body).model_copy(update={"sha256": "0" * 64})
    without_points = altered.model_copy(update={"whole_in": f"{ACME}/snap-1-gone"})
    assert (await replayed(await acme(snapshot=bare))).after.hypotheses, "the document has all of it"
    for one in (altered, without_points):
        assert await reason_of(await acme(snapshot=one)) == "snapshot_not_whole"


async def test_an_incident_without_a_snapshot_or_an_answer_has_nothing_to_replay() -> None:
    services, incident = await acme()
    blind = incident.model_copy(update={"latest_snapshot_id": None})
    assert await reason_of((services, blind)) == "no_snapshot"
    elsewhere = RANKED.model_copy(update={"snapshot_id": SnapshotId("snap-9")})
    assert await reason_of(await acme(elsewhere)) == "no_answer"


async def test_where_no_model_answered_its_replay_is_compared_with_the_ranking() -> None:
    done = await replayed(await acme(RANKED, model=Answering(CLAIM)), prompt_version=PROMPT_VERSION)
    assert done.before.id == RANKED.id


def test_what_a_case_points_at_never_expires() -> None:
    assert [BY_NAME[name].default_ttl for name in ("incidents", "directory")] == [None, None]


async def cost_of(on: tuple[Services, Incident], run_id: str = "run-1", **wanted: Any) -> tuple[int, float]:
    done = await replay(ACME, on[1], Replayed(**wanted), on[0], run_id=run_id, now=LATER)
    assert done.after.receipt is not None
    return done.after.receipt.calls, done.after.receipt.cost


async def spent(services: Services) -> float:
    held = await services.spending.day(ACME, LATER.date())
    return held.value.spent.cost if held else 0.0


async def test_a_replay_is_paid_from_the_tenants_budget_and_the_same_one_only_once() -> None:
    right = claims("payment")
    on = await acme(model=Answering(right), other=Answering(right))
    first = await cost_of(on, prompt_version=PROMPT_VERSION)
    assert (first[0], first[1] > 0) == (1, True)
    assert await spent(on[0]) == pytest.approx(first[1])
    assert await cost_of(on, "run-2", prompt_version=PROMPT_VERSION) == (0, 0.0)
    assert (await cost_of(on, "run-3", model="other"))[0] == 1, "another model is another question"
    assert await spent(on[0]) == pytest.approx(2 * first[1])


async def test_the_ranker_and_a_dry_run_cost_nothing() -> None:
    on = await acme(model=Answering(CLAIM))
    for wanted in ({}, {"prompt_version": PROMPT_VERSION, "is_dry": True}):
        assert (await replayed(on, **wanted)).after.receipt is None
    assert await spent(on[0]) == 0.0


async def test_the_last_of_a_days_budget_is_kept_for_incidents() -> None:
    model = Answering(CLAIM)
    services, incident = await acme(model=model)
    tight = replace(services, model_terms=services.model_terms.model_copy(update={"daily_budget": 0.0001}))
    done = await replayed((tight, incident), prompt_version=PROMPT_VERSION)
    assert (done.after.generated_by, done.after.reason) == (GeneratedBy.RANKER, "model_budget_spent")
    assert model.prompt is None
