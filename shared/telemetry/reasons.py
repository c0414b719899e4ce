"""The reasons that may label a measure: those that the code names. A test holds this list and the code together."""

from typing import Final

REASONS: Final = frozenset(
    (
        "accept_timeout", "address_refused", "already_exists", "another_person", "answer_flagged",
        "audit_chain_broken", "audit_chain_busy", "bad_cursor", "bad_envelope", "bad_id", "bad_kind_or_status",
        "bad_query", "bad_state", "bad_status", "bad_type", "batch_too_large", "blob_unavailable",
        "body_too_large", "budget", "budget_low", "bug", "busy", "cannot_be_null", "circuit_open",
        "client_refused", "config_malformed", "conflict", "connect", "container_missing",
        "credential_for_another_host", "data_key_size", "deadline", "directory_taken", "disguised_address",
        "duration", "empty", "encoding", "end_before_start", "entra_refused", "entra_unavailable",
        "evidence_flagged", "execution", "failed", "flow_expired", "flow_mismatch", "foreign_incident",
        "foreign_key", "foreign_pointer", "foreign_tenant", "given_up", "handle_reused", "header", "host",
        "http_5xx", "incident_closed", "incident_gone", "issuer_unavailable", "key_file_missing",
        "key_file_open", "key_file_size", "keys_unavailable", "last_secret", "link_local_address",
        "loopback_address", "malformed", "message_too_large", "metadata_address", "model_asked_elsewhere",
        "model_budget_kept", "model_budget_spent", "model_busy", "model_empty", "model_filtered_answer",
        "model_interrupted", "model_malformed", "model_not_allowed", "model_not_configured",
        "model_not_deployed", "model_refused", "model_rejected", "model_silent", "model_throttled", "model_timeout",
        "model_truncated", "model_unauthorised", "model_unavailable", "model_unreachable", "model_unsupported",
        "month_not_kept", "moved", "never_asked", "no_answer", "no_body", "no_calls_measured", "no_connection",
        "no_deployment", "no_event", "no_expression", "no_flow", "no_id_token", "no_incident", "no_name",
        "no_prometheus", "no_repositories", "no_rule", "no_runbooks", "no_service", "no_session", "no_snapshot",
        "no_topology", "none", "not_a_number", "not_allowed", "not_an_object", "not_configured", "not_found",
        "not_json", "not_looked_at", "not_prometheus", "not_reconciled", "not_run", "not_utf8", "ok", "partial",
        "partial_answer", "partial_key", "payload_gone", "payload_too_large", "port", "private_address",
        "probe_answered", "protocol", "provider_busy", "provider_refused", "provider_unavailable", "query",
        "query_budget", "query_too_long", "queue_unavailable", "range_too_long", "ranked", "receives_nothing",
        "redirect", "refused", "refuted", "reserved_address", "rewrap_failed", "scheme", "secret_is_made_here",
        "secret_is_made_there", "secret_unreadable", "session_over", "session_stale", "slug_taken",
        "snapshot_gone", "snapshot_not_whole", "source_failed", "source_unavailable", "spending_moved", "stale",
        "step", "store_rejected", "store_timeout", "store_unavailable", "supported", "throttled", "time",
        "timed_out", "timeout", "timeout_too_long", "tls", "too_broad", "too_deep", "too_large",
        "too_many_alerts", "too_many_dequeues", "too_many_integrations", "too_many_points", "too_many_samples",
        "two_secrets_already", "unauthenticated", "unauthorised", "unavailable", "unexpected_shape",
        "unknown_change", "unknown_incident", "unknown_prompt_version", "unknown_tenant", "unknown_user",
        "unparsable", "unresolvable", "unspecified", "url", "userinfo", "verified", "waiting",
        "wrapped_key_malformed",
    )
)  # fmt: skip
