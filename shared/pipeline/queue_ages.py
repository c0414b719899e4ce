"""How long the queues are and how long their oldest message waits: the platform counts an account, once a day."""

import asyncio
from datetime import datetime

from shared.errors import QueueUnavailable
from shared.messages import QueueName
from shared.ports.services import Services
from shared.telemetry import Gauge, logger

log = logger(__name__)

_LENGTH, _AGE = Gauge("queue_length"), Gauge("queue_oldest_age_seconds")
MEASURED = tuple(name for queue in QueueName for name in (queue.value, queue.poison))


async def measure_queues(services: Services, *, now: datetime) -> None:
    """Tell length and age of every queue, an empty one's age as 0; what cannot be asked is told as that, not as 0."""
    await asyncio.gather(*(_measure(queue, services, now=now) for queue in MEASURED))


async def _measure(queue: str, services: Services, *, now: datetime) -> None:
    try:
        line = await services.queues.line(queue)
    except QueueUnavailable as exc:
        log.warning("queue_age_unknown", extra={"queue": queue, "reason": exc.reason})
        return
    age = max((now - line.oldest_at).total_seconds(), 0.0) if line.oldest_at else 0.0
    _LENGTH.set(line.length, queue=queue)
    _AGE.set(age, queue=queue)
    log.info("queue_age", extra={"queue": queue, "length": line.length, "oldest_age_seconds": round(age, 1)})
