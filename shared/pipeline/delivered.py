"""What was delivered: its body read and parsed, its alerts in our terms, its changes kept."""

from collections.abc import Sequence
from datetime import datetime

from shared.errors import Conflict, Malformed, StoreUnavailable
from shared.messages import Ingest
from shared.models.base import IntegrationId, TenantId
from shared.models.changes import Change, ReportedChange
from shared.models.signals import Alert, Arrival, Origin, ParsedDelivery
from shared.pipeline.receipts import Tally
from shared.ports.services import Services
from shared.signals.claims import without_copies
from shared.signals.redacted import redacted, redacted_counts
from shared.signals.sources import parse
from shared.signals.undated import RETRIED_WITHIN, as_first_reported
from shared.telemetry import logger

log = logger(__name__)


async def note_delivery(message: Ingest, services: Services) -> None:
    """Note that the integration's sender delivers; that it cannot be noted now is no reason to hold a page back."""
    if message.origin is not Origin.WEBHOOK:
        return
    integration_id = IntegrationId(message.integration_id)
    try:
        await services.directory.note_delivery(message.tenant_id, integration_id, at=message.received_at)
    except (StoreUnavailable, Conflict) as exc:
        log.warning("delivery_not_noted", extra={"integration_id": integration_id, "reason": exc.reason})


async def read_delivery(message: Ingest, services: Services) -> tuple[ParsedDelivery, str]:
    """The parsed body without secrets, and where it lies; raises Malformed when it cannot be understood at all."""
    body, pointer = await _body(message, services)
    parsed = parse(message.source, body, received_at=message.received_at)
    ours = await _in_our_terms(message.tenant_id, message.integration_id, parsed, services)
    safe = redacted(ours, salt=message.tenant_id)
    if counted := redacted_counts(safe):
        kinds = " ".join(f"{kind}:{count}" for kind, count in sorted(counted.items()))
        log.info("redacted", extra={"receipt_id": message.receipt_id, "count": sum(counted.values()), "kinds": kinds})
    return safe, pointer


def arrivals_of(message: Ingest, parsed: ParsedDelivery, pointer: str) -> tuple[list[Arrival], int]:
    """Its alerts as they came, one for each episode, and how many copies were left out."""
    return without_copies(
        [
            Arrival(
                alert=alert,
                received_at=message.received_at,
                receipt_id=message.receipt_id,
                raw_pointer=pointer,
                origin=message.origin,
                integration_id=message.integration_id,
            )
            for alert in parsed.alerts
        ]
    )


async def keep_changes(
    message: Ingest, parsed: ParsedDelivery, tally: Tally, services: Services, *, now: datetime
) -> None:
    """Keep the changes it reports; a later report of the same change replaces the earlier one."""
    recent = await _recent(message, parsed.changes, services)
    for told in parsed.changes:
        reported = as_first_reported(told, recent)
        change = Change(
            id=reported.change_id,
            tenant_id=message.tenant_id,
            service_name=reported.service_name,
            at=reported.at,
            reported=reported,
            receipt_id=message.receipt_id,
            created_at=now,
        )
        await services.changes.record(message.tenant_id, change)
        tally.changes += 1


async def _recent(
    message: Ingest, reported: Sequence[ReportedChange], services: Services
) -> Sequence[ReportedChange]:
    """What undated changes may be reports of; asked for only where there are any."""
    if all(one.is_dated for one in reported):
        return ()
    since, until = message.received_at - RETRIED_WITHIN, message.received_at + RETRIED_WITHIN
    return [one.reported for one in await services.changes.between(message.tenant_id, since, until)]


async def _body(message: Ingest, services: Services) -> tuple[bytes, str]:
    inline = message.inline_body()
    if inline is not None:
        return inline, await services.raw.put(message.tenant_id, message.receipt_id, inline)
    if message.pointer is None:
        raise Malformed("the message has neither a body nor a pointer", reason="no_body")
    return await services.raw.get(message.tenant_id, message.pointer), message.pointer


async def _in_our_terms(
    tenant_id: TenantId, integration_id: str, parsed: ParsedDelivery, services: Services
) -> ParsedDelivery:
    """The delivery with the sender's services replaced by ours, as the integration maps them."""
    # Only senders with service ids of their own can be mapped; the others are spared the read.
    keys = [*(alert.service_key for alert in parsed.alerts), *(change.service_key for change in parsed.changes)]
    if not any(keys):
        return parsed
    integration = await services.directory.integration(tenant_id, IntegrationId(integration_id))
    if integration is None or not integration.service_map:
        return parsed
    mapped = integration.service_map

    def ours(one: Alert | ReportedChange) -> str:
        return mapped.get(one.service_key or "") or mapped.get(one.service_name) or one.service_name

    return parsed.model_copy(
        update={
            "alerts": tuple(
                one.model_copy(update={"service_name": ours(one), "service_from": "integration"})
                if ours(one) != one.service_name
                else one
                for one in parsed.alerts
            ),
            "changes": tuple(one.model_copy(update={"service_name": ours(one)}) for one in parsed.changes),
        }
    )
