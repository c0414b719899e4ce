"""What every Queues and Bodies promises, and what the real queue holds on the wire."""

import uuid
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from shared.adapters.blob import MAX_BYTES, blob_bodies
from shared.adapters.memory import MemoryBodies, MemoryQueues
from shared.adapters.storage_queue import storage_queues
from shared.errors import BlobUnavailable, Malformed, QueueUnavailable
from shared.messages import MAX_MESSAGE_BYTES, BuildContext, QueueName
from shared.models.base import IncidentId, ReceiptId, TenantId
from shared.ports.transport import Bodies, Line, Queues
from tests.builders import ACME, GLOBEX
from tests.contract.conftest import BACKENDS, free_port

Take = Callable[[str], Awaitable[bytes | None]]

MESSAGE = BuildContext(
    tenant_id=ACME,
    receipt_id=ReceiptId("rcp-1"),
    correlation_id="rcp-1",
    incident_id=IncidentId("inc-1"),
    trigger="opened",
)


@pytest.fixture(params=BACKENDS)
async def queues(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Queues, Take]]:
    """The port, and a way to take the oldest message as the host would."""
    if request.param == "memory":
        memory = MemoryQueues()

        async def from_memory(queue: str) -> bytes | None:
            return memory.take(queue)

        yield memory, from_memory
        return
    connection = request.getfixturevalue("storage")
    with QueueServiceClient.from_connection_string(connection) as service:
        for queue in (QueueName.CONTEXT, QueueName.CONTEXT.poison):
            service.get_queue_client(queue).clear_messages()

        async def from_queue(queue: str) -> bytes | None:
            with service.get_queue_client(queue) as client:
                message = client.receive_message()
            return b64decode(message.content) if message else None

        real = storage_queues(connection, None, None)
        yield real, from_queue
        await real.aclose()


@pytest.fixture(params=BACKENDS)
async def raw(request: pytest.FixtureRequest) -> AsyncIterator[Bodies]:
    if request.param == "memory":
        yield MemoryBodies()
        return
    real = blob_bodies(request.getfixturevalue("storage"), None, None)
    yield real
    await real.aclose()


async def test_a_message_arrives_as_it_was_sent(queues: tuple[Queues, Take]) -> None:
    port, take = queues
    await port.send(QueueName.CONTEXT, MESSAGE)
    body = await take("context")
    assert body is not None
    assert BuildContext.decode(body) == MESSAGE
    assert await take("context") is None


async def test_raw_bytes_go_to_a_poison_queue_unchanged(queues: tuple[Queues, Take]) -> None:
    port, take = queues
    await port.send_raw(QueueName.CONTEXT.poison, b"\x00\xff not text")
    assert await take(QueueName.CONTEXT.poison) == b"\x00\xff not text"


async def test_the_largest_message_fits_and_one_byte_more_is_refused(queues: tuple[Queues, Take]) -> None:
    port, take = queues
    await port.send_raw("context", b"x" * MAX_MESSAGE_BYTES)
    assert await take("context") == b"x" * MAX_MESSAGE_BYTES
    with pytest.raises(Malformed):
        await port.send_raw("context", b"x" * (MAX_MESSAGE_BYTES + 1))


async def test_an_empty_queue_is_no_line(queues: tuple[Queues, Take]) -> None:
    port, _ = queues
    assert await port.line("context") == Line(0, None)
    assert await port.line(QueueName.CONTEXT.poison) == Line(0, None)


async def test_a_line_is_as_long_as_what_waits_and_as_old_as_its_oldest_and_stays_as_it_is(
    queues: tuple[Queues, Take],
) -> None:
    port, take = queues
    # The service tells times in whole seconds.
    before = datetime.now(UTC) - timedelta(seconds=2)
    for _ in range(3):
        await port.send(QueueName.CONTEXT, MESSAGE)
    line = await port.line("context")
    assert line.length == 3
    assert line.oldest_at is not None
    assert before <= line.oldest_at <= datetime.now(UTC)
    assert await port.line("context") == line
    assert await take("context") is not None


async def test_a_delayed_message_lengthens_the_line_and_does_not_age_it(queues: tuple[Queues, Take]) -> None:
    port, _ = queues
    await port.send(QueueName.CONTEXT, MESSAGE, delay_seconds=60)
    assert await port.line("context") == Line(1, None)


