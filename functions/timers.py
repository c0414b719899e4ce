"""The timer functions: what is to be done without anybody asking."""

from datetime import UTC, datetime

import azure.functions as func

blueprint = func.Blueprint()


@blueprint.function_name("due_work")
@blueprint.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False, use_monitor=True)
async def due_work(timer: func.TimerRequest) -> None:  # noqa: ARG001 -- the trigger must bind its request
    """Every minute: tell how the queues stand, and send a check for all work that is due."""
    from shared.bootstrap import process
    from shared.pipeline.due import send_due
    from shared.pipeline.queue_ages import measure_queues

    running = await process()
    now = datetime.now(UTC)
    await measure_queues(running.services, now=now)
    await send_due(running.services, now=now)
