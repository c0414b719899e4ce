"""Changes in our own schema: `{"changes": [{…}]}`, or one change alone, as a deploy pipeline posts it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import Malformed
from shared.models.changes import ChangeKind, ChangeStatus, ReportedChange
from shared.models.signals import ParsedDelivery, Source
from shared.signals.sources.json_body import id_of, line_of, link_of, read_object, time_of
from shared.signals.sources.listing import MAX_CHANGES, listed_in, read_each

MAX_SHORT_CHARS = 120
MAX_TITLE_CHARS = 300


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The changes of a body; those that cannot be understood are listed beside them."""
    payload = read_object(body)
    listed = listed_in(
        payload.get("changes", [payload] if "service" in payload else None), of="changes", at_most=MAX_CHANGES
    )
    changes, rejected = read_each(listed, lambda item: _change(item, received_at))
    return ParsedDelivery(changes=changes, rejected=rejected)


def _change(item: Mapping[str, Any], received_at: datetime) -> ReportedChange:
    service = line_of(item.get("service"), limit=MAX_SHORT_CHARS)
    if not service:
        raise Malformed("the change names no service", reason="no_service")
    kind, status = item.get("kind") or ChangeKind.DEPLOY, item.get("status") or ChangeStatus.SUCCEEDED
    if kind not in list(ChangeKind) or status not in list(ChangeStatus):
        raise Malformed("the kind or status is none of ours", reason="bad_kind_or_status")
    told_at = time_of(item.get("at"))
    at = told_at or received_at
    version = line_of(item.get("version"), limit=MAX_SHORT_CHARS) or None
    return ReportedChange(
        source=Source.CHANGES.value,
        # Without an id of the sender's, the same service going to the same version at one time is one change.
        external_id=id_of(item.get("id")) or id_of(f"{service}|{kind}|{version}|{at.isoformat()}"),
        kind=ChangeKind(kind),
        status=ChangeStatus(status),
        service_name=service,
        service_key=service,
        version=version,
        title=line_of(item.get("title"), limit=MAX_TITLE_CHARS) or f"{service} {version or 'changed'}",
        environment=line_of(item.get("environment"), limit=MAX_SHORT_CHARS) or None,
        author=line_of(item.get("author"), limit=MAX_SHORT_CHARS) or None,
        url=link_of(item.get("url")),
        at=at,
        is_dated=bool(told_at or id_of(item.get("id"))),
        said_at=time_of(item.get("said_at")) or received_at,
    )