@pytest.mark.integration
async def test_a_message_never_expires_and_a_delayed_one_is_not_visible_yet(storage: str) -> None:
    port = storage_queues(storage, None, None)
    with QueueServiceClient.from_connection_string(storage).get_queue_client("context") as client:
        client.clear_messages()
        await port.send(QueueName.CONTEXT, MESSAGE, delay_seconds=60)
        assert client.receive_message() is None
        assert client.get_queue_properties().approximate_message_count == 1
        client.clear_messages()
        await port.send(QueueName.CONTEXT, MESSAGE)
        (peeked,) = client.peek_messages()
        assert peeked.expires_on is not None
        assert peeked.expires_on.year == 9999
    await port.aclose()


@pytest.mark.integration
async def test_a_queue_that_is_down_is_our_own_fault() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/devstoreaccount1"
    connection = (
        f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;QueueEndpoint={url};BlobEndpoint={url};"
    )
    queues, raw = storage_queues(connection, None, None), blob_bodies(connection, None, None)
    with pytest.raises(QueueUnavailable):
        await queues.send(QueueName.CONTEXT, MESSAGE)
    with pytest.raises(QueueUnavailable):
        await queues.line("context")
    with pytest.raises(BlobUnavailable):
        await raw.put(ACME, ReceiptId("rcp-1"), b"x")
    await queues.aclose()
    await raw.aclose()


@pytest.fixture
def receipt() -> ReceiptId:
    return ReceiptId(f"rcp-{uuid.uuid4().hex}")


async def test_a_body_is_read_back_by_its_pointer_and_the_same_receipt_has_the_same_one(
    raw: Bodies, receipt: ReceiptId
) -> None:
    pointer = await raw.put(ACME, receipt, b"\x00body")
    assert await raw.put(ACME, receipt, b"\x00body") == pointer
    assert await raw.get(ACME, pointer) == b"\x00body"


async def test_another_tenants_pointer_is_refused(raw: Bodies, receipt: ReceiptId) -> None:
    pointer = await raw.put(ACME, receipt, b"body")
    with pytest.raises(Malformed) as refused:
        await raw.get(TenantId("ten"), pointer)
    assert refused.value.reason == "foreign_pointer"


@pytest.mark.parametrize(
    "below", ["../{other}/{receipt}", "./../{other}/{receipt}", "", ".", "..", "a/b", "/{receipt}"]
)
async def test_a_pointer_that_would_lead_out_of_the_tenant_is_refused(
    raw: Bodies, receipt: ReceiptId, below: str
) -> None:
    # The HTTP client resolves "..", so a comparison of prefixes alone would let this through.
    await raw.put(GLOBEX, receipt, b"theirs")
    with pytest.raises(Malformed) as refused:
        await raw.get(ACME, f"{ACME}/{below.format(other=GLOBEX, receipt=receipt)}")
    assert refused.value.reason == "foreign_pointer"


async def test_the_same_receipt_under_two_tenants_is_two_bodies(raw: Bodies, receipt: ReceiptId) -> None:
    ours, theirs = await raw.put(ACME, receipt, b"ours"), await raw.put(GLOBEX, receipt, b"theirs")
    assert (await raw.get(ACME, ours), await raw.get(GLOBEX, theirs)) == (b"ours", b"theirs")


@pytest.mark.integration
async def test_a_body_larger_than_any_we_accept_is_not_handed_on(storage: str, receipt: ReceiptId) -> None:
    with BlobServiceClient.from_connection_string(storage) as service:
        service.get_blob_client("raw", f"{ACME}/{receipt}").upload_blob(b"x" * (MAX_BYTES + 1))
    raw = blob_bodies(storage, None, None)
    with pytest.raises(Malformed) as refused:
        await raw.get(ACME, f"{ACME}/{receipt}")
    assert refused.value.reason == "payload_too_large"
    await raw.aclose()


async def test_a_body_that_is_gone_is_said_to_be(raw: Bodies) -> None:
    with pytest.raises(Malformed) as refused:
        await raw.get(ACME, f"{ACME}/rcp-none")
    assert refused.value.reason == "payload_gone"
