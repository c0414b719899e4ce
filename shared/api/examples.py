"""One example an operation, for the documentation; a test holds each against its response model."""

from collections.abc import Mapping
from typing import Any

from shared.api.examples_audit import AUDIT_EXAMPLES
from shared.api.examples_auth import EXAMPLES_OF_SIGN_IN
from shared.api.examples_directory import DIRECTORY_EXAMPLES
from shared.api.examples_feedback import said_of
from shared.api.examples_incidents import acted_on
from shared.api.examples_integrations import INTEGRATION_EXAMPLES
from shared.api.examples_metrics import METRICS_EXAMPLES
from shared.api.examples_model import USAGE_EXAMPLES
from shared.api.examples_quality import QUALITY_EXAMPLES
from shared.api.examples_questions import QUESTION_EXAMPLES

Example = dict[str, Any]

_INCIDENT_ID = "inc-5f8a3d1b9c2e4f6a7b8c9d0e"
_SNAPSHOT_ID = "snap-0a4be2c77d1f4c0f9be3a152"
_SIGNAL_ID = "sig-b1946ac92492d2347c6235b4"
_RECEIPT_ID = "rcp-0c5e0e2b7f6c4f0d9d0f3c1a2b3c4d5e"
_STARTED = "2026-11-23T12:00:00.000000Z"
_DETECTED = "2026-11-23T12:00:30.000000Z"
_ANSWERED = "2026-11-23T12:00:34.250000Z"

_SUMMARY: Example = {
    "id": _INCIDENT_ID,
    "title": "payment: payment fails 35.25% of its requests",
    "service_name": "payment",
    "state": "detected",
    "severity": "critical",
    "detected_at": _DETECTED,
    "resolved_at": None,
    "assigned_to": None,
    "signal_count": 1,
    "firing_count": 1,
    "services": ["payment"],
    "version": 3,
    "flap_count": 0,
    "flapping_until": None,
    "suppressed": None,
    "updated_at": _ANSWERED,
}

_INCIDENT_PAGE: Example = {"items": [_SUMMARY], "cursor": None}

_SIGNAL: Example = {
    "id": _SIGNAL_ID,
    "signal_type": "alert",
    "source": "alertmanager",
    "name": "ShopHighErrorRatio",
    "service_name": "payment",
    "severity": "critical",
    "status": "firing",
    "summary": "payment fails 35.25% of its requests",
    "labels": {"alertname": "ShopHighErrorRatio", "service": "payment"},
    "annotations": {"summary": "payment fails 35.25% of its requests"},
    "expression": "service:request_errors:ratio1m > 0.05",
    "generator_url": "http://prometheus.example/graph?g0.expr=service%3Arequest_errors%3Aratio1m",
    "timestamp": _STARTED,
    "resolved_at": None,
    "fired_times": 1,
    "membership": {
        "reason": "first_of_the_incident",
        "score": None,
        "leans_on": None,
        "features": None,
        "at": _DETECTED,
    },
    "context_snapshot_id": None,
    "receipt_id": _RECEIPT_ID,
    "redacted": {"email": 1},
}

_TIMELINE_ENTRY: Example = {
    "event": "incident_opened",
    "reason": "opened_new",
    "text": "Opened by ShopHighErrorRatio of payment.",
    "by": None,
    "signal_ids": [_SIGNAL_ID],
    "at": _DETECTED,
    "incident_version": 1,
}

_CHANGE: Example = {
    "kind": "change",
    "id": "E3f9a1c2",
    "said": (
        "payment: version 2.4.1 replaced 2.4.0 by alice from 11:58:40 UTC to 11:59:10 UTC, "
        "20 s before the first symptom; 1 commit came with it."
    ),
    "origin": "github",
    "query": "/repos/acme/payment/deployments/7",
    "window_start": "2026-11-23T11:00:00.000000Z",
    "window_end": "2026-11-23T12:00:32.000000Z",
    "fetched_at": "2026-11-23T12:00:33.200000Z",
    "unit": None,
    "service": "payment",
    "change": "deploy",
    "status": "succeeded",
    "version": "2.4.1",
    "previous_version": "2.4.0",
    "title": "Deploy to production",
    "author": "alice",
    "url": "https://github.com/acme/payment/actions/runs/7",
    "at": "2026-11-23T11:59:10.000000Z",
    "uncertain_seconds": 15.0,
    "began_at": "2026-11-23T11:58:40.000000Z",
    "seconds_before_onset": 20.0,
    "told_by": ["prometheus", "github"],
    "commits": [
        {
            "sha": "4f2c9aa",
            "title": "Retry declined cards once",
            "author": "bob",
            "url": "https://github.com/acme/payment/commit/4f2c9aa",
        }
    ],
    "commits_total": 1,
}

