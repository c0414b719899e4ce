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
    "list_snapshots": Role.VIEWER,
    "acknowledge_incident": Role.ENGINEER,
    "move_incident": Role.ENGINEER,
    "assign_incident": Role.ENGINEER,
    "edit_incident": Role.ENGINEER,
    "add_note": Role.ENGINEER,
    "investigate_again": Role.ENGINEER,
    "read_receipt": Role.VIEWER,
    "merge_incident": Role.ENGINEER,
    "split_incident": Role.ENGINEER,
    "list_dead_letters": Role.ENGINEER,
    "read_dead_letter": Role.ENGINEER,
    "redrive_dead_letter": Role.ADMIN,
    "redrive_dead_letters": Role.ADMIN,
    "discard_dead_letter": Role.ADMIN,
}

_RANK = {Role.VIEWER: 0, Role.ENGINEER: 1, Role.ADMIN: 2}


def may(role: Role, operation: str, table: Mapping[str, Role] = LEAST_ROLE) -> bool:
    """Whether a role may do an operation; an unknown operation is denied."""
    least = table.get(operation)
    return least is not None and _RANK[role] >= _RANK[least]
