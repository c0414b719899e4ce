"""Examples of users, the tenant, policies, runbooks, service names and changes, by operation."""

from collections.abc import Mapping
from typing import Any

Example = dict[str, Any]

_OBJECT_ID = "6b1e52a9-0d35-4a0e-9a3b-5d1f4c7e8b21"
_AT = "2026-11-23T09:00:00.000000Z"
_THEN = "2026-11-23T11:59:00.000000Z"

_USER: Example = {
    "id": "usr-3f0c7c1d6b2a4e5f8a9b0c1d",
    "object_id": _OBJECT_ID,
    "email": "engineer@acme.example",
    "full_name": "Dana Ops",
    "role": "engineer",
    "is_active": True,
    "created_at": _AT,
    "version": 1,
}

_TENANT: Example = {
    "id": "ten-9c1185a5c5e9fc54612808a7",
    "name": "Acme Shop",
    "slug": "acme",
    "plan_type": "professional",
    "max_services": 50,
    "alerts_per_minute": 1200,
    "model_daily_budget": 20.0,
    "is_active": True,
    "reopen_within_minutes": 30,
    "auto_resolve_after_minutes": 1440,
    "correlation": {"link_at": 0.55, "window_seconds": 900.0, "max_services": 60},
    "created_at": _AT,
    "updated_at": _THEN,
    "version": 4,
}

_POLICY: Example = {
    "id": "pol-1d2c3b4a5f6e7d8c9b0a1f2e",
    "kind": "maintenance",
    "name": "payment: database upgrade",
    "is_enabled": True,
    "parameters": {
        "services": ["payment"],
        "starts_at": "2026-11-24T02:00:00.000000Z",
        "ends_at": "2026-11-24T04:00:00.000000Z",
    },
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
    "updated_by": _OBJECT_ID,
}

_RUNBOOK_SUMMARY: Example = {
    "id": "rbk-7e6d5c4b3a2f1e0d9c8b7a6f",
    "title": "payment fails its requests",
    "tags": ["payments"],
    "services": ["payment"],
    "alert_names": ["ShopHighErrorRatio"],
    "version": 2,
    "created_at": _AT,
    "updated_at": _THEN,
    "updated_by": _OBJECT_ID,
}

_RUNBOOK: Example = {
    **_RUNBOOK_SUMMARY,
    "body": "## First\n\nLook at the last deploy of `payment`. Roll it back when the errors began with it.\n",
}

_CHANGE: Example = {
    "id": "chg-2b3c4d5e6f7a8b9c0d1e2f3a",
    "source": "api",
    "service_name": "payment",
    "kind": "deploy",
    "status": "succeeded",
    "version": "1.5.0",
    "title": "payment 1.5.0",
    "environment": "production",
    "author": "engineer@acme.example",
    "url": "https://ci.example.com/payment/842",
    "at": _THEN,
    "redacted": {},
}

_OBJECTIVES: Example = {
    "objectives": [{"service": "payment", "name": "availability", "objective": 0.999, "period_days": 30}],
    "version": 3,
}

_DECLARED: Example = {
    "edges": [{"caller": "checkout", "callee": "orders-db"}],
    "nodes": [{"name": "orders-db", "kind": "database"}],
    "version": 2,
    "updated_at": _AT,
    "updated_by": _OBJECT_ID,
}

_TOPOLOGY: Example = {
    "service": "checkout",
    "measured_at": _THEN,
    "nodes": [
        {"name": "checkout", "kind": "service"},
        {"name": "orders-db", "kind": "database"},
        {"name": "payment", "kind": "service"},
    ],
    "edges": [
        {
            "caller": "checkout",
            "callee": "orders-db",
            "told_by": ["declared"],
            "calls_per_second": None,
            "first_seen_at": None,
            "last_seen_at": None,
            "age_seconds": None,
        },
        {
            "caller": "checkout",
            "callee": "payment",
            "told_by": ["service_graph", "otel_client"],
            "calls_per_second": 12.5,
            "first_seen_at": _AT,
            "last_seen_at": _THEN,
            "age_seconds": 60.0,
        },
    ],
    "declared": _DECLARED,
}

_SERVICE_NAMES: Example = {
    "services": [{"service": "payment", "aliases": ["shop/payment", "payment-api"]}],
    "version": 3,
    "updated_at": _THEN,
    "updated_by": _OBJECT_ID,
}

DIRECTORY_EXAMPLES: Mapping[str, Example | list[Example]] = {
    "list_users": {"items": [_USER], "cursor": None},
    "read_user": _USER,
    "update_user": _USER,
    "read_tenant": _TENANT,
    "update_tenant": _TENANT,
    "read_topology": _TOPOLOGY,
    "replace_topology": _DECLARED,
    "read_objectives": _OBJECTIVES,
    "replace_objectives": _OBJECTIVES,
    "list_policies": {"items": [_POLICY], "cursor": None},
    "read_policy": _POLICY,
    "create_policy": _POLICY,
    "replace_policy": _POLICY,
    "list_runbooks": {"items": [_RUNBOOK_SUMMARY], "cursor": None},
    "read_runbook": _RUNBOOK,
    "create_runbook": _RUNBOOK,
    "replace_runbook": _RUNBOOK,
    "read_service_names": _SERVICE_NAMES,
    "replace_service_names": _SERVICE_NAMES,
    "list_changes": {"items": [_CHANGE], "cursor": None},
    "create_change": _CHANGE,
}
"""Merged into what `examples` shows."""
