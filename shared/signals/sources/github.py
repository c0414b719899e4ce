"""GitHub's `deployment_status` webhook: a deployment has no state of its own, its statuses have (REST docs)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import Malformed
from shared.models.changes import ChangeKind, ChangeStatus, ReportedChange
from shared.models.signals import ParsedDelivery, Source
from shared.signals.sources.json_body import read_object, text_of, time_of

_STATES: Mapping[str, ChangeStatus] = {
    "success": ChangeStatus.SUCCEEDED,
    "in_progress": ChangeStatus.IN_PROGRESS,
    "failure": ChangeStatus.FAILED,
    "error": ChangeStatus.FAILED,
}
_WAITING = frozenset({"queued", "pending", "inactive"})
SHORT_SHA = 12


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
    deployment_id = text_of(deployment.get("id"), limit=64)
    repository = text_of(_mapping(payload.get("repository")).get("full_name"), limit=200)
    if not deployment_id or not repository:
        raise Malformed("the deployment has no id, or no repository", reason="no_deployment")
    return ParsedDelivery(changes=(_change(status, deployment, repository, received_at),))


def _change(
    status: Mapping[str, Any], deployment: Mapping[str, Any], repository: str, received_at: datetime
) -> ReportedChange:
    service = _service(deployment, repository)
    version = _version(deployment)
    environment = text_of(deployment.get("environment"), limit=120) or None
    moment = time_of(status.get("updated_at")) or time_of(status.get("created_at")) or received_at
    return ReportedChange(
        source=Source.GITHUB.value,
        external_id=f"{repository}#{text_of(deployment.get('id'), limit=64)}",
        kind=ChangeKind.DEPLOY,
        status=_STATES[str(status.get("state"))],
        service_name=service,
        service_key=repository,
        version=version,
        title=text_of(deployment.get("description"), limit=300) or f"{service} {version or ''}".strip(),
        environment=environment,
        author=text_of(_mapping(deployment.get("creator")).get("login"), limit=120) or None,
        url=text_of(status.get("target_url") or status.get("log_url"), limit=2048) or None,
        at=moment,
        said_at=moment,
    )


def _service(deployment: Mapping[str, Any], repository: str) -> str:
    """What the deployment's payload names as its service, else the repository's name."""
    named = text_of(_mapping(deployment.get("payload")).get("service"), limit=120).strip()
    return named or repository.rpartition("/")[2] or "unknown"


def _version(deployment: Mapping[str, Any]) -> str | None:
    named = text_of(_mapping(deployment.get("payload")).get("version"), limit=120)
    ref, sha = text_of(deployment.get("ref"), limit=120), text_of(deployment.get("sha"), limit=64)
    return named or (ref if ref and ref != sha else sha[:SHORT_SHA]) or None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
