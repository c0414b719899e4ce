"""Examples of the operations on integrations."""

from collections.abc import Mapping
from typing import Any

Example = dict[str, Any]

_ID = "int-3c7a1f0e5b9d4c2a8e6f1b0d"
_SECRET_ID = "sec-1d4e8a2b7c3f4e5a9b6c0d1e"  # noqa: S105 -- an id, and of an example
_MADE_AT = "2026-11-23T12:00:00.000000Z"
_URL = f"https://sre-copilot.example/api/webhooks/alertmanager/{_ID}"
_PLACEHOLDER = "example-of-a-secret-that-is-shown-once"

_SUMMARY: Example = {
    "id": _ID,
    "integration_type": "alertmanager",
    "name": "Production Alertmanager",
    "is_active": True,
    "receives": True,
    "is_asked": True,
    "is_healthy": True,
    "last_sync_at": "2026-11-23T12:05:00.000000Z",
    "last_error": None,
    "last_delivery_at": "2026-11-23T12:04:30.000000Z",
    "created_at": _MADE_AT,
    "version": 1,
}
_SECRET: Example = {"id": _SECRET_ID, "created_at": _MADE_AT}
_INTEGRATION: Example = {
    **_SUMMARY,
    "service_map": {"checkout-api": "checkout"},
    "webhook": {
        "url": _URL,
        "schemes": ["bearer"],
        "signature_header": None,
        "timestamp_header": None,
        "secrets": [_SECRET],
    },
    "connection": {
        "url": "https://alertmanager.example.com",
        "credential": "bearer",
        "username": None,
        "directory_id": None,
        "client_id": None,
        "scope_org_id": None,
        "receiver": "sre-copilot",
        "grace_seconds": None,
        "repositories": {},
    },
}
_SET_UP: list[Example] = [
    {
        "title": "Alertmanager: receiver",
        "language": "yaml",
        "text": f'receivers:\n  - name: sre-copilot\n    webhook_configs:\n      - url: "{_URL}"\n',
    }
]
_ISSUED: Example = {**_SECRET, "secret": _PLACEHOLDER}
_FINDING: Example = {
    "is_good": False,
    "reason": "unauthorised",
    "message": "Prometheus does not accept the credential (401). Check that the token or password is complete, not "
    "expired, and of the kind that Prometheus expects.",
    "version": None,
    "elapsed_seconds": 0.214,
}
_GOOD: Example = {
    "is_good": True,
    "reason": "reached",
    "message": "Alertmanager answers and lets us in.",
    "version": "0.28.1",
    "elapsed_seconds": 0.181,
}

INTEGRATION_EXAMPLES: Mapping[str, Example | list[Example]] = {
    "list_integrations": {"items": [_SUMMARY], "cursor": None},
    "create_integration": {"integration": _INTEGRATION, "secret": _ISSUED, "set_up": _SET_UP},
    "read_integration": _INTEGRATION,
    "change_integration": {**_INTEGRATION, "version": 2},
    "activate_integration": {**_INTEGRATION, "version": 3},
    "deactivate_integration": {**_INTEGRATION, "is_active": False, "version": 2},
    "list_integration_secrets": {"items": [_SECRET], "cursor": None},
    "add_integration_secret": {"secret": _ISSUED, "set_up": _SET_UP},
    "try_prometheus": _FINDING,
    "try_grafana": {**_GOOD, "message": "Grafana answers and lets us in.", "version": "12.2.0"},
    "try_github": {**_GOOD, "message": "GitHub answers and lets us in.", "version": "2022-11-28"},
    "try_alertmanager": _GOOD,
    "try_integration": {
        "connection": _GOOD,
        "webhook": {
            "last_delivery_at": "2026-11-23T12:04:30.000000Z",
            "message": "Its sender delivers.",
            "set_up": _SET_UP,
        },
    },
}
