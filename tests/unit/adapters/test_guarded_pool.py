"""A full pool is our own trouble, and says nothing of the system that was to be asked."""

import asyncio

import pytest

from shared.errors import SourceUnavailable
from tests.unit.adapters.scripted import Servers, responding


async def test_who_finds_no_free_connection_is_told_so_and_not_that_the_source_is_silent() -> None:
    client = Servers(lambda asked: None if asked.path == "/silent" else responding()).client(max_connections=1)
    silent = asyncio.create_task(client.request("GET", "http://127.0.0.1:9090/silent"))
    await asyncio.sleep(0)
    with pytest.raises(SourceUnavailable) as waited:
        await client.request("GET", "http://127.0.0.1:9090/", timeout_seconds=0.01)
    assert waited.value.reason == "busy"
    silent.cancel()
    await asyncio.gather(silent, return_exceptions=True)
    answer = await client.request("GET", "http://127.0.0.1:9090/")
    assert answer.status == 200
