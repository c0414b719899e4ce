"""A dry run of ingestion: which signals a payload would become."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dev.sentences import CannotRun
from shared.errors import Malformed
from shared.incidents.correlate import new_incident_id
from shared.incidents.recording import Work, new_signal
from shared.models.base import ReceiptId, TenantId
from shared.models.correlation import Joined, Membership
from shared.models.signals import Arrival, Signal, Source
from shared.pipeline.accept import MAX_BODY_BYTES
from shared.signals.redacted import redacted
from shared.signals.sources import parse

DRY_TENANT = TenantId("dry-run")


def signals_of(path: Path, source: str) -> dict[str, Any]:
    """The signals, and what would be refused; raises CannotRun with one sentence when all of it would be."""
    try:
        known = Source(source)
    except ValueError as exc:
        raise CannotRun(f"{source} is not a source; the sources are: {', '.join(Source)}") from exc
    try:
        body = path.read_bytes()
    except OSError as exc:
        raise CannotRun(f"{path} cannot be read: {exc.strerror}") from exc
    if len(body) > MAX_BODY_BYTES:
        raise CannotRun(f"the webhook would answer 413: the body has more than {MAX_BODY_BYTES} bytes")
    now = datetime.now(UTC)
    try:
        parsed = redacted(parse(known, body, received_at=now), salt=DRY_TENANT)
    except Malformed as exc:
        raise CannotRun(f"the delivery would become a dead letter ({exc.reason}): {exc}") from exc
    arrivals = [
        Arrival(alert=alert, received_at=now, receipt_id=ReceiptId("dry-run"), raw_pointer=None)
        for alert in parsed.alerts
    ]
    return {
        "signals": [_signal(one, now=now).to_stored() for one in arrivals],
        "changes": [one.model_dump(mode="json") for one in parsed.changes],
        "updates": [one.model_dump(mode="json") for one in parsed.updates],
        "ignored": parsed.ignored,
        "kept_as_dead_letter": parsed.unknown_shape,
        "dead_letters": [one.model_dump() for one in parsed.rejected],
        "truncated_alerts": parsed.truncated_alerts,
    }


def _signal(arrival: Arrival, *, now: datetime) -> Signal:
    incident_id = new_incident_id(DRY_TENANT, arrival.alert)
    first = Membership(reason=Joined.FIRST_OF_INCIDENT, at=now)
    return new_signal(DRY_TENANT, incident_id, Work(arrival, arrival.alert.signal_id), first, now=now)


def as_json(found: dict[str, Any]) -> str:
    """For people and for jq."""
    return json.dumps(found, indent=2, ensure_ascii=False)
