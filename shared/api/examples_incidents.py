"""Examples of what people do to an incident: what each operation may answer with."""

from collections.abc import Mapping
from typing import Any

_PERSON = "6b1e52a9-0d35-4a0e-9a3b-5d1f4c7e8b21"
_LINE_FIELDS = ("id", "taken_at", "elapsed_seconds", "sha256", "service", "onset_at")


def acted_on(summary: Mapping[str, Any], snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """From the examples of an incident in a list and of its snapshot."""
    return {
        "acknowledge_incident": {**summary, "state": "acknowledged", "version": 4},
        "move_incident": {**summary, "state": "mitigated", "version": 5},
        "assign_incident": {**summary, "assigned_to": _PERSON, "version": 4},
        "edit_incident": {**summary, "title": "Payments fail after the deploy of 2.4.1", "version": 4},
        "add_note": {**summary, "version": 4},
        "investigate_again": {"incident_id": summary["id"], "snapshot_id": snapshot["id"]},
        "list_snapshots": {
            "items": [{"number": 1, **{name: snapshot[name] for name in _LINE_FIELDS}}],
            "cursor": None,
        },
    }
