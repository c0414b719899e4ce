"""The model step: what it costs, what it does when the model fails, and that it never pays twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory.spending import MemorySpending
from shared.errors import Conflict, ModelUnavailable
from shared.models.base import TenantId
from shared.models.hypotheses import GeneratedBy, Rung
from shared.models.signals import Severity
from shared.models.spending import LEASE, ModelTerms
from shared.pipeline.stages import Ending
from shared.ports.spending import SpendingChange, SpendingEtags
from tests.builders import ACME, NOON, ONE_SECOND, a_model_question, a_tenant
from tests.crashing import Crash, Steps, stepping
from tests.unit.pipeline.asking_models import (
    COST,
    GOOD,
    HALF_GOOD,
    MESSAGE,
    TERMS,
    CountingModel,
    also_waiting,
    answers,
    final,
    incident,
    sent_again,
    today,
    waiting_for,
    work,
)

LATER = NOON + LEASE + ONE_SECOND


async def test_an_answer_carries_its_receipt_and_the_incident_the_sum() -> None:
    services = await waiting_for(CountingModel())
    assert await work(services) is Ending.DONE
    found = await final(services)
    assert found is not None
    assert found.receipt is not None
    assert (found.generated_by, found.rung) == (GeneratedBy.MODEL, Rung.FULL)
    assert (found.receipt.calls, found.receipt.prompt_tokens, found.receipt.cached_tokens) == (1, 1500, 500)
    assert found.receipt.cost == pytest.approx(COST)
    assert (await incident(services)).model_cost == found.receipt
    day = await today(services)
    assert (day.spent, day.reservations) == (found.receipt, ())


async def test_a_snapshot_that_was_answered_costs_nothing_again() -> None:
    model = CountingModel()
    services = await waiting_for(model)
    for _ in range(3):
        assert await work(services) is Ending.DONE
    assert len(model.prompts) == 1
    assert (await today(services)).spent.calls == 1


async def test_the_same_evidence_in_another_snapshot_is_answered_without_a_call() -> None:
    model = CountingModel()
    services = await waiting_for(model)
    await work(services)
    await also_waiting(services, "snap-twin")
    await work(services, MESSAGE.model_copy(update={"snapshot_id": "snap-twin"}))
    found = await final(services, "snap-twin")
    assert found is not None
    assert found.receipt is not None
    assert (found.generated_by, found.receipt.calls, found.receipt.cost) == (GeneratedBy.MODEL, 0, 0.0)
    assert len(model.prompts) == 1
    cost = (await incident(services)).model_cost
    assert cost is not None
    assert cost.calls == 1


async def test_a_model_is_told_once_what_did_not_hold_and_both_calls_are_on_the_receipt() -> None:
    model = CountingModel(HALF_GOOD, GOOD)
    services = await waiting_for(model)
    await work(services)
    found = await final(services)
    assert found is not None
    assert found.receipt is not None
    assert (found.receipt.calls, found.dropped_hypotheses) == (2, 0)
    first, second = model.prompts
    assert second.material.startswith(first.material), "what came before is served by the provider's cache"
    assert "E999 is no id of the evidence" in second.material


async def test_a_second_answer_that_is_no_better_leaves_the_first() -> None:
    model = CountingModel(HALF_GOOD, HALF_GOOD)
    services = await waiting_for(model)
    await work(services)
    assert len(model.prompts) == 2, "it is told once, and no more"
    found = await final(services)
    assert found is not None
    assert found.dropped_hypotheses == 1


async def test_a_second_question_that_fails_leaves_the_first_answer() -> None:
    throttled = ModelUnavailable("no", reason="model_throttled", retry_after_seconds=7)
    services = await waiting_for(CountingModel(HALF_GOOD, throttled))
    await work(services)
    found = await final(services)
    assert found is not None
    assert (found.generated_by, found.reason) == (GeneratedBy.MODEL, "verified")
    assert sent_again(services) == []


async def test_on_the_single_pass_a_model_is_not_told() -> None:
    model = CountingModel(HALF_GOOD, GOOD)
    services = await waiting_for(model, TERMS.model_copy(update={"daily_budget": 0.1}))
    await work(services)
    found = await final(services)
    assert found is not None
    assert (len(model.prompts), found.rung) == (1, Rung.SINGLE)


@pytest.mark.parametrize(
    ("budget", "own", "severity", "reason"),
    [
        (0.0, None, Severity.CRITICAL, "model_budget_spent"),
        (5.0, 0.0, Severity.CRITICAL, "model_budget_spent"),
        (0.0, 5.0, Severity.CRITICAL, "verified"),
        (0.05, None, Severity.CRITICAL, "model_budget_spent"),
    ],
)
async def test_the_tenants_own_budget_takes_the_place_of_the_settings(
    budget: float, own: float | None, severity: Severity, reason: str
) -> None:
    model = CountingModel()
    services = await waiting_for(model, TERMS.model_copy(update={"daily_budget": budget}), severity=severity)
    await services.directory.put(ACME, a_tenant(model_daily_budget=own))
    await work(services)
    found = await final(services)
    assert found is not None
    assert found.reason == reason
    assert len(model.prompts) == (reason == "verified")


async def test_what_is_left_is_kept_for_what_is_worse() -> None:
    model = CountingModel()
    services = await waiting_for(model, severity=Severity.INFO)
    day = await today(services)
    spent = day.spent.model_copy(update={"cost": 3.0, "calls": 1})
    change = SpendingChange(a_model_question(), None, day.model_copy(update={"spent": spent}), None)
    await services.spending.commit(ACME, change)
    await work(services)
    found = await final(services)
    assert found is not None
    assert (found.reason, found.rung, found.receipt) == ("model_budget_kept", Rung.DETERMINISTIC, None)
    assert model.prompts == []


THROTTLED = ModelUnavailable("busy", reason="model_throttled", retry_after_seconds=7)


async def test_a_throttled_model_is_asked_again_when_it_says_and_the_ranking_stands_meanwhile() -> None:
    services = await waiting_for(CountingModel(THROTTLED, GOOD))
    assert await work(services) is Ending.DONE
    assert await final(services) is None
    latest = (await incident(services)).latest_hypotheses_id
    (meanwhile,) = [one for one in await answers(services) if one.id == latest]
    assert (meanwhile.generated_by, meanwhile.reason) == (GeneratedBy.RANKER, "model_throttled")
    day = await today(services)
    assert (day.spent.cost, day.reservations) == (0.0, ()), "a refused question gives its money back"
    ((again, delay),) = sent_again(services)
    assert (delay, again.attempt, again.throttled) == (7, 2, 1)
    await work(services, again)
    found = await final(services)
    assert found is not None
    assert (found.reason, (await incident(services)).latest_hypotheses_id) == ("verified", found.id)


async def test_a_model_that_stays_throttled_is_given_up() -> None:
    model = CountingModel(THROTTLED)
    services = await waiting_for(model)
    message, delays = MESSAGE, []
    while True:
        await work(services, message)
        waiting = sent_again(services)
        if not waiting:
            break
        ((message, delay),) = waiting
        delays.append(delay)
    assert delays == [7, 7, 7]
    found = await final(services)
    assert found is not None
    assert (found.reason, found.rung, found.receipt) == ("model_throttled", Rung.DETERMINISTIC, None)


async def test_a_model_that_wants_to_be_left_alone_for_long_is_given_up_at_once() -> None:
    alone = ModelUnavailable("busy", reason="model_throttled", retry_after_seconds=3600)
    services = await waiting_for(CountingModel(alone))
    await work(services)
    assert sent_again(services) == []
    found = await final(services)
    assert found is not None
    assert found.reason == "model_throttled"


UNPAID = ["model_unavailable", "model_unreachable", "model_unauthorised", "model_not_deployed", "model_busy"]
PAID = ["model_timeout", "model_refused", "model_truncated", "model_malformed", "model_filtered_prompt"]


@pytest.mark.parametrize("reason", UNPAID + PAID)
async def test_every_other_failure_ends_with_its_reason_and_is_never_tried_again(reason: str) -> None:
    model = CountingModel(ModelUnavailable("no", reason=reason))
    services = await waiting_for(model)
    assert await work(services) is Ending.DONE
    found = await final(services)
    assert found is not None
    assert (found.generated_by, found.reason) == (GeneratedBy.RANKER, reason)
    assert (len(model.prompts), sent_again(services)) == (1, [])


@pytest.mark.parametrize(("reason", "is_paid"), [(one, False) for one in UNPAID] + [(one, True) for one in PAID])
async def test_what_a_failure_cost_is_what_it_says_or_all_that_was_reserved(reason: str, is_paid: bool) -> None:
    services = await waiting_for(CountingModel(ModelUnavailable("no", reason=reason)))
    await work(services)
    day = await today(services)
    assert (day.spent.cost > 0.05) is is_paid
    assert day.reservations == ()
    told = await waiting_for(CountingModel(ModelUnavailable("no", reason=reason, spent=(1500, 500, 200))))
    await work(told)
    assert (await today(told)).spent.cost == pytest.approx(COST)


async def test_two_workers_with_one_message_ask_once() -> None:
    model = CountingModel()
    services = await waiting_for(model)
    first, second = stepping(services, Steps()), stepping(services, Steps())
    endings = await asyncio.gather(work(first), work(second))
    assert sorted(endings) == [Ending.DONE, Ending.SENT_AGAIN]
    ((message, _),) = sent_again(services)
    assert await work(services, message) is Ending.DONE
    assert len(model.prompts) == 1
    assert len(await answers(services)) == 2


class Forgetful(MemorySpending):
    """A store whose first answer is lost: what was written is there, and the caller hears of a conflict."""

    forgets = True

    async def commit(self, tenant_id: TenantId, change: SpendingChange) -> SpendingEtags:
        """See SpendingStore."""
        etags = await super().commit(tenant_id, change)
        if self.forgets:
            self.forgets = False
            raise Conflict("the answer was lost")
        return etags


async def test_a_reservation_whose_answer_was_lost_is_found_again_and_not_waited_for() -> None:
    model = CountingModel()
    services = replace(await waiting_for(model), spending=Forgetful())
    assert await work(services) is Ending.DONE
    day = await today(services)
    assert (len(model.prompts), day.spent.calls, day.reservations) == (1, 1, ())


async def steps_taken() -> int:
    steps = Steps()
    await work(stepping(await waiting_for(CountingModel()), steps))
    return steps.taken


@pytest.mark.parametrize("takes_effect", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_step_pays_once_and_ends_with_one_answer(takes_effect: bool) -> None:
    for crash_at in range(1, await steps_taken() + 1):
        model = CountingModel()
        services = await waiting_for(model)
        with pytest.raises(Crash):
            await work(stepping(services, Steps(crash_at, takes_effect)))
        await work(services, now=NOON + timedelta(seconds=30))
        await work(services, now=LATER)
        assert len(model.prompts) <= 1, f"paid twice after a crash at step {crash_at}"
        found = await final(services)
        assert found is not None
        assert found.reason in {"verified", "model_interrupted"}
        assert len(await answers(services)) == 2
        day = await today(services)
        assert day.reservations == ()
        assert day.spent.calls == 1, "what may have been paid counts as paid"
        assert found.receipt is not None
        assert found.receipt == day.spent == (await incident(services)).model_cost


async def test_a_paid_answer_survives_a_crash_before_it_was_kept_with_the_incident() -> None:
    model = CountingModel()
    services = await waiting_for(model)
    taken = await steps_taken()
    # The last step tells the list, the one before it commits the answer, and before that it was paid for and kept.
    with pytest.raises(Crash):
        await work(stepping(services, Steps(taken - 1, takes_effect=False)))
    await work(services, now=NOON + ONE_SECOND)
    found = await final(services)
    assert found is not None
    assert (found.reason, len(model.prompts)) == ("verified", 1)


async def test_a_day_that_ended_while_a_worker_was_gone_still_pays() -> None:
    model = CountingModel()
    services = await waiting_for(model)
    steps = Steps()
    for step in range(1, await steps_taken() + 1):
        steps = Steps(step, takes_effect=True)
        model.prompts.clear()
        services = await waiting_for(model)
        with pytest.raises(Crash):
            await work(stepping(services, steps))
        if model.prompts:
            break
    await work(services, now=NOON + timedelta(days=1))
    assert len(model.prompts) == 1
    assert (await today(services)).spent.calls == 1
    tomorrow = await services.spending.day(ACME, (NOON + timedelta(days=1)).date())
    assert tomorrow is None


def test_a_model_without_settings_has_the_documented_terms() -> None:
    terms = ModelTerms()
    assert (terms.daily_budget, terms.price_input, terms.price_cached, terms.price_output) == (5.0, 2.5, 1.25, 10.0)
