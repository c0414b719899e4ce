"""Examples of sign-in's operations."""

from collections.abc import Mapping
from typing import Any

_SIGNED_IN = {
    "tenant_id": "ten-4fdf0d3f5b6f1c1d9f2a7b3c",
    "object_id": "7d3f1f5e-3c69-4a8f-9a51-6d8c1f0e2b4a",
    "email": "dana.ops@acme.example",
    "role": "engineer",
    "session": {
        "csrf_token": "mX0rQm3vS8nZ1yq7l2Jw5T4cB9eD6fG0hK3pR8uVxYz",
        "refresh_before": "2026-11-23T13:00:00.000000Z",
        "ends_at": "2026-11-23T13:00:00.000000Z",
    },
}

EXAMPLES_OF_SIGN_IN: Mapping[str, dict[str, Any]] = {"read_session": _SIGNED_IN, "refresh_session": _SIGNED_IN}
