"""People act while others act and alerts come, and workers stop at any step: all is done once or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.access.principals import Principal, RequestedFrom
from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.api.preconditions import PreconditionFailed
from shared.errors import NotAllowed, StoreUnavailable
from shared.incidents.looking import snapshot_id_for, trigger_of
from shared.incidents.recording import Work
from shared.messages import BuildContext, Envelope, QueueName
from shared.models.audit import MAX_PENDING, AuditAction, month_of
from shared.models.base import ReceiptId
from shared.models.incidents import Incident, IncidentState, IncidentSummary, TimelineEvent
from shared.models.schedule import SHARDS
from shared.models.tenants import Role, User
from shared.pipeline.acting import Acting, add_note, assign_incident, look_again, move_incident
from shared.pipeline.recording import record_in_incident
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, a_signal, a_tenant, an_alert, an_arrival, an_incident
from tests.crashing import Crash, Steps, stepping

INCIDENT = an_incident().incident_id
LATER = NOON + timedelta(minutes=5)
DANA = Principal(ACME, "dana", "dana@acme.example", Role.ENGINEER, RequestedFrom(request_id="req-1"))


def anything(_: int) -> None: ...


def acting(run_id: str = "run-1", *, is_again: bool = False, expects: Callable[[int], None] = anything) -> Acting:
    return Acting(DANA, "move_incident", run_id, is_again, expects, LATER)


async def acme(**changes: object) -> Services:
    """Acme with one incident."""
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant())
    incident = an_incident(**{"signal_count": 1, "firing_count": 1, **changes})
    await services.incidents.commit(ACME, IncidentChange(incident, None, created_signals=[a_signal()]))
    await services.incident_list.put(ACME, IncidentSummary.of(incident))
    return services


async def incident_of(services: Services) -> Incident:
    held = await services.incidents.read(ACME, INCIDENT)
    assert held is not None
    return held.value


async def work_off(services: Services, queue: QueueName) -> None:
    queues = services.queues
    assert isinstance(queues, MemoryQueues)
    waiting = []
    while body := queues.take(queue):
        waiting.append(body)
    # Each once: what may still be written is asked for again and again.
    for body in waiting:
        await attend_queue(queue, body, services, dequeue_count=1, now=LATER)


async def a_new_alert(services: Services) -> None:
    arrival = an_arrival(an_alert(fingerprint="other"))
    message = Envelope(tenant_id=ACME, receipt_id=ReceiptId("rcp-2"), correlation_id="c")
    await record_in_incident(
        message, INCIDENT, [Work(arrival, arrival.alert.signal_id)], services, rerun=False, now=LATER
    )


async def test_an_action_is_written_with_its_audit_entry_told_and_listed() -> None:
    services = await acme()
    await move_incident(acting(), INCIDENT, IncidentState.ACKNOWLEDGED, services)
    incident = await incident_of(services)
    (entry,) = incident.audit_pending
    assert (entry.user_id, entry.action, entry.event_type) == ("dana", AuditAction.UPDATE, "move_incident")
    assert (entry.before, entry.after) == ({"state": "detected"}, {"state": "acknowledged"})
    (told,) = await services.incidents.timeline(ACME, INCIDENT)
    assert (told.by, told.reason, told.incident_version) == ("dana", "a_person_said_so", incident.version)
    (line,) = (await services.incident_list.page(ACME, limit=5)).items
    assert (line.state, line.source_version) == (IncidentState.ACKNOWLEDGED, incident.version)


async def test_two_people_act_at_once_and_both_are_told_of() -> None:
    services = await acme()
    steps = Steps()  # every call lets the other one run
    await asyncio.gather(
        move_incident(acting("run-1"), INCIDENT, IncidentState.ACKNOWLEDGED, stepping(services, steps)),
        add_note(acting("run-2"), INCIDENT, "Looking.", stepping(services, steps)),
    )
    incident = await incident_of(services)
    assert (incident.state, incident.note_count) == (IncidentState.ACKNOWLEDGED, 1)
    assert len(await services.incidents.timeline(ACME, INCIDENT)) == 2


async def test_of_two_who_decide_on_the_same_state_the_second_is_told_if_it_holds_no_more() -> None:
    services = await acme(firing_count=0)
    outcomes = await asyncio.gather(
        move_incident(acting("run-1"), INCIDENT, IncidentState.RESOLVED, services),
        move_incident(acting("run-2"), INCIDENT, IncidentState.MITIGATED, services),
        return_exceptions=True,
    )
    (refused,) = [one for one in outcomes if isinstance(one, NotAllowed)]
    assert (refused.reason, refused.allowed) == ("it_is_closed", ["investigating", "learned", "inconclusive"])


async def test_of_two_who_saw_the_same_version_one_is_refused() -> None:
    services = await acme()

    def first_only(version: int) -> None:
        if version != 1:
            raise PreconditionFailed("changed")

    outcomes = await asyncio.gather(
        *(add_note(acting(f"run-{n}", expects=first_only), INCIDENT, "Mine.", services) for n in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, PreconditionFailed) for one in outcomes) == 2
    assert (await incident_of(services)).note_count == 1


async def test_an_alert_that_comes_meanwhile_is_kept_and_so_is_the_action() -> None:
    services = await acme()
    steps = Steps()
    await asyncio.gather(
        move_incident(acting(), INCIDENT, IncidentState.ACKNOWLEDGED, stepping(services, steps)),
        a_new_alert(stepping(services, steps)),
    )
    incident = await incident_of(services)
    assert (incident.state, incident.signal_count) == (IncidentState.ACKNOWLEDGED, 2)


async def test_an_alert_that_fires_meanwhile_keeps_a_person_from_resolving() -> None:
    services = await acme(firing_count=0)
    await a_new_alert(services)
    with pytest.raises(NotAllowed) as refused:
        await move_incident(acting(), INCIDENT, IncidentState.RESOLVED, services)
    assert refused.value.reason == "alerts_of_it_still_fire"


Act = Callable[[Acting, Services], Awaitable[Incident]]
ACTS: dict[str, Act] = {
    "reopening": lambda who, services: move_incident(who, INCIDENT, IncidentState.INVESTIGATING, services),
    "a note": lambda who, services: add_note(who, INCIDENT, "Looking.", services),
}


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("name", ACTS)
async def test_a_worker_that_stops_at_any_step_leaves_it_done_once_or_not_at_all(
    name: str, *, takes_effect: bool
) -> None:
    state = {"state": IncidentState.RESOLVED, "resolved_at": NOON, "firing_count": 0}
    counting = Steps()
    await ACTS[name](acting(), stepping(await acme(**state), counting))
    for step in range(1, counting.taken + 1):
        services = await acme(**state)
        with pytest.raises(Crash):
            await ACTS[name](acting(), stepping(services, Steps(step, takes_effect)))
        await work_off(services, QueueName.CHECKS)
        await assert_consistent(services, step)
        # The caller tries again, with the same Idempotency-Key.
        await ACTS[name](acting(is_again=True), services)
        await work_off(services, QueueName.CHECKS)
        await assert_consistent(services, step)
        incident = await incident_of(services)
        sealed = await services.audit.tail(ACME, month_of(LATER))
        assert (incident.audit_pending, sealed and sealed.sequence) == ((), 1), step
        assert len(await services.incidents.timeline(ACME, INCIDENT)) == 1, step


async def assert_consistent(services: Services, step: int) -> None:
    """The list has the latest version, and somebody looks after what is open."""
    incident = await incident_of(services)
    (line,) = (await services.incident_list.page(ACME, limit=5)).items
    assert line.source_version == incident.version, step
    due = [held for shard in SHARDS for held in await services.schedule.due(shard, NOON + timedelta(days=9), limit=9)]
    assert len(due) == int(incident.is_open), step


async def test_another_look_leads_to_another_snapshot_and_hypotheses() -> None:
    services = await acme(firing_count=0)
    await look_again(acting(), INCIDENT, services)
    queues = services.queues
    assert isinstance(queues, MemoryQueues)
    (waiting,) = queues.waiting["context"]
    assert BuildContext.decode(waiting.body).trigger == trigger_of("run-1")
    for queue in (QueueName.CONTEXT, QueueName.HYPOTHESES):
        await work_off(services, queue)
    incident = await incident_of(services)
    assert incident.latest_snapshot_id == snapshot_id_for(INCIDENT, trigger_of("run-1"))
    assert incident.latest_hypotheses_id is not None
    events = [one.event for one in await services.incidents.timeline(ACME, INCIDENT)]
    assert events[:2] == [TimelineEvent.LOOK_ASKED_FOR, TimelineEvent.CONTEXT_FROZEN]


async def test_a_look_is_taken_although_the_worker_stopped_before_it_asked_for_it() -> None:
    counting = Steps()
    await look_again(acting(), INCIDENT, stepping(await acme(), counting))
    services = await acme()
    with pytest.raises(Crash):
        await look_again(acting(), INCIDENT, stepping(services, Steps(counting.taken)))
    await work_off(services, QueueName.CHECKS)
    await work_off(services, QueueName.CONTEXT)
    assert (await incident_of(services)).latest_snapshot_id == snapshot_id_for(INCIDENT, trigger_of("run-1"))


async def test_it_is_given_to_active_users_of_the_tenant_only() -> None:
    services = await acme()
    for name, is_active in (("eve", True), ("mallory", False)):
        user = User(
            id=User.id_of(name),
            tenant_id=ACME,
            email=f"{name}@acme.example",
            entra_object_id=name,
            full_name=name,
            is_active=is_active,
            created_at=NOON,
        )
        await services.directory.put(ACME, user)
    await assign_incident(acting(), INCIDENT, "eve", services)
    assert (await incident_of(services)).assigned_to == "eve"
    for nobody in ("mallory", "stranger"):
        with pytest.raises(NotAllowed) as refused:
            await assign_incident(acting("run-2"), INCIDENT, nobody, services)
        assert refused.value.reason == "unknown_user"
    await assign_incident(acting("run-3"), INCIDENT, None, services)
    assert (await incident_of(services)).assigned_to is None


async def test_nothing_is_done_that_the_audit_trail_cannot_take() -> None:
    entry = DANA.entry("x", AuditAction.UPDATE, "incident", INCIDENT, now=NOON)
    services = await acme(audit_pending=(entry,) * MAX_PENDING)
    with pytest.raises(StoreUnavailable):
        await add_note(acting(), INCIDENT, "One too many.", services)
    assert (await incident_of(services)).version == 1
