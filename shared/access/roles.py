"""Which role each operation needs. What is not in the table is allowed to nobody."""

from collections.abc import Mapping

from shared.models.tenants import Role

LEAST_ROLE: Mapping[str, Role] = {
    "who_am_i": Role.VIEWER,
    "read_session": Role.VIEWER,
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
    "read_incident_feedback": Role.VIEWER,
    "give_hypothesis_feedback": Role.ENGINEER,
    "name_incident_cause": Role.ENGINEER,
    # May spend the tenant's money on a model.
    "replay_incident": Role.ENGINEER,
    "read_quality": Role.VIEWER,
    # It may cost money, and what is asked may be shown to a model.
    "ask_question": Role.ENGINEER,
    "explain_hypothesis": Role.VIEWER,
    "read_receipt": Role.VIEWER,
    "merge_incident": Role.ENGINEER,
    "split_incident": Role.ENGINEER,
    # Any query, with our credential and at the cost of the tenant's own Prometheus: more than reading what we show.
    "query_prometheus": Role.ENGINEER,
    "query_prometheus_range": Role.ENGINEER,
    "read_service_metrics": Role.VIEWER,
    "list_grafana_dashboards": Role.VIEWER,
    "read_service_dashboards": Role.VIEWER,
    "read_incident_dashboards": Role.VIEWER,
    "list_dead_letters": Role.ADMIN,
    # With the message as it came, and so with an unredacted body: as `download_payload`.
    "read_dead_letter": Role.ADMIN,
    "redrive_dead_letter": Role.ADMIN,
    "redrive_dead_letters": Role.ADMIN,
    "discard_dead_letter": Role.ADMIN,
    "download_payload": Role.ADMIN,
    "search_audit_logs": Role.ADMIN,
    "verify_audit_logs": Role.ADMIN,
    "list_integrations": Role.ADMIN,
    "create_integration": Role.ADMIN,
    "read_integration": Role.ADMIN,
    "change_integration": Role.ADMIN,
    "delete_integration": Role.ADMIN,
    "activate_integration": Role.ADMIN,
    "deactivate_integration": Role.ADMIN,
    "try_integration": Role.ADMIN,
    "try_prometheus": Role.ADMIN,
    "try_grafana": Role.ADMIN,
    "try_github": Role.ADMIN,
    "try_alertmanager": Role.ADMIN,
    "list_integration_secrets": Role.ADMIN,
    "add_integration_secret": Role.ADMIN,
    "remove_integration_secret": Role.ADMIN,
    "list_users": Role.ADMIN,
    "read_user": Role.VIEWER,
    "update_user": Role.ADMIN,
    "read_tenant": Role.VIEWER,
    "read_model_usage": Role.ADMIN,
    "update_tenant": Role.ADMIN,
    "read_objectives": Role.VIEWER,
    "replace_objectives": Role.ENGINEER,
    "read_topology": Role.VIEWER,
    "replace_topology": Role.ENGINEER,
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
    "read_service_names": Role.VIEWER,
    "replace_service_names": Role.ENGINEER,
    "list_changes": Role.VIEWER,
    "create_change": Role.ENGINEER,
}

PUBLIC_OPERATIONS = frozenset({"begin_sign_in", "finish_sign_in", "refresh_session", "sign_out"})
"""What asks for no role: the way in and out. The last two need a session and prove that the web app asks."""

_RANK = {Role.VIEWER: 0, Role.ENGINEER: 1, Role.ADMIN: 2}


def may(role: Role, operation: str, table: Mapping[str, Role] = LEAST_ROLE) -> bool:
    """Whether a role may do an operation; an unknown operation is denied."""
    least = table.get(operation)
    return least is not None and _RANK[role] >= _RANK[least]
