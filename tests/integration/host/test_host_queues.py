"""The queue listener, against the real Azurite."""

import asyncio
import logging
from pathlib import Path
from typing import List  # noqa: UP035 - the worker refuses list[str]

import azure.functions as func
import pytest

from dev.host.storage import QueueAccounts
from tests.integration.azurite import free_ports, running_azurite
from tests.integration.host.hosting import STORAGE, Queues, an_app, encoded, eventually, hosting

pytestmark = pytest.mark.integration


class Recorder:
    """A queue function that remembers its calls and fails as long as it is told to."""

    def __init__(self, queue: str, *, failures: int = 0) -> None:
        self.calls: list[tuple[str, int]] = []
        self.app = an_app()

        @self.app.queue_trigger(arg_name="msg", queue_name=queue, connection=STORAGE)
        async def recorder(msg: func.QueueMessage) -> None:
            self.calls.append((msg.get_body().decode(), msg.dequeue_count))
            if len(self.calls) <= failures:
                raise RuntimeError("as told")

    async def called(self) -> bool:
        return bool(self.calls)


async def test_a_message_whose_function_succeeds_is_deleted(queues: Queues, tmp_path: Path) -> None:
    queue = await queues.create()
    recorder = Recorder(queue)
    await queues.put(queue, "hello")
    async with hosting(recorder.app, tmp_path, connection=queues.connection):
        await eventually(lambda: is_empty(queues, queue))
    assert recorder.calls == [("hello", 1)]


async def test_a_failing_message_is_retried_and_then_copied_unchanged_to_the_poison_queue(
    queues: Queues, tmp_path: Path
) -> None:
    queue = await queues.create()
    recorder = Recorder(queue, failures=9)
    await queues.put(queue, "bad")
    async with hosting(recorder.app, tmp_path, connection=queues.connection, queues={"maxDequeueCount": 3}):
        await eventually(lambda: is_empty(queues, queue))
    assert recorder.calls == [("bad", 1), ("bad", 2), ("bad", 3)]
    assert await queues.visible(f"{queue}-poison") == [encoded("bad")]


async def test_visibility_timeout_hides_a_failed_message_until_its_retry(queues: Queues, tmp_path: Path) -> None:
    queue = await queues.create()
    recorder = Recorder(queue, failures=9)
    await queues.put(queue, "later")
    async with hosting(
        recorder.app, tmp_path, connection=queues.connection, queues={"visibilityTimeout": "00:10:00"}
    ):
        await eventually(recorder.called)
    hidden = await queues.client(queue).peek_messages()
    assert (hidden, await queues.count(queue), len(recorder.calls)) == ([], 1, 1)


async def test_a_running_message_is_held_by_the_lease_whatever_visibility_timeout_says(
    queues: Queues, tmp_path: Path
) -> None:
    queue = await queues.create()
    app, running, finish = an_app(), asyncio.Event(), asyncio.Event()

    @app.queue_trigger(arg_name="msg", queue_name=queue, connection=STORAGE)
    async def slow(msg: func.QueueMessage) -> None:
        running.set()
        await finish.wait()

    await queues.put(queue, "held")
    async with hosting(app, tmp_path, connection=queues.connection, queues={"visibilityTimeout": "00:00:00"}):
        await running.wait()
        assert await queues.visible(queue) == []
        finish.set()


async def test_a_lease_is_renewed_while_the_function_runs(queues: Queues, tmp_path: Path) -> None:
    queue = await queues.create()
    app, calls = an_app(), []

    @app.queue_trigger(arg_name="msg", queue_name=queue, connection=STORAGE)
    async def outlives_its_lease(msg: func.QueueMessage) -> None:
        calls.append(msg.id)
        await asyncio.sleep(3.5)

    await queues.put(queue, "long")
    async with hosting(app, tmp_path, connection=queues.connection, lease_seconds=2):
        await eventually(lambda: is_empty(queues, queue))
    assert len(calls) == 1