_CHANGES: Example = {"name": "changes", "status": "ok", "reason": None, "elapsed_seconds": 0.12}

_SNAPSHOT: Example = {
    "id": _SNAPSHOT_ID,
    "incident_id": _INCIDENT_ID,
    "taken_at": "2026-11-23T12:00:33.000000Z",
    "elapsed_seconds": 1.4,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "service": "payment",
    "window_start": "2026-11-23T11:00:00.000000Z",
    "onset_at": "2026-11-23T11:59:30.000000Z",
    "window_end": "2026-11-23T12:00:32.000000Z",
    "step_seconds": 15.0,
    "sections": [{**_CHANGES, "as_of": None, "warnings": [], "evidence": [_CHANGE]}],
    "coverage": {"share": 0.75, "blind": [{"section": "slo", "reason": "timeout"}]},
    "first_movers": [["Eb41d009"], ["E77c02aa", "E90be411"]],
    "redacted": {"bearer_token": 1},
    "reused_from": None,
    "measured_at": None,
}

_SNAPSHOT_SUMMARY: Example = {
    **{name: _SNAPSHOT[name] for name in ("id", "taken_at", "elapsed_seconds", "service", "onset_at")},
    "sections": [{**_CHANGES, "evidence_count": 1}],
    "coverage": _SNAPSHOT["coverage"],
}

_HELD: Example = {
    "evidence_id": "E3f9a1c2",
    "path": "seconds_before_onset",
    "operator": "<=",
    "value": "30 s",
    "window_start": None,
    "window_end": None,
    "held": "true",
    "found": "20 s",
    "reason": "",
}

_STRUCK: Example = {
    **_HELD,
    "path": "previous_version",
    "operator": "==",
    "value": "2.3.9",
    "held": "false",
    "found": "2.4.0",
}

_CHECK: Example = {
    "query": 'sum(rate(http_requests_total{service="payment",code=~"5.."}[5m]))',
    "operator": ">",
    "value": 1.0,
    "because": "The new version answers with errors.",
    "verdict": "supported",
    "found": 12.5,
    "reason": "",
}

_HYPOTHESES: Example = {
    "id": "hyp-7c211433f02071597741e6ff",
    "snapshot_id": _SNAPSHOT_ID,
    "generated_by": "deterministic_ranker",
    "reason": "model_not_configured",
    "conclusion": "ranked",
    "hypotheses": [
        {
            "rank": 1,
            "claim": "The deploy of payment 2.4.1 broke payment.",
            "suspected_service": "payment",
            "suspected_change": "E3f9a1c2",
            "mechanism": "The error ratio of payment rose 20 s after the deploy; what it calls stayed as it was.",
            "supporting": ["E3f9a1c2"],
            "contradicting": [],
            "score": 0.87,
            "factors": {"change": 0.9},
            "next_steps": ["Roll payment back to 2.4.0."],
            "confidence": 0.74,
            "confidence_factors": {"score": 1.74, "start": -3.0, "raw": 0.71},
            "verified": {"held": 1, "of": 2},
            "assertions": [_HELD, _STRUCK],
            "checks": [_CHECK],
            "similar_incidents": [],
            "caps": [],
        }
    ],
    "next_steps": [],
    "next_query": None,
    "calibration": "global-5d41402abc4b",
    "dropped_hypotheses": 0,
    "dropped_citations": 0,
    "struck_assertions": 1,
    "reworded": 0,
    "rung": "deterministic",
    "receipt": None,
    "flags": [],
    "model": None,
    "elapsed_seconds": 0.02,
    "created_at": _ANSWERED,
}

