"""One example of a body for each operation that takes one; a test holds each against its model."""

from collections.abc import Mapping
from typing import Any

REQUESTS: Mapping[str, dict[str, Any]] = {
    "merge_incident": {"into": "inc-9a7b6c5d4e3f2a1b0c9d8e7f"},
    "split_incident": {"services": ["payment"]},
    "redrive_dead_letters": {"queue": "signals", "ids": ["dead-3f1c9a7be25d4860a1b2c3d4"]},
}
