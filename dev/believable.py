"""Writes the tenant `globex`: people, integrations, runbooks and what happened lately, by the product's own rules.

Its ids do not depend on the time, so writing it again changes nothing. Nothing is scheduled for its incidents and no
metrics are connected: they stay as they are, however long the stack runs.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dev.looks import STEP_SECONDS, sections_of
from dev.stories import RUNBOOKS, STORIES, Story
from shared.context.freeze import freeze
from shared.context.window import window_for
from shared.errors import AlreadyExists
from shared.hypotheses.answer import ranked_set
from shared.incidents.lifecycle import apply, decide
from shared.incidents.looking import snapshot_id_for
from shared.incidents.recording import Work, record
from shared.incidents.timeline import entry
from shared.incidents.transitions import Occasion as Step
from shared.models.base import IncidentId, ReceiptId, SnapshotId, TenantId, document_id
from shared.models.changes import Change, ChangeKind, ChangeStatus, ReportedChange
from shared.models.claims import OpenIncidentClaim
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident, IncidentSummary, TimelineEntry, TimelineEvent
from shared.models.policies import MaintenanceWindow, Policies, Policy
from shared.models.runbooks import Runbook
from shared.models.signals import Alert, AlertStatus, Arrival, Signal, Source
from shared.models.snapshots import Snapshot, digest
from shared.pipeline.context import with_snapshot
from shared.ports.services import Services
from shared.ports.stores import IncidentChange, Versioned
from shared.signals.claims import new_claim

REOPEN_WITHIN = timedelta(minutes=30)


@dataclass
class Told:
    """An incident while its story is told, before any of it is written."""

    incident: Incident
    signal: Signal
    timeline: list[TimelineEntry] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    hypotheses: list[HypothesisSet] = field(default_factory=list)

    def take(self, change: IncidentChange) -> None:
        """Add what a change writes."""
        self.incident = change.incident
        self.timeline += change.timeline
        self.snapshots += change.snapshots
        self.hypotheses += change.hypotheses
        for held in change.changed_signals:
            self.signal = held.value


async def write_incidents(tenant_id: TenantId, engineer: str, services: Services, *, now: datetime) -> int:
    """Every story that is not there yet, by the object id of the engineer who was on call; how many were new."""
    written = 0
    for story in STORIES:
        incident_id = IncidentId(document_id("inc", tenant_id, "story", story.service))
        held = await services.incidents.read(tenant_id, incident_id)
        if held is None:
            await _write(tenant_id, incident_id, story, engineer, services, now=now)
            written += 1
        else:
            await services.incident_list.put(tenant_id, IncidentSummary.of(held.value))
    return written


async def _write(
    tenant_id: TenantId, incident_id: IncidentId, story: Story, engineer: str, services: Services, *, now: datetime
) -> None:
    began = now - timedelta(minutes=story.minutes_ago)
    arrival = _arrival(tenant_id, story, began)
    told = tell(tenant_id, incident_id, story, engineer, now=now)
    if story.deploy:
        await services.changes.record(tenant_id, _change(tenant_id, story, began))
    claim = new_claim(arrival, incident_id, now=told.incident.detected_at, tenant_id=tenant_id)
    await services.claims.take(tenant_id, [claim])
    with suppress(AlreadyExists):
        await services.claims.create(tenant_id, _current(tenant_id, incident_id, story, began))
    change = IncidentChange(
        incident=told.incident,
        etag=None,
        created_signals=[told.signal],
        timeline=told.timeline,
        snapshots=told.snapshots,
        hypotheses=told.hypotheses,
    )
    await services.incidents.commit(tenant_id, change)
    await services.incident_list.put(tenant_id, IncidentSummary.of(told.incident))


def tell(tenant_id: TenantId, incident_id: IncidentId, story: Story, engineer: str, *, now: datetime) -> Told:
    """A story from its alert to where it stands now."""
    began = now - timedelta(minutes=story.minutes_ago)
    arrival = _arrival(tenant_id, story, began)
    opening = record(
        *(tenant_id, incident_id, None, {}, [Work(arrival, arrival.alert.signal_id)]), now=arrival.received_at
    )
    if opening is None:
        raise LookupError(f"the story of {story.service} opens nothing")
    told = Told(opening.incident, opening.created_signals[0])
    told.take(opening)
    _look(told, story, began)
    later = [(minutes, step) for minutes, step in story.steps]
    before = [one for one in later if story.over_after is None or one[0] <= story.over_after]
    _take_steps(told, before, engineer, began)
    if story.over_after is not None:
        _resolve(told, arrival, began + timedelta(minutes=story.over_after))
    _take_steps(told, later[len(before) :], engineer, began)
    if story.is_assigned:
        told.incident = told.incident.model_copy(update={"assigned_to": engineer})
    return told


def _take_steps(told: Told, steps: Sequence[tuple[int, Step]], engineer: str, began: datetime) -> None:
    for minutes, step in steps:
        at = began + timedelta(minutes=minutes)
        counted = told.incident.model_copy(update={"version": told.incident.version + 1, "updated_at": at})
        decision = decide(counted, step, now=at, reopen_within=REOPEN_WITHIN)
        after = apply(counted, decision, by=engineer, now=at)
        text = f"{counted.state.value} -> {after.state.value}"
        told.take(
            IncidentChange(
                incident=after,
                etag=None,
                timeline=[entry(after, TimelineEvent.STATE_CHANGED, decision.reason.value, now=at, text=text)],
            )
        )


def _resolve(told: Told, arrival: Arrival, at: datetime) -> None:
    alert = arrival.alert.model_copy(update={"status": AlertStatus.RESOLVED, "ends_at": at})
    over = arrival.model_copy(update={"alert": alert, "received_at": at + timedelta(seconds=20)})
    current, known = Versioned(told.incident, ""), {told.signal.id: Versioned(told.signal, "")}
    work = [Work(over, arrival.alert.signal_id)]
    change = record(
        *(told.incident.tenant_id, told.incident.incident_id, current, known, work), now=at + timedelta(seconds=20)
    )
    if change:
        told.take(change)


def _look(told: Told, story: Story, began: datetime) -> None:
    """The snapshot, and what the ranker makes of it."""
    at = told.incident.detected_at + timedelta(seconds=4)
    trigger = told.incident.context_trigger
    body = freeze(
        story.service, window_for(began, at, STEP_SECONDS), sections_of(story, told.signal.normalized_data, began, at)
    )
    snapshot = Snapshot(
        id=SnapshotId(snapshot_id_for(told.incident.incident_id, trigger)),
        tenant_id=told.incident.tenant_id,
        incident_id=told.incident.incident_id,
        taken_at=at,
        elapsed_seconds=1.4,
        body=body,
        sha256=digest(body),
    )
    ranked = ranked_set(snapshot, now=at)
    told.take(with_snapshot(Versioned(told.incident, ""), snapshot, ranked, trigger, now=at))


def _arrival(tenant_id: TenantId, story: Story, began: datetime) -> Arrival:
    labels = {
        "alertname": story.alert,
        "service": story.service,
        "severity": story.severity.value,
        "env": "production",
    }
    alert = Alert(
        source=Source.ALERTMANAGER,
        fingerprint=document_id("seed", tenant_id, story.service)[-16:],
        name=story.alert,
        service_name=story.service,
        service_from="service",
        severity=story.severity,
        status=AlertStatus.FIRING,
        summary=story.summary,
        labels=labels,
        annotations={"summary": story.summary},
        starts_at=began,
        ends_at=None,
        expression=f'service:request_errors:ratio1m{{service="{story.service}"}} > 0.05',
        generator_url=None,
        group_key=f'{{}}:{{service="{story.service}"}}',
    )
    received_at = began + timedelta(seconds=20)
    receipt = ReceiptId(f"rcp-{document_id('seed', tenant_id, story.service)[5:]}")
    return Arrival(alert=alert, received_at=received_at, receipt_id=receipt, raw_pointer=None)


def _current(tenant_id: TenantId, incident_id: IncidentId, story: Story, began: datetime) -> OpenIncidentClaim:
    return OpenIncidentClaim(
        id=OpenIncidentClaim.id_for(story.service),
        tenant_id=tenant_id,
        service_name=story.service,
        incident_id=incident_id,
        created_at=began,
    )


def _change(tenant_id: TenantId, story: Story, began: datetime) -> Change:
    version, previous = story.deploy or ("", "")
    reported = ReportedChange(
        source=Source.CHANGES.value,
        external_id=f"seed-{story.service}",
        kind=ChangeKind.DEPLOY,
        status=ChangeStatus.SUCCEEDED,
        service_name=story.service,
        service_key=story.service,
        version=version,
        title=f"{story.service} {version} replaces {previous}",
        environment="production",
        author="deploy-bot",
        at=began - timedelta(minutes=2),
        said_at=began - timedelta(minutes=2),
    )
    return Change(
        id=reported.change_id,
        tenant_id=tenant_id,
        service_name=story.service,
        at=reported.at,
        reported=reported,
        receipt_id="seed",
        created_at=reported.at,
    )


async def write_runbooks(tenant_id: TenantId, engineer: str, services: Services, *, now: datetime) -> None:
    """Those that are not there yet; what somebody has changed since stays."""
    for title, of_services, alert_names, tags, body in RUNBOOKS:
        runbook = Runbook(
            id=document_id("rbk", tenant_id, title),
            tenant_id=tenant_id,
            title=title,
            body=body,
            tags=tags,
            services=of_services,
            alert_names=alert_names,
            updated_by=engineer,
            created_at=now,
            updated_at=now,
        )
        with suppress(AlreadyExists):
            await services.records.create(tenant_id, runbook)


async def write_policies(tenant_id: TenantId, admin: str, services: Services, *, now: datetime) -> None:
    """A maintenance window of tomorrow night."""
    night = now.replace(hour=2, minute=0, second=0, microsecond=0) + timedelta(days=1)
    policy = Policy(
        id=document_id("pol", tenant_id, "warehouse upgrade"),
        name="warehouse: database upgrade",
        parameters=MaintenanceWindow(services=("warehouse",), starts_at=night, ends_at=night + timedelta(hours=2)),
        created_at=now,
        updated_at=now,
        updated_by=admin,
    )
    policies = Policies.none_yet(tenant_id, now=now)
    with suppress(AlreadyExists):
        await services.records.create(tenant_id, policies.model_copy(update={"policies": (policy,)}))
