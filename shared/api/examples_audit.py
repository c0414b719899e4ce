"""Examples of the audit trail's operations, for the documentation."""

from collections.abc import Mapping
from typing import Any

_ENTRY_ID = "aud-3c9a1f7be2d04c58a6f1b0d2"
_OBJECT_ID = "8a4be2c7-0d1f-4c0f-9be3-a15277d1f4c0"
_AT = "2026-11-23T12:04:05.000000Z"

_LOG: dict[str, Any] = {
    "timestamp": _AT,
    "user_id": _OBJECT_ID,
    "user_name": "dana@acme.example",
    "event_type": "discard_dead_letter",
    "action": "update",
    "resource_type": "dead_letter",
    "resource_id": "dead-f763130c6e78d8766d46bd72",
    "outcome": "done",
    "before": {"queue": "signals", "state": "open", "redrives": 0},
    "after": {"state": "discarded"},
    "ip_address": "203.0.113.7",
    "user_agent": "Mozilla/5.0",
    "request_id": "2f1c7d0e9b6a4c7f8e21d0a3b5c4f6e7",
    "entry_id": _ENTRY_ID,
    "month": "2026-11",
    "sequence": 42,
    "hash": "9d5ed678fe57bcca610140957afab571b3f1f6f5c8c2b8d3e1a7c4d09e6f2a31",
    "sealed_at": "2026-11-23T12:04:07.250000Z",
    "is_sealed": True,
}

AUDIT_EXAMPLES: Mapping[str, dict[str, Any]] = {
    "search_audit_logs": {"items": [_LOG], "cursor": None},
    "verify_audit_logs": {
        "month": "2026-11",
        "intact": False,
        "entries": 41,
        "findings_count": 1,
        "findings": [{"finding": "altered", "id": "0000000017", "sequence": 17, "through": None, "belongs_at": None}],
        "unsealed_count": 1,
        "unsealed": [
            {
                "entry_id": _ENTRY_ID,
                "timestamp": _AT,
                "user_id": _OBJECT_ID,
                "event_type": "merge_incident",
                "resource_type": "incident",
                "resource_id": "inc-5f8a3d1b9c2e4f6a7b8c9d0e",
                "overdue": False,
            }
        ],
        "end_known": False,
    },
}
"""Merged into `EXAMPLES`."""
