"""GitHub's `deployment_status` webhook: a deployment has no state of its own, its statuses have (REST docs)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import Malformed
from shared.models.changes import ChangeKind, ChangeStatus, ReportedChange
from shared.models.signals import ParsedDelivery, Source
from shared.signals.sources.json_body import (
    id_of,
    kept_id,
    line_of,
    link_of,
    mapping_of,
    read_object,
    text_of,
    time_of,
)

_STATES: Mapping[str, ChangeStatus] = {
    "success": ChangeStatus.SUCCEEDED,
    "in_progress": ChangeStatus.IN_PROGRESS,
    "failure": ChangeStatus.FAILED,
    "error": ChangeStatus.FAILED,
}
_WAITING = frozenset({"queued", "pending", "inactive", "waiting"})
_ROLLBACK_TASKS = ("rollback", "deploy:rollback")
SHORT_SHA = 12
MAX_SHORT_CHARS = 120


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The deploy that a status speaks of; other events are known and need nothing. Raises Malformed without one."""
    payload = read_object(body)
    status, deployment = payload.get("deployment_status"), payload.get("deployment")
    if not isinstance(status, Mapping) or not isinstance(deployment, Mapping):
        return ParsedDelivery(ignored="test_event" if "zen" in payload else "not_a_deployment_status")
    state = text_of(status.get("state"), limit=32)
    if state in _WAITING:
        return ParsedDelivery(ignored=f"state_{state}")
    if state not in _STATES:
        return ParsedDelivery(unknown_shape="unknown_state")
    deployment_id = id_of(deployment.get("id"))
    repository = line_of(mapping_of(payload.get("repository")).get("full_name"), limit=200)
    if not deployment_id or not repository:
        raise Malformed("the deployment has no id, or no repository", reason="no_deployment")
    external_id = f"{kept_id(repository)}#{deployment_id}"
    change = _change(status, deployment, repository, external_id, _STATES[state], received_at)
    return ParsedDelivery(changes=(change,))


def _change(
    status: Mapping[str, Any],
    deployment: Mapping[str, Any],
    repository: str,
    external_id: str,
    state: ChangeStatus,
    received_at: datetime,
) -> ReportedChange:
    told = _told(deployment.get("payload"))
    # What the pipeline says of the service, else the repository's name, which the integration may map.
    service = line_of(told.get("service"), limit=MAX_SHORT_CHARS) or repository.rpartition("/")[2] or "unknown"
    version = _version(deployment, told)
    moment = time_of(status.get("updated_at")) or time_of(status.get("created_at")) or received_at
    is_rollback = deployment.get("task") in _ROLLBACK_TASKS
    return ReportedChange(
        source=Source.GITHUB.value,
        external_id=external_id,
        kind=ChangeKind.ROLLBACK if is_rollback else ChangeKind.DEPLOY,
        status=state,
        service_name=service,
        service_key=repository,
        version=version,
        title=line_of(deployment.get("description"), limit=300) or f"{service} {version or ''}".strip(),
        environment=line_of(deployment.get("environment"), limit=MAX_SHORT_CHARS) or None,
        author=line_of(mapping_of(deployment.get("creator")).get("login"), limit=MAX_SHORT_CHARS) or None,
        url=link_of(status.get("target_url")) or link_of(status.get("log_url")),
        at=moment,
        said_at=moment,
    )


def _told(payload: object) -> Mapping[str, Any]:
    """The deployment's own payload: an object, or the text of one, as whoever created it sent it."""
    if not isinstance(payload, str):
        return mapping_of(payload)
    try:
        return mapping_of(json.loads(payload))
    except (RecursionError, ValueError):
        return {}


def _version(deployment: Mapping[str, Any], told: Mapping[str, Any]) -> str | None:
    named = line_of(told.get("version"), limit=MAX_SHORT_CHARS)
    ref, sha = line_of(deployment.get("ref"), limit=MAX_SHORT_CHARS), line_of(deployment.get("sha"), limit=64)
    return named or (ref if ref and ref != sha else sha[:SHORT_SHA]) or None
