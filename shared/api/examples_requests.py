"""One example of a body for each operation that takes one; a test holds each against its model."""

from collections.abc import Mapping
from typing import Any

REQUESTS: Mapping[str, dict[str, Any]] = {
    "merge_incident": {"into": "inc-9a7b6c5d4e3f2a1b0c9d8e7f"},
    "split_incident": {"services": ["payment"]},
    "edit_incident": {"title": "Payments fail after the deploy of 2.4.1", "severity": "critical"},
    "move_incident": {"state": "mitigated"},
    "assign_incident": {"user_id": "6b1e52a9-0d35-4a0e-9a3b-5d1f4c7e8b21"},
    "add_note": {"text": "Rolled payment back to 2.4.0."},
    "redrive_dead_letters": {"queue": "signals", "ids": ["dead-3f1c9a7be25d4860a1b2c3d4"]},
}
