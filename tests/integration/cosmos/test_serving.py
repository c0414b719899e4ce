"""The socket and the process around the stand-in."""

import asyncio
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

from dev.cosmos.server import EMULATOR_KEY, listen
from tests.contract.cosmos_standin.running import a_container, an_item, ids
from tests.contract.cosmos_standin.test_process import process

pytestmark = pytest.mark.integration


async def test_answers_do_not_wait_for_nagles_algorithm() -> None:
    accepted = asyncio.get_running_loop().create_future()

    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(
            writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
        )
        writer.close()

    listener = listen(0)
    async with await asyncio.start_server(connected, sock=listener):
        _, client = await asyncio.open_connection(*listener.getsockname())
        client.close()
        await client.wait_closed()
    assert await accepted


def a_pair(number: int) -> list[Any]:
    return [("create", (an_item(f"state-{number}"),)), ("create", (an_item(f"event-{number}"),))]


def test_kill_9_leaves_no_half_of_a_batch(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    busy = threading.Event()
    with process(tmp_path) as (running, address), CosmosClient(address, EMULATOR_KEY) as client:
        container = a_container(client.create_database("db"))

        def write() -> None:
            try:
                for number in range(100_000):
                    container.execute_item_batch(a_pair(number), "a")
                    acknowledged.append(number)
                    if number == 20:
                        busy.set()
            except AzureError:
                return

        writing = threading.Thread(target=write)
        writing.start()
        assert busy.wait(20)
        running.send_signal(signal.SIGKILL)
        running.wait()
        writing.join()
    with process(tmp_path) as (_, address), CosmosClient(address, EMULATOR_KEY) as client:
        kept = ids(client.get_database_client("db").get_container_client(container.id).read_all_items())
    states = {name.removeprefix("state-") for name in kept if name.startswith("state-")}
    events = {name.removeprefix("event-") for name in kept if name.startswith("event-")}
    assert states == events
    assert states >= {str(number) for number in acknowledged}


async def test_a_request_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    with process(tmp_path) as (_, address):
        async with AsyncCosmosClient(address, EMULATOR_KEY) as client, httpx.AsyncClient(trust_env=False) as http:
            database = await client.create_database("db")
            container = await database.create_container("c", PartitionKey("/tenant"))
            await container.create_item(an_item())
            await http.post(f"{address}_faults", json={"status": "hang", "operation": "read"})
            stuck = asyncio.ensure_future(container.read_item("1", "a"))
            while (await http.get(f"{address}_faults")).json():
                pass
            assert (await container.read_item("1", "a"))["id"] == "1"
            assert not stuck.done()
            stuck.cancel()
            await asyncio.gather(stuck, return_exceptions=True)


def test_a_process_with_a_hanging_request_still_stops_with_exit_code_0(tmp_path: Path) -> None:
    with process(tmp_path) as (running, address), CosmosClient(address, EMULATOR_KEY, retry_total=0) as client:
        container = a_container(client.create_database("db"))
        container.create_item(an_item())

        def read() -> None:
            with pytest.raises(AzureError):
                container.read_item("1", "a")

        with httpx.Client(trust_env=False, base_url=address) as http:
            http.post("/_faults", json={"status": "hang", "operation": "read"})
            stuck = threading.Thread(target=read)
            stuck.start()
            while http.get("/_faults").json():
                continue
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
        stuck.join()
