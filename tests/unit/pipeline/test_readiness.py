"""A process is ready when what it needs answers; it is asked seldom, and what it says of errors is a reason."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from shared.adapters.memory import MemoryBodies, MemoryLookups, services_in_memory
from shared.adapters.model_reach import ModelReach
from shared.errors import BlobUnavailable, ModelUnavailable, StoreUnavailable
from shared.pipeline.readiness import KEPT_SECONDS, Dependency, Readiness, dependencies_of, told
from tests.builders import NOON

REQUIRED = ["database", "queues", "blobs", "keys"]


class DownLookups(MemoryLookups):
    """The store is away."""

    async def inbound(self, integration_id: str) -> Any:
        raise StoreUnavailable("what it said: secret-of-the-store", reason="store_timeout")


class DownBodies(MemoryBodies):
    """The blobs are away."""

    async def get(self, tenant_id: Any, pointer: str) -> bytes:
        raise BlobUnavailable("down")


@dataclass
class Watch:
    """A clock that goes on when it is told to."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def readiness(*dependencies: Dependency, watch: Watch | None = None, **changes: Any) -> Readiness:
    return Readiness(dependencies, clock=watch or Watch(), now=lambda: NOON, **changes)


async def test_with_everything_there_a_process_is_ready() -> None:
    report = await readiness(*dependencies_of(services_in_memory(), None)).report()
    assert report.is_ready
    assert [one.name for one in report.standings] == REQUIRED
    assert {one.last_error for one in report.standings} == {None}


@pytest.mark.parametrize(
    ("ports", "name", "reason"),
    [
        ({"lookups": DownLookups()}, "database", "store_timeout"),
        ({"raw": DownBodies()}, "blobs", "blob_unavailable"),
    ],
)
async def test_without_one_it_is_not_and_says_which_and_why_in_a_word(
    ports: dict[str, Any], name: str, reason: str
) -> None:
    report = await readiness(*dependencies_of(replace(services_in_memory(), **ports), None)).report()
    assert not report.is_ready
    assert {one.name: one.last_error for one in report.standings if not one.is_up} == {name: reason}
    assert "secret-of-the-store" not in str(told(report))


async def test_it_works_when_the_model_does_not() -> None:
    async def away() -> None:
        raise ModelUnavailable("down", reason="model_unreachable")

    report = await readiness(*dependencies_of(services_in_memory(), away)).report()
    assert report.is_ready
    assert [(one.name, one.is_up) for one in report.standings][-1] == ("model", False)


async def test_one_that_does_not_answer_is_given_up_at_the_deadline() -> None:
    report = await readiness(Dependency("database", asyncio.Event().wait), deadline_seconds=0.0).report()
    assert [(one.is_up, one.last_error) for one in report.standings] == [(False, "timeout")]


async def test_however_many_ask_the_dependencies_are_asked_once_in_a_while() -> None:
    asked, watch = [], Watch()

    async def ask() -> None:
        asked.append(watch.seconds)

    ready = readiness(Dependency("database", ask), watch=watch)
    await asyncio.gather(*(ready.report() for _ in range(50)))
    watch.seconds = KEPT_SECONDS - 0.1
    await ready.report()
    assert asked == [0.0]
    watch.seconds = KEPT_SECONDS
    await ready.report()
    assert asked == [0.0, KEPT_SECONDS]


async def test_the_last_error_stays_known_after_it_is_over() -> None:
    watch, down = Watch(), [True]

    async def ask() -> None:
        if down.pop() if down else False:
            raise StoreUnavailable("down")

    ready = readiness(Dependency("database", ask), watch=watch)
    await ready.report()
    watch.seconds = KEPT_SECONDS
    (now,) = (await ready.report()).standings
    assert (now.is_up, now.last_error, now.last_error_at) == (True, "store_unavailable", NOON)


@pytest.mark.parametrize("status", [200, 401, 404, 500])
async def test_an_endpoint_that_answers_anything_can_be_reached(status: int) -> None:
    await ModelReach("https://o.example", httpx.MockTransport(lambda _: httpx.Response(status))).reach()


async def test_one_that_does_not_cannot() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    with pytest.raises(ModelUnavailable) as failed:
        await ModelReach("https://o.example", httpx.MockTransport(refuse)).reach()
    assert failed.value.reason == "model_unreachable"
