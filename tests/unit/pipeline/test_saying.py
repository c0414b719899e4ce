"""Causes are named before and after an incident is over; it becomes a case, and stays one only while that holds."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.access.principals import Principal, RequestedFrom
from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.errors import NotAllowed
from shared.incidents.people import merge, split
from shared.incidents.recording import Work
from shared.messages import Envelope, QueueName
from shared.models.base import IncidentId, ReceiptId, SnapshotId
from shared.models.correlation import ServiceNode
from shared.models.feedback import FeedbackVerdict, Label, RegressionCase
from shared.models.hypotheses import RAW, Hypothesis, HypothesisSet
from shared.models.incidents import Incident, IncidentState, IncidentSummary, TimelineEvent
from shared.models.signals import Severity
from shared.models.tenants import Role
from shared.pipeline.acting import Acting, move_incident
from shared.pipeline.moving import move
from shared.pipeline.recording import record_in_incident
from shared.pipeline.saying import Wanted, give_feedback, name_cause
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import (
    ACME,
    NOON,
    a_hypothesis_set,
    a_signal,
    a_snapshot,
    a_tenant,
    an_alert,
    an_arrival,
    an_incident,
    resolved,
)
from tests.crashing import Crash, Steps, stepping

INCIDENT = an_incident().incident_id
OTHER = IncidentId("inc-other")
LATER = NOON + timedelta(minutes=5)
DANA = Principal(ACME, "dana", "dana@acme.example", Role.ENGINEER, RequestedFrom(request_id="req-1"))
PAYMENT = Wanted("payment", None, "retries without end", "rolled back", None)


def acting(run_id: str = "run-1", *, is_again: bool = False) -> Acting:
    return Acting(DANA, "name_incident_cause", run_id, is_again, lambda _: None, LATER)


def a_suspect(rank: int, service: str) -> Hypothesis:
    return Hypothesis(
        rank=rank,
        claim=f"{service} is broken",
        suspected_service=service,
        mechanism="It fails.",
        supporting=("E1",),
        score=0.5,
        confidence=0.7,
        confidence_factors={RAW: 0.6},
    )


ANSWER: HypothesisSet = a_hypothesis_set(hypotheses=(a_suspect(1, "payment"), a_suspect(2, "catalog")))


async def acme(**changes: Any) -> Services:
    """Acme with one incident that was looked at and answered for."""
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant())
    nodes = [
        ServiceNode(service_name=name, first_started_at=NOON, last_started_at=NOON, severity=Severity.CRITICAL)
        for name in ("payment", "search")
    ]
    incident = an_incident(
        **{
            "latest_snapshot_id": SnapshotId("snap-1"),
            "latest_hypotheses_id": ANSWER.id,
            "services": tuple(nodes),
            **changes,
        }
    )
    change = IncidentChange(
        incident, None, created_signals=[a_signal()], snapshots=[a_snapshot()], hypotheses=[ANSWER]
    )
    await services.incidents.commit(ACME, change)
    await services.incident_list.put(ACME, IncidentSummary.of(incident))
    return services


async def incident_of(services: Services, incident_id: IncidentId = INCIDENT) -> Incident:
    held = await services.incidents.read(ACME, incident_id)
    assert held is not None
    return held.value


async def case_of(services: Services) -> RegressionCase | None:
    held = await services.records.read(ACME, RegressionCase, RegressionCase.id_for(INCIDENT))
    return held.value if held else None


async def is_case(services: Services) -> bool:
    case = await case_of(services)
    return case is not None and case.is_active


async def labels(services: Services) -> dict[str, bool]:
    return {one.id: one.was_right for one in await services.labels.since(ACME, NOON - timedelta(days=1))}


async def name(services: Services, wanted: Wanted = PAYMENT, run: str = "run-name") -> None:
    await name_cause(acting(run), await incident_of(services), wanted, services)


async def confirm(services: Services, run: str = "run-confirm") -> None:
    await give_feedback(acting(run), ANSWER, services, rank=1, verdict=FeedbackVerdict.CONFIRMED, note="")


async def the_alert(services: Services, *, is_over: bool, minutes: float = 4) -> None:
    alert = resolved(an_alert()) if is_over else an_alert(starts_at=NOON + timedelta(minutes=minutes))
    arrival = an_arrival(alert, received_at=NOON + timedelta(minutes=minutes))
    message = Envelope(tenant_id=ACME, receipt_id=ReceiptId("rcp-2"), correlation_id="c")
    signal_id = alert.signal_id
    await record_in_incident(message, INCIDENT, [Work(arrival, signal_id)], services, rerun=False, now=LATER)


async def by_alerts(services: Services) -> None:
    await the_alert(services, is_over=True)


@pytest.mark.parametrize("say", [name, confirm])
async def test_whether_it_is_resolved_first_or_the_cause_is_known_first_it_becomes_one_case(say: Any) -> None:
    first, last = await acme(), await acme()
    await say(first)
    assert not await is_case(first)
    await by_alerts(first)
    await by_alerts(last)
    await say(last)
    cases = [await case_of(services) for services in (first, last)]
    for case in cases:
        assert case is not None
        assert (case.is_active, case.snapshot_id, case.root_service) == (True, "snap-1", "payment")


async def test_an_incident_that_is_over_without_a_known_cause_is_no_case() -> None:
    services = await acme()
    await by_alerts(services)
    assert await case_of(services) is None


async def test_a_reopened_incident_is_no_case_until_it_is_over_again() -> None:
    services = await acme()
    await name(services)
    await by_alerts(services)
    await move_incident(acting("run-reopen"), INCIDENT, IncidentState.INVESTIGATING, services)
    assert not await is_case(services)
    await move_incident(acting("run-again"), INCIDENT, IncidentState.RESOLVED, services)
    assert await is_case(services)


async def test_an_incident_that_was_given_up_on_is_no_case_whatever_people_confirmed() -> None:
    services = await acme()
    await confirm(services)
    await move_incident(acting("run-give-up"), INCIDENT, IncidentState.INCONCLUSIVE, services)
    assert not await is_case(services)


async def test_a_cause_that_is_taken_back_takes_the_case_and_its_labels_along() -> None:
    services = await acme()
    await name(services)
    await by_alerts(services)
    assert await labels(services) == {Label.id_for("hyp-1", 1): True, Label.id_for("hyp-1", 2): False}
    await name(services, Wanted(None, None, "", "", None), "run-back")
    assert not await is_case(services)
    assert await labels(services) == {}


async def test_what_was_said_is_told_once_each() -> None:
    services = await acme()
    await confirm(services)
    await name(services)
    events = [one.event for one in await services.incidents.timeline(ACME, INCIDENT)]
    assert events == [TimelineEvent.FEEDBACK_GIVEN, TimelineEvent.CAUSE_NAMED]


async def test_two_who_speak_at_once_are_both_heard() -> None:
    services = await acme()
    steps = Steps()
    ann = Acting(
        Principal(ACME, "ann", "ann@acme.example", Role.ENGINEER, RequestedFrom(request_id="req-2")),
        "give_hypothesis_feedback",
        "run-ann",
        False,
        lambda _: None,
        LATER,
    )
    wrong = {"rank": 1, "verdict": FeedbackVerdict.WRONG, "note": ""}
    await asyncio.gather(
        give_feedback(ann, ANSWER, stepping(services, steps), **wrong),  # type: ignore[arg-type]  # as keywords
        confirm(stepping(services, steps)),
    )
    assert len(await services.incidents.feedback(ACME, INCIDENT)) == 2
    assert (await incident_of(services)).cause is None


async def test_a_change_that_the_snapshot_does_not_show_is_refused() -> None:
    services = await acme()
    with pytest.raises(NotAllowed) as refused:
        await name(services, PAYMENT._replace(root_change="E99"))
    assert refused.value.reason == "unknown_change"
    assert await services.incidents.resolution(ACME, INCIDENT) is None


async def test_a_cause_of_an_incident_that_was_never_looked_at_is_kept_but_is_no_case() -> None:
    services = await acme(latest_snapshot_id=None, latest_hypotheses_id=None)
    await name(services)
    await by_alerts(services)
    assert await services.incidents.resolution(ACME, INCIDENT) is not None
    assert await case_of(services) is None


async def test_an_incident_that_is_merged_away_is_no_case_and_its_feedback_stays_with_it() -> None:
    services = await acme()
    await confirm(services)
    await by_alerts(services)
    assert await is_case(services)
    target = an_incident(incident_id=OTHER, service_name="checkout")
    await services.incidents.commit(ACME, IncidentChange(target, None))
    plan = merge(await incident_of(services), target, by="dana", now=LATER, reopen_within=timedelta(minutes=30))
    assert not isinstance(plan, str)
    message = Envelope(tenant_id=ACME, receipt_id=ReceiptId("rcp-3"), correlation_id="c")
    await move(message, INCIDENT, plan.departure, services, now=LATER)
    assert (await incident_of(services)).merged_into == OTHER
    assert not await is_case(services)
    assert len(await services.incidents.feedback(ACME, INCIDENT)) == 1
    assert await services.incidents.feedback(ACME, OTHER) == []
    assert await labels(services) == {Label.id_for("hyp-1", 1): True}
    with pytest.raises(NotAllowed):
        await confirm(services, "run-late")


async def test_what_is_split_off_begins_without_a_cause_and_what_stays_keeps_its_own() -> None:
    services = await acme()
    await confirm(services)
    plan = split(await incident_of(services), ["search"], by="dana", now=LATER)
    assert not isinstance(plan, str)
    message = Envelope(tenant_id=ACME, receipt_id=ReceiptId("rcp-3"), correlation_id="c")
    await move(message, INCIDENT, plan.departure, services, now=LATER)
    assert (await incident_of(services)).cause is not None
    await by_alerts(services)
    assert await is_case(services)


async def work_off(services: Services) -> None:
    queues = services.queues
    assert isinstance(queues, MemoryQueues)
    waiting = []
    while body := queues.take(QueueName.CHECKS):
        waiting.append(body)
    for body in waiting:
        await attend_queue(QueueName.CHECKS, body, services, dequeue_count=1, now=LATER)


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_worker_that_stops_at_any_step_leaves_it_said_whole_or_not_at_all(*, takes_effect: bool) -> None:
    over = {"state": IncidentState.RESOLVED, "resolved_at": NOON, "firing_count": 0}
    counting = Steps()
    await name(stepping(await acme(**over), counting))
    for step in range(1, counting.taken + 1):
        services = await acme(**over)
        with pytest.raises(Crash):
            await name(stepping(services, Steps(step, takes_effect)))
        await work_off(services)
        is_said = await services.incidents.resolution(ACME, INCIDENT) is not None
        assert (await is_case(services), len(await labels(services))) == (is_said, 2 * is_said), step
        # The caller tries again, with the same Idempotency-Key.
        await name_cause(acting("run-name", is_again=True), await incident_of(services), PAYMENT, services)
        assert (await is_case(services), len(await labels(services))) == (True, 2), step
        assert len(await services.incidents.timeline(ACME, INCIDENT)) == 1, step
