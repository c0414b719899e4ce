"""Builders: a valid document in one call, with what the test is about as a keyword."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.access.principals import Principal, RequestedFrom
from shared.models.audit import AuditAction, AuditEntry
from shared.models.base import IncidentId, ReceiptId, SnapshotId, TenantId, document_id
from shared.models.calibration import Curve, Origin, TenantCalibration
from shared.models.feedback import Feedback, FeedbackVerdict, Label, Resolution
from shared.models.hypotheses import Conclusion, GeneratedBy, HypothesisSet, Rung
from shared.models.incidents import Incident, IncidentState, IncidentSummary
from shared.models.signals import Alert, AlertStatus, Arrival, Severity, Signal, Source
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot, SnapshotBody, digest
from shared.models.spending import LEASE, ModelQuestion, QuestionState
from shared.models.tenants import InboundCredential, Integration, IntegrationType, Role, Tenant, User

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE_SECOND = timedelta(seconds=1)
ACME = TenantId("ten-acme")
GLOBEX = TenantId("ten-globex")


def a_principal(**changes: Any) -> Principal:
    """Dana, an admin of Acme, with a request of hers."""
    fields: dict[str, Any] = {
        "tenant_id": ACME,
        "object_id": "dana",
        "email": "dana@acme.example",
        "role": Role.ADMIN,
        "requested_from": RequestedFrom(request_id="req-1"),
    }
    return Principal(**{**fields, **changes})


def an_alert(**changes: Any) -> Alert:
    """A critical alert of payment that fires since noon."""
    fields: dict[str, Any] = {
        "source": Source.ALERTMANAGER,
        "fingerprint": "c0647591c87e78ae",
        "name": "HighErrorRatio",
        "service_name": "payment",
        "service_from": "service",
        "severity": Severity.CRITICAL,
        "status": AlertStatus.FIRING,
        "summary": "payment fails its requests",
        "labels": {"alertname": "HighErrorRatio", "service": "payment"},
        "annotations": {},
        "starts_at": NOON,
        "ends_at": None,
        "expression": None,
        "generator_url": None,
        "group_key": '{}:{service="payment"}',
    }
    return Alert(**{**fields, **changes})


def resolved(alert: Alert) -> Alert:
    """The same alert, said to be over."""
    return alert.model_copy(
        update={"status": AlertStatus.RESOLVED, "ends_at": alert.starts_at + timedelta(minutes=3)}
    )


def an_arrival(alert: Alert | None = None, **changes: Any) -> Arrival:
    """An alert as it came in its delivery."""
    fields: dict[str, Any] = {
        "alert": alert or an_alert(),
        "received_at": NOON + timedelta(seconds=30),
        "receipt_id": ReceiptId("rcp-1"),
        "raw_pointer": f"{ACME}/rcp-1",
    }
    return Arrival(**{**fields, **changes})


def a_signal(alert: Alert | None = None, **changes: Any) -> Signal:
    """The signal that an alert became."""
    alert = alert or an_alert()
    fields: dict[str, Any] = {
        "id": alert.signal_id,
        "tenant_id": ACME,
        "incident_id": IncidentId("inc-1"),
        "source": alert.source,
        "severity": alert.severity,
        "status": alert.status,
        "raw_pointer": None,
        "normalized_data": alert,
        "service_name": alert.service_name,
        "fingerprint": alert.fingerprint,
        "timestamp": alert.starts_at,
        "created_at": NOON,
        "last_received_at": NOON + timedelta(seconds=30),
        "receipt_id": "rcp-1",
    }
    return Signal(**{**fields, **changes})


def an_incident(**changes: Any) -> Incident:
    """An open incident of payment with one firing signal."""
    incident_id = changes.pop("incident_id", IncidentId("inc-1"))
    fields: dict[str, Any] = {
        "id": incident_id,
        "incident_id": incident_id,
        "tenant_id": ACME,
        "title": "payment: payment fails its requests",
        "service_name": "payment",
        "state": IncidentState.DETECTED,
        "severity": Severity.CRITICAL,
        "detected_at": NOON,
        "signal_count": 1,
        "firing_count": 1,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Incident(**{**fields, **changes})


def a_summary(**changes: Any) -> IncidentSummary:
    """The list's line of an incident."""
    version = changes.pop("source_version", 1)
    return IncidentSummary.of(an_incident(**changes, version=version))


def a_snapshot(**changes: Any) -> Snapshot:
    """A frozen snapshot in which topology could not be asked for."""
    body = SnapshotBody(
        service="payment",
        window_start=NOON - timedelta(hours=1),
        onset_at=NOON,
        window_end=NOON,
        step_seconds=15.0,
        sections=(Section(name=SectionName.TOPOLOGY, status=SectionStatus.FAILED, reason="timeout"),),
    )
    fields: dict[str, Any] = {
        "id": SnapshotId("snap-1"),
        "tenant_id": ACME,
        "incident_id": IncidentId("inc-1"),
        "taken_at": NOON,
        "elapsed_seconds": 1.5,
        "body": body,
        "sha256": digest(body),
    }
    return Snapshot(**{**fields, **changes})


