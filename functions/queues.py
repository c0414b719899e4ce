"""The queue functions: one a stage, and one for each stage's poison queue."""

from datetime import UTC, datetime

import azure.functions as func

blueprint = func.Blueprint()

STORAGE = "AzureWebJobsStorage"


@blueprint.function_name("signals")
@blueprint.queue_trigger(arg_name="msg", queue_name="signals", connection=STORAGE)
async def signals(msg: func.QueueMessage) -> None:
    """Parse a delivery, drop repeats, record signals in incidents."""
    await _attend("signals", msg)


@blueprint.function_name("context")
@blueprint.queue_trigger(arg_name="msg", queue_name="context", connection=STORAGE)
async def context(msg: func.QueueMessage) -> None:
    """Collect the context of an incident under one deadline, freeze it, rank."""
    await _attend("context", msg)


@blueprint.function_name("hypotheses")
@blueprint.queue_trigger(arg_name="msg", queue_name="hypotheses", connection=STORAGE)
async def hypotheses(msg: func.QueueMessage) -> None:
    """Let the model refine the ranked hypotheses, and verify what it says."""
    await _attend("hypotheses", msg)


@blueprint.function_name("checks")
@blueprint.queue_trigger(arg_name="msg", queue_name="checks", connection=STORAGE)
async def checks(msg: func.QueueMessage) -> None:
    """Look whether an incident has gone silent, or at what fires at a source."""
    await _attend("checks", msg)


@blueprint.function_name("signals_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="signals-poison", connection=STORAGE)
async def signals_poison(msg: func.QueueMessage) -> None:
    """Keep what the host gave up on `signals` as a dead letter."""
    await _poison("signals", msg)


@blueprint.function_name("context_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="context-poison", connection=STORAGE)
async def context_poison(msg: func.QueueMessage) -> None:
    """Keep what the host gave up on `context` as a dead letter."""
    await _poison("context", msg)


@blueprint.function_name("hypotheses_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="hypotheses-poison", connection=STORAGE)
async def hypotheses_poison(msg: func.QueueMessage) -> None:
    """Keep what the host gave up on `hypotheses` as a dead letter."""
    await _poison("hypotheses", msg)


@blueprint.function_name("checks_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="checks-poison", connection=STORAGE)
async def checks_poison(msg: func.QueueMessage) -> None:
    """Keep what the host gave up on `checks` as a dead letter."""
    await _poison("checks", msg)


async def _attend(queue: str, msg: func.QueueMessage) -> None:
    from shared.bootstrap import process
    from shared.messages import QueueName
    from shared.pipeline.table import attend_queue

    running = await process()
    await attend_queue(
        QueueName(queue),
        msg.get_body(),
        running.services,
        dequeue_count=msg.dequeue_count or 1,
        now=datetime.now(UTC),
    )


async def _poison(queue: str, msg: func.QueueMessage) -> None:
    from shared.bootstrap import process
    from shared.messages import QueueName
    from shared.pipeline.stages import attend_poison

    running = await process()
    await attend_poison(QueueName(queue), msg.get_body(), running.services, now=datetime.now(UTC))
