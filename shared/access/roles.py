"""Which role each operation needs. What is not in the table is allowed to nobody."""

from collections.abc import Mapping

from shared.models.tenants import Role

LEAST_ROLE: Mapping[str, Role] = {
    "who_am_i": Role.VIEWER,
    "list_incidents": Role.VIEWER,
    "read_incident": Role.VIEWER,
    "read_signals": Role.VIEWER,
    "read_timeline": Role.VIEWER,
    "read_snapshot": Role.VIEWER,
    "read_hypotheses": Role.VIEWER,
    "read_receipt": Role.VIEWER,
    "merge_incident": Role.ENGINEER,
    "split_incident": Role.ENGINEER,
    "list_dead_letters": Role.ENGINEER,
    "read_dead_letter": Role.ENGINEER,
    "redrive_dead_letter": Role.ADMIN,
    "redrive_dead_letters": Role.ADMIN,
    "discard_dead_letter": Role.ADMIN,
    "list_users": Role.ADMIN,
    "read_user": Role.VIEWER,
    "update_user": Role.ADMIN,
    "read_tenant": Role.VIEWER,
    "update_tenant": Role.ADMIN,
    "list_policies": Role.ADMIN,
    "read_policy": Role.ADMIN,
    "create_policy": Role.ADMIN,
    "replace_policy": Role.ADMIN,
    "delete_policy": Role.ADMIN,
    "list_runbooks": Role.VIEWER,
    "read_runbook": Role.VIEWER,
    "create_runbook": Role.ENGINEER,
    "replace_runbook": Role.ENGINEER,
    "delete_runbook": Role.ENGINEER,
    "list_changes": Role.VIEWER,
    "create_change": Role.ENGINEER,
}

_RANK = {Role.VIEWER: 0, Role.ENGINEER: 1, Role.ADMIN: 2}


def may(role: Role, operation: str, table: Mapping[str, Role] = LEAST_ROLE) -> bool:
    """Whether a role may do an operation; an unknown operation is denied."""
    least = table.get(operation)
    return least is not None and _RANK[role] >= _RANK[least]