_INCIDENT: Example = {
    **_SUMMARY,
    "acknowledged_by": None,
    "held_open": None,
    "external_id": None,
    "dashboards": f"{_INCIDENT_ID}/dashboards",
    "earlier_incident_id": None,
    "acknowledged_at": None,
    "mitigated_at": None,
    "created_at": _DETECTED,
    "note_count": 0,
    "signals": [_SIGNAL],
    "signals_cursor": None,
    "timeline": [_TIMELINE_ENTRY],
    "timeline_cursor": None,
    "snapshot": _SNAPSHOT_SUMMARY,
    "hypotheses": _HYPOTHESES,
    "model_cost": {
        "calls": 1,
        "prompt_tokens": 6210,
        "cached_tokens": 4096,
        "completion_tokens": 1830,
        "cost": 0.0287,
        "currency": "USD",
    },
}

_RECEIPT: Example = {
    "receipt_id": _RECEIPT_ID,
    "integration_id": "int-5b1d3c2f9a8e4d7c6b5a4f3e",
    "received_at": _DETECTED,
    "recorded_at": _ANSWERED,
    "delayed_seconds": 0.0,
    "accepted": 3,
    "outcomes": {"created": 2, "duplicate": 1},
    "changes": 0,
    "ignored": None,
    "redrives": 0,
    "incident_ids": [_INCIDENT_ID],
}

_LETTER_ID = "dead-3f1c9a7be25d4860a1b2c3d4"

_LETTER_SUMMARY: Example = {
    "id": _LETTER_ID,
    "queue": "signals",
    "stage": "parse",
    "reason": "bad_status",
    "reasons": ["bad_status"],
    "error": "Malformed",
    "detail": "1 of its alerts cannot be understood",
    "attempts": 1,
    "alerts": 1,
    "receipt_id": _RECEIPT_ID,
    "redrives": 0,
    "state": "open",
    "decided_by": None,
    "decided_at": None,
    "recorded_at": _DETECTED,
    "failed_again_at": None,
}

_LETTER: Example = {
    **_LETTER_SUMMARY,
    "rejected": [{"position": 2, "reason": "bad_status", "detail": "the status is neither firing nor resolved"}],
    "payload_pointer": f"ten-9c1185a5c5e9fc54612808a7/{_RECEIPT_ID}",
    "message": '{"schema_version":1,"tenant_id":"ten-9c1185a5c5e9fc54612808a7"}',
}

_DECISION: Example = {"id": _LETTER_ID, "decided": "sent", "state": "redriven"}

_ME: Example = {
    "tenant_id": "ten-9c1185a5c5e9fc54612808a7",
    "object_id": "6b1e52a9-0d35-4a0e-9a3b-5d1f4c7e8b21",
    "email": "engineer@acme.example",
    "role": "engineer",
}


EXAMPLES: Mapping[str, Example | list[Example]] = {
    **EXAMPLES_OF_SIGN_IN,
    **acted_on(_SUMMARY, _SNAPSHOT),
    **said_of(_HYPOTHESES, _SNAPSHOT),
    **INTEGRATION_EXAMPLES,
    **USAGE_EXAMPLES,
    "who_am_i": _ME,
    "list_incidents": _INCIDENT_PAGE,
    "read_incident": _INCIDENT,
    "read_signals": {"items": [_SIGNAL], "cursor": None},
    "read_timeline": {"items": [_TIMELINE_ENTRY], "cursor": None},
    "read_snapshot": _SNAPSHOT,
    "read_hypotheses": {"items": [_HYPOTHESES], "cursor": None},
    "read_receipt": _RECEIPT,
    "merge_incident": {"incident_id": _INCIDENT_ID},
    "split_incident": {"incident_id": _INCIDENT_ID},
    **QUESTION_EXAMPLES,
    **METRICS_EXAMPLES,
    **QUALITY_EXAMPLES,
    "list_dead_letters": {"items": [_LETTER_SUMMARY], "cursor": None},
    "read_dead_letter": _LETTER,
    "redrive_dead_letter": _DECISION,
    "redrive_dead_letters": {"sent": 1, "letters": [_DECISION], "cursor": None},
    "discard_dead_letter": {"id": _LETTER_ID, "decided": "discarded", "state": "discarded"},
    **AUDIT_EXAMPLES,
    **DIRECTORY_EXAMPLES,
}
"""What each operation of the roles table may answer."""