async def test_a_body_that_is_not_base64_is_poisoned_without_running_the_function(
    queues: Queues, tmp_path: Path
) -> None:
    queue = await queues.create()
    recorder = Recorder(queue)
    await queues.client(queue).send_message("{not base64}")
    async with hosting(recorder.app, tmp_path, connection=queues.connection):
        await eventually(lambda: is_empty(queues, queue))
    assert recorder.calls == []
    assert await queues.visible(f"{queue}-poison") == ["{not base64}"]


async def test_message_encoding_none_delivers_the_text_as_it_is(queues: Queues, tmp_path: Path) -> None:
    queue = await queues.create()
    recorder = Recorder(queue)
    await queues.client(queue).send_message('{"plain": "täxt"}')
    async with hosting(recorder.app, tmp_path, connection=queues.connection, queues={"messageEncoding": "none"}):
        await eventually(lambda: is_empty(queues, queue))
    assert recorder.calls == [('{"plain": "täxt"}', 1)]


async def test_a_message_received_too_often_is_poisoned_without_running_the_function(
    queues: Queues, tmp_path: Path
) -> None:
    queue = await queues.create()
    recorder = Recorder(queue)
    await queues.put(queue, "worn out")
    message = await queues.client(queue).receive_message(visibility_timeout=60)
    await queues.client(queue).update_message(message, visibility_timeout=0)
    async with hosting(recorder.app, tmp_path, connection=queues.connection, queues={"maxDequeueCount": 1}):
        await eventually(lambda: is_empty(queues, queue))
    assert recorder.calls == []
    assert await queues.count(f"{queue}-poison") == 1


async def test_a_worn_out_message_of_a_poison_queue_is_left_alone(queues: Queues, tmp_path: Path) -> None:
    queue = await queues.create("-poison")
    recorder = Recorder(queue)
    await queues.put(queue, "stuck")
    message = await queues.client(queue).receive_message(visibility_timeout=60)
    await queues.client(queue).update_message(message, visibility_timeout=0)
    async with hosting(recorder.app, tmp_path, connection=queues.connection, queues={"maxDequeueCount": 1}):
        await eventually(lambda: is_hidden(queues, queue))
    assert recorder.calls == []
    assert await queues.count(queue) == 1
    assert await queues.count(f"{queue}-poison") == 0


async def test_a_failure_in_a_poison_queue_stays_invisible_for_the_lease(queues: Queues, tmp_path: Path) -> None:
    queue = await queues.create("-poison")
    recorder = Recorder(queue, failures=9)
    await queues.put(queue, "stuck")
    async with hosting(recorder.app, tmp_path, connection=queues.connection):
        await eventually(recorder.called)
    assert (await queues.visible(queue), await queues.count(queue)) == ([], 1)


