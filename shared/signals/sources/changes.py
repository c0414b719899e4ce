"""Changes in our own schema: `{"changes": [{…}]}`, or one change alone, as a deploy pipeline posts it."""

from collections.abc import Mapping
from datetime import datetime

from shared.errors import Malformed
from shared.models.changes import ChangeKind, ChangeStatus, ReportedChange
from shared.models.signals import ParsedDelivery, Rejected, Source
from shared.signals.sources.json_body import read_object, text_of, time_of

MAX_CHANGES = 500


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The changes of a body; those that cannot be understood are listed beside them."""
    payload = read_object(body)
    listed = payload.get("changes", [payload] if "service" in payload else None)
    if not isinstance(listed, list):
        raise Malformed("the body has neither a list of changes nor a service", reason="no_changes")
    if len(listed) > MAX_CHANGES:
        raise Malformed(f"the body lists more than {MAX_CHANGES} changes", reason="too_many_changes")
    read = [_change(item, position, received_at) for position, item in enumerate(listed)]
    return ParsedDelivery(
        changes=tuple(one for one in read if isinstance(one, ReportedChange)),
        rejected=tuple(one for one in read if isinstance(one, Rejected)),
    )


def _change(item: object, position: int, received_at: datetime) -> ReportedChange | Rejected:
    if not isinstance(item, Mapping):
        return Rejected(position=position, reason="not_an_object", detail="the change is not a JSON object")
    service = text_of(item.get("service"), limit=120).strip()
    if not service:
        return Rejected(position=position, reason="no_service", detail="the change names no service")
    kind, status = item.get("kind", ChangeKind.DEPLOY.value), item.get("status", ChangeStatus.SUCCEEDED.value)
    if kind not in list(ChangeKind) or status not in list(ChangeStatus):
        return Rejected(position=position, reason="bad_kind_or_status", detail="the kind or status is none of ours")
    at = time_of(item.get("at")) or received_at
    version = text_of(item.get("version"), limit=120) or None
    # Without an id of the sender's, the same service going to the same version at one time is one change.
    external_id = text_of(item.get("id"), limit=128) or f"{service}|{version}|{at.isoformat()}"
    return ReportedChange(
        source=Source.CHANGES.value,
        external_id=external_id,
        kind=ChangeKind(kind),
        status=ChangeStatus(status),
        service_name=service,
        service_key=service,
        version=version,
        title=text_of(item.get("title"), limit=300) or f"{service} {version or 'changed'}",
        environment=text_of(item.get("environment"), limit=120) or None,
        author=text_of(item.get("author"), limit=120) or None,
        url=text_of(item.get("url"), limit=2048) or None,
        at=at,
        said_at=time_of(item.get("said_at")) or received_at,
    )
