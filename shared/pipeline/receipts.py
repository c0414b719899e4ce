"""What a delivery's receipt says: counted while it is ingested, written once at the end."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from shared.incidents.effects import Effect
from shared.messages import Ingest
from shared.models.incidents import Coverage
from shared.models.receipts import DeadLetter, Outcome, ReceiptPart
from shared.models.signals import ParsedDelivery
from shared.pipeline.dead_letters import letter_for_rejected, letter_for_unknown_shape
from shared.pipeline.finding import Known
from shared.pipeline.measuring import count_alerts, count_letter
from shared.ports.services import Services


class Tally:
    """Counts what became of each alert. A run that repeats an earlier one of the same delivery counts the same."""

    def __init__(self, message: Ingest, *, copies: int) -> None:
        self._receipt_id = message.receipt_id
        self.outcomes: Counter[Outcome] = Counter({Outcome.DUPLICATE: copies})
        self.changes = 0

    def count(self, effect: Effect, one: Known, *, coverage: Coverage = Coverage.COVERED) -> None:
        """Count one alert."""
        outcome = self._outcome(effect, one)
        is_kept_only = outcome is Outcome.CREATED and coverage.suppressed is not None
        self.outcomes[Outcome.SUPPRESSED if is_kept_only else outcome] += 1

    def is_rerun(self, one: Known) -> bool:
        """Whether this delivery recorded the alert in an earlier run, which may have stopped right after."""
        return self._created(one) or (one.signal is not None and one.signal.receipt_id == self._receipt_id)

    def _outcome(self, effect: Effect, one: Known) -> Outcome:
        match effect:
            case Effect.RESOLVES | Effect.REFIRES:
                return Outcome.UPDATED
            case Effect.JOINS:
                return Outcome.CREATED if self._created(one) else Outcome.DUPLICATE
            case Effect.NOTHING_NEW | Effect.REPEATS if self._created(one):
                return Outcome.CREATED
            case Effect.NOTHING_NEW if self.is_rerun(one):
                return Outcome.UPDATED
            case _:
                return Outcome.DUPLICATE

    def _created(self, one: Known) -> bool:
        return one.claim.value.receipt_id == self._receipt_id


async def keep_receipt(
    message: Ingest,
    parsed: ParsedDelivery,
    pointer: str,
    tally: Tally,
    incident_ids: Iterable[str],
    services: Services,
    *,
    now: datetime,
) -> None:
    """Write the receipt's part; it is the last thing a delivery does."""
    letter = _letter(message, parsed, pointer, now=now)
    if letter:
        await services.dead_letters.add(message.tenant_id, letter)
        tally.outcomes[Outcome.DEAD_LETTERED] += letter.alerts
        count_letter(letter)
    part = ReceiptPart(
        id=ReceiptPart.id_for(message.receipt_id, message.redrives),
        tenant_id=message.tenant_id,
        receipt_id=message.receipt_id,
        integration_id=message.integration_id,
        received_at=message.received_at,
        run=message.redrives,
        accepted=len(parsed.alerts) + (letter.alerts if letter else 0),
        delayed_seconds=message.delayed_seconds,
        outcomes={outcome: count for outcome, count in tally.outcomes.items() if count},
        changes=tally.changes,
        ignored=parsed.ignored,
        incident_ids=tuple(sorted(incident_ids)),
        recorded_at=now,
    )
    await services.receipts.add_part(message.tenant_id, part)
    count_alerts(part)


def _letter(message: Ingest, parsed: ParsedDelivery, pointer: str, *, now: datetime) -> DeadLetter | None:
    """What of the delivery could not be understood, while the rest of it was."""
    if parsed.rejected:
        return letter_for_rejected(message, parsed.rejected, pointer, now=now)
    if parsed.unknown_shape:
        return letter_for_unknown_shape(message, parsed.unknown_shape, pointer, now=now)
    return None