async def test_a_listener_waits_for_a_missing_queue_without_creating_it(
    queues: Queues, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = queues.new_name()
    recorder = Recorder(queue)
    async with hosting(recorder.app, tmp_path, connection=queues.connection):
        await eventually(lambda: logged(caplog, "does not exist yet"))
        await queues.client(queue).create_queue()  # raises when the host had created it
        await queues.put(queue, "at last")
        await eventually(recorder.called)
    assert recorder.calls == [("at last", 1)]


async def test_a_message_that_somebody_else_deleted_meanwhile_is_no_failure(
    queues: Queues, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = await queues.create()
    app, done = an_app(), asyncio.Event()

    @app.queue_trigger(arg_name="msg", queue_name=queue, connection=STORAGE)
    async def deletes_its_own(msg: func.QueueMessage) -> None:
        await queues.client(queue).clear_messages()
        done.set()

    await queues.put(queue, "gone")
    async with hosting(app, tmp_path, connection=queues.connection):
        await done.wait()
    assert [
        record for record in caplog.records if record.name == "dev.host" and record.levelno >= logging.WARNING
    ] == []


async def test_a_result_without_a_return_binding_fails_the_invocation(queues: Queues, tmp_path: Path) -> None:
    queue = await queues.create()
    app = an_app()

    @app.queue_trigger(arg_name="msg", queue_name=queue, connection=STORAGE)
    async def returns_something(msg: func.QueueMessage) -> str:
        return "nobody takes this"

    await queues.put(queue, "x")
    async with hosting(app, tmp_path, connection=queues.connection, queues={"maxDequeueCount": 1}):
        await eventually(lambda: is_empty(queues, queue))
    assert await queues.count(f"{queue}-poison") == 1


async def test_outputs_create_their_queue_and_reach_the_next_function_in_the_same_encoding(
    queues: Queues, tmp_path: Path
) -> None:
    first, second, side = await queues.create(), queues.new_name(), queues.new_name()
    recorder = Recorder(second)

    @recorder.app.queue_trigger(arg_name="msg", queue_name=first, connection=STORAGE)
    @recorder.app.queue_output(arg_name="$return", queue_name=second, connection=STORAGE)
    @recorder.app.queue_output(arg_name="side", queue_name=side, connection=STORAGE)
    def forwards(msg: str, side: func.Out[List[str]]) -> str:  # noqa: UP006 - the worker refuses list[str]
        side.set(["one", "two"])
        return msg + "!"

    await queues.put(first, "on")
    async with hosting(recorder.app, tmp_path, connection=queues.connection):
        await eventually(recorder.called)
    assert recorder.calls == [("on!", 1)]
    assert sorted(await queues.visible(side)) == sorted([encoded("one"), encoded("two")])


async def test_adding_to_a_queue_wakes_its_listener(queues: Queues) -> None:
    accounts, queue = QueueAccounts({STORAGE: queues.connection}), queues.new_name()
    wake = accounts.wake(STORAGE, queue)
    await accounts.add(STORAGE, queue, "x")
    await accounts.close()
    assert wake.is_set()


async def test_in_flight_messages_never_exceed_batch_size_plus_threshold(queues: Queues, tmp_path: Path) -> None:
    queue = await queues.create()
    app, running, most, turnstile = an_app(), set(), [], asyncio.Semaphore(0)

    @app.queue_trigger(arg_name="msg", queue_name=queue, connection=STORAGE)
    async def counted(msg: func.QueueMessage) -> None:
        running.add(msg.id)
        most.append(len(running))
        await turnstile.acquire()
        running.remove(msg.id)

    for number in range(6):
        await queues.put(queue, str(number))
    limits = {"batchSize": 2, "newBatchThreshold": 1}
    async with hosting(app, tmp_path, connection=queues.connection, queues=limits):
        await eventually(lambda: as_many(running, 2))
        turnstile.release()
        await eventually(lambda: as_many(running, 3))
        for _ in range(5):
            turnstile.release()
        await eventually(lambda: is_empty(queues, queue))
    assert max(most) == 3


async def test_a_function_that_runs_too_long_is_cancelled_and_its_message_retried(
    queues: Queues, tmp_path: Path
) -> None:
    queue = await queues.create()
    app, attempts = an_app(), []

    @app.queue_trigger(arg_name="msg", queue_name=queue, connection=STORAGE)
    async def hangs_once(msg: func.QueueMessage) -> None:
        attempts.append(msg.dequeue_count)
        if len(attempts) == 1:
            await asyncio.Event().wait()

    await queues.put(queue, "x")
    settings = {"AzureFunctionsJobHost__functionTimeout": "00:00:00.3"}
    async with hosting(app, tmp_path, connection=queues.connection, **settings):
        await eventually(lambda: is_empty(queues, queue))
    assert attempts == [1, 2]


async def test_http_serves_while_storage_is_down_and_listeners_recover_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ports = free_ports()
    recorder = Recorder("late")
    async with hosting(recorder.app, tmp_path, connection=ports.connection_string) as http:
        await eventually(lambda: logged(caplog, "cannot be reached"))
        assert (await http.get("/admin/host/ping")).status_code == 200
        with running_azurite(tmp_path, ports) as connection:
            queues = Queues(connection)
            await queues.client("late").create_queue()
            await queues.put("late", "x")
            await eventually(recorder.called)
            await eventually(lambda: is_empty(queues, "late"))
            await queues.close()
    assert sum("cannot be reached" in record.message for record in caplog.records) == 1


async def is_empty(queues: Queues, queue: str) -> bool:
    return await queues.count(queue) == 0


async def is_hidden(queues: Queues, queue: str) -> bool:
    return await queues.visible(queue) == []


async def logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return any(text in record.message for record in caplog.records)


async def as_many(running: set[str], count: int) -> bool:
    return len(running) == count
