"""One example of a body for each operation that takes one; a test holds each against its model."""

from collections.abc import Mapping
from typing import Any

from shared.api.examples_feedback import FEEDBACK_REQUESTS
from shared.api.examples_questions import QUESTION_REQUESTS

_PROMETHEUS = {"url": "https://prometheus.example.com", "bearer_token": "one-of-your-own"}
_GRAFANA = {"url": "https://grafana.example.com", "bearer_token": "glsa_one-of-your-own"}
_GITHUB = {"url": "https://api.github.com", "bearer_token": "github_pat_one-of-your-own"}
_ALERTMANAGER = {"url": "https://alertmanager.example.com", "receiver": "sre-copilot"}
_WINDOW = {
    "name": "Move of the payment database",
    "parameters": {
        "services": ["payment"],
        "starts_at": "2026-11-28T22:00:00Z",
        "ends_at": "2026-11-29T02:00:00Z",
    },
}
_RUNBOOK = {
    "title": "Payment answers with errors",
    "body": "1. Look at the latest deploy.\n2. Roll it back.",
    "tags": ["payments"],
    "services": ["payment"],
    "alert_names": ["HighErrorRatio"],
}

REQUESTS: Mapping[str, dict[str, Any]] = {
    "merge_incident": {"into": "inc-9a7b6c5d4e3f2a1b0c9d8e7f"},
    "split_incident": {"services": ["payment"]},
    "edit_incident": {"title": "Payments fail after the deploy of 2.4.1", "severity": "critical"},
    "move_incident": {"state": "mitigated"},
    "assign_incident": {"user_id": "6b1e52a9-0d35-4a0e-9a3b-5d1f4c7e8b21"},
    "add_note": {"text": "Rolled payment back to 2.4.0."},
    **FEEDBACK_REQUESTS,
    "redrive_dead_letters": {"queue": "signals", "ids": ["dead-3f1c9a7be25d4860a1b2c3d4"]},
    "create_integration": {
        "integration_type": "alertmanager",
        "name": "Production",
        "inbound": {"schemes": ["bearer"]},
        "connection": _ALERTMANAGER,
    },
    "change_integration": {"name": "Production, Europe", "service_map": {"pay-svc": "payment"}},
    "add_integration_secret": {},
    "try_prometheus": _PROMETHEUS,
    "try_grafana": _GRAFANA,
    "try_github": _GITHUB,
    "try_alertmanager": _ALERTMANAGER,
    "update_user": {"role": "engineer"},
    "update_tenant": {"reopen_within_minutes": 45, "correlation": {"link_at": 0.6}},
    "replace_topology": {
        "edges": [{"caller": "checkout", "callee": "orders-db"}],
        "nodes": [{"name": "orders-db", "kind": "database"}],
    },
    "replace_objectives": {
        "objectives": [{"service": "payment", "name": "payments that go through", "objective": 0.999}]
    },
    **QUESTION_REQUESTS,
    "create_policy": _WINDOW,
    "replace_policy": {**_WINDOW, "is_enabled": False},
    "create_runbook": _RUNBOOK,
    "replace_runbook": _RUNBOOK,
    "replace_service_names": {"services": [{"service": "payment", "aliases": ["shop/payment", "payment-api"]}]},
    "create_change": {"service": "payment", "version": "1.5.0", "id": "run-991", "author": "erin"},
}