def a_hypothesis_set(**changes: Any) -> HypothesisSet:
    """The ranker's answer that the evidence points nowhere."""
    fields: dict[str, Any] = {
        "id": "hyp-1",
        "tenant_id": ACME,
        "incident_id": IncidentId("inc-1"),
        "snapshot_id": SnapshotId("snap-1"),
        "generated_by": GeneratedBy.RANKER,
        "reason": "ranked",
        "conclusion": Conclusion.NO_EVIDENCE,
        "hypotheses": (),
        "created_at": NOON,
    }
    return HypothesisSet(**{**fields, **changes})


def a_model_question(tenant_id: TenantId = ACME, subject: str = "a", **changes: Any) -> ModelQuestion:
    """A question to a model about `subject` that one unit of money is reserved for since noon."""
    fields: dict[str, Any] = {
        "id": ModelQuestion.id_for(subject, "v1", "gpt", 1),
        "tenant_id": tenant_id,
        "subject": subject,
        "prompt_version": "v1",
        "deployment": "gpt",
        "number": 1,
        "state": QuestionState.ASKED,
        "rung": Rung.SINGLE,
        "day": NOON.date(),
        "amount": 1.0,
        "lease_until": NOON + LEASE,
        "created_at": NOON,
    }
    return ModelQuestion(**{**fields, **changes})


def a_tenant(**changes: Any) -> Tenant:
    """An active tenant."""
    tenant_id = changes.pop("tenant_id", ACME)
    fields: dict[str, Any] = {
        "id": tenant_id,
        "tenant_id": tenant_id,
        "name": "Acme",
        "slug": "acme",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Tenant(**{**fields, **changes})


def an_integration(**changes: Any) -> Integration:
    """An inbound integration of Alertmanager."""
    fields: dict[str, Any] = {
        "id": "int-1",
        "tenant_id": ACME,
        "integration_type": IntegrationType.ALERTMANAGER,
        "name": "production",
        "created_at": NOON,
    }
    return Integration(**{**fields, **changes})


def a_credential(**changes: Any) -> InboundCredential:
    """What the webhook of `int-1` accepts."""
    integration_id = changes.pop("integration_id", "int-1")
    fields: dict[str, Any] = {
        "id": f"integration:{integration_id}",
        "tenant_id": ACME,
        "integration_id": integration_id,
        "integration_type": IntegrationType.ALERTMANAGER,
        "token_hashes": (),
    }
    return InboundCredential(**{**fields, **changes})


def a_user(role: Role = Role.ENGINEER, **changes: Any) -> User:
    """A user of Acme, known by the object id `oid-<role>` unless told otherwise."""
    object_id = changes.get("entra_object_id", f"oid-{role.value}")
    fields: dict[str, Any] = {
        "id": document_id("usr", object_id),
        "tenant_id": ACME,
        "email": f"{role.value}@acme.example",
        "entra_object_id": object_id,
        "full_name": f"{role.value.capitalize()} of Acme",
        "role": role,
        "created_at": NOON,
    }
    return User(**{**fields, **changes})


def an_entry(entry_id: str = "aud-1") -> AuditEntry:
    """That the plan of a tenant was changed."""
    return AuditEntry(
        entry_id=entry_id,
        at=NOON,
        user_id="oid-1",
        event_type="update_tenant",
        action=AuditAction.UPDATE,
        resource_type="tenant",
        resource_id="ten",
        after={"max_services": 10},
        request_id="req-1",
    )


def a_label(**changes: Any) -> Label:
    """A person said that the first hypothesis of an answer was right."""
    fields: dict[str, Any] = {
        "id": Label.id_for("hyp-1", 1),
        "tenant_id": ACME,
        "incident_id": IncidentId("inc-1"),
        "raw_confidence": 0.7,
        "confidence": 0.8,
        "was_right": True,
        "labelled_at": NOON,
    }
    return Label(**{**fields, **changes})


def a_calibration(*, tenant_id: TenantId = ACME, **changes: Any) -> TenantCalibration:
    """A tenant's own, fitted to 200 labels."""
    fields: dict[str, Any] = {
        "origin": Origin.TENANT,
        "intercept": -0.2,
        "slope": 0.9,
        "n": 200,
        "version": "tenant-1",
        "fitted_at": NOON,
    }
    return TenantCalibration(id=TenantCalibration.id_for(), tenant_id=tenant_id, curve=Curve(**{**fields, **changes}))


def a_feedback(**changes: Any) -> Feedback:
    """Dana confirmed the first hypothesis of an answer, which suspects payment."""
    fields: dict[str, Any] = {
        "tenant_id": ACME,
        "incident_id": IncidentId("inc-1"),
        "hypotheses_id": "hyp-1",
        "rank": 1,
        "snapshot_id": SnapshotId("snap-1"),
        "suspected_service": "payment",
        "verdict": FeedbackVerdict.CONFIRMED,
        "given_by": "dana",
        "given_at": NOON,
    }
    given = {**fields, **changes}
    return Feedback(**{"id": Feedback.id_for(given["hypotheses_id"], given["rank"], given["given_by"]), **given})


def a_resolution(**changes: Any) -> Resolution:
    """Dana says that payment was the cause."""
    incident_id = changes.get("incident_id", IncidentId("inc-1"))
    fields: dict[str, Any] = {
        "id": Resolution.id_for(incident_id),
        "tenant_id": ACME,
        "incident_id": incident_id,
        "snapshot_id": SnapshotId("snap-1"),
        "hypotheses_id": "hyp-1",
        "root_service": "payment",
        "given_by": "dana",
        "given_at": NOON,
    }
    return Resolution(**{**fields, **changes})
