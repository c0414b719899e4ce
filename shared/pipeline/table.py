"""Which queue is attended by what."""

from datetime import datetime

from shared.messages import BuildContext, Check, Hypothesise, Ingest, QueueName
from shared.pipeline.context import build_context
from shared.pipeline.due import check
from shared.pipeline.hypothesise import hypothesise
from shared.pipeline.ingest import ingest
from shared.pipeline.stages import Ending, Stage, attend
from shared.ports.services import Services

SIGNALS = Stage(QueueName.SIGNALS, Ingest, ingest)
CONTEXT = Stage(QueueName.CONTEXT, BuildContext, build_context)
HYPOTHESES = Stage(QueueName.HYPOTHESES, Hypothesise, hypothesise)
CHECKS = Stage(QueueName.CHECKS, Check, check)


async def attend_queue(
    queue: QueueName, body: bytes, services: Services, *, dequeue_count: int, now: datetime
) -> Ending:
    """Handle one message of a queue to its end."""
    match queue:
        case QueueName.SIGNALS:
            return await attend(SIGNALS, body, services, dequeue_count=dequeue_count, now=now)
        case QueueName.CONTEXT:
            return await attend(CONTEXT, body, services, dequeue_count=dequeue_count, now=now)
        case QueueName.HYPOTHESES:
            return await attend(HYPOTHESES, body, services, dequeue_count=dequeue_count, now=now)
        case QueueName.CHECKS:
            return await attend(CHECKS, body, services, dequeue_count=dequeue_count, now=now)
