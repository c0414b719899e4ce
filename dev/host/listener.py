"""Listens to one queue for one function, as the storage-queue extension does."""

import asyncio
import contextlib
import logging
import math
import random
from dataclasses import dataclass

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueMessage as StoredMessage

from dev.host.arguments import queue_argument
from dev.host.bindings import HostedFunction, QueueTrigger
from dev.host.delivery import (
    OnFailure,
    OnReceipt,
    QueueRules,
    decode,
    on_failure,
    on_receipt,
    poison_queue_of,
    polling_delay,
)
from dev.host.invocation import Invoker, Succeeded
from dev.host.storage import QueueAccounts

log = logging.getLogger("dev.host")


@dataclass
class Lease:
    """A received message and the receipt that currently holds it."""

    message: StoredMessage
    receipt: str


class QueueListener:
    """Polls, leases, invokes, and settles the messages of one queue."""

    def __init__(
        self,
        function: HostedFunction,
        *,
        rules: QueueRules,
        lease_seconds: float,
        invoker: Invoker,
        accounts: QueueAccounts,
    ) -> None:
        assert isinstance(function.trigger, QueueTrigger)
        self._function = function
        self._trigger = function.trigger
        self._rules = rules
        # The service counts leases in whole seconds.
        self._lease_seconds = max(1, math.ceil(lease_seconds))
        self._renew_after_seconds = self._lease_seconds / 2
        self._invoker = invoker
        self._accounts = accounts
        self._poison = poison_queue_of(self._trigger.queue)
        self._client = accounts.queue(self._trigger.connection, self._trigger.queue)
        self._wake = accounts.wake(self._trigger.connection, self._trigger.queue)
        self._stopping = False
        self._trouble = ""
        self.in_flight: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen until `stop`; messages in flight then are left in `in_flight` to finish."""
        misses = 0
        while not self._stopping:
            self._wake.clear()
            if await self._take_batch():
                misses = 0
                await self._wait_for_room()
                continue
            misses += 1
            await self._wait_for_next_poll(misses)

    def stop(self) -> None:
        """Poll no more."""
        self._stopping = True
        self._wake.set()

    async def _take_batch(self) -> bool:
        messages = await self._receive()
        if self._stopping:
            await asyncio.gather(*(self._give_back(message) for message in messages))
            return False
        for message in messages:
            task = asyncio.create_task(self._settle_message(message))
            self.in_flight.add(task)
            task.add_done_callback(self.in_flight.discard)
        return bool(messages)

    async def _give_back(self, message: StoredMessage) -> None:
        # What cannot be given back returns by itself when its lease ends.
        with contextlib.suppress(AzureError):
            await self._extend(Lease(message, str(message.pop_receipt)), 0)

    async def _receive(self) -> list[StoredMessage]:
        pages = self._client.receive_messages(
            messages_per_page=self._rules.batch_size, visibility_timeout=self._lease_seconds, retry_total=0
        ).by_page()
        try:
            messages = [message async for message in await anext(pages)]
        except StopAsyncIteration:
            messages = []
        except ResourceNotFoundError:
            self._report("does not exist yet")
            return []
        except AzureError as exc:
            self._report(f"cannot be reached: {type(exc).__name__}")
            return []
        self._report("")
        return messages

    def _report(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("%s waits: queue %s %s", self._function.name, self._trigger.queue, trouble)
        elif self._trouble and not trouble:
            log.info("%s listens again to queue %s", self._function.name, self._trigger.queue)
        self._trouble = trouble

    async def _wait_for_room(self) -> None:
        while len(self.in_flight) > self._rules.new_batch_threshold and not self._stopping:
            await asyncio.wait(set(self.in_flight), return_when=asyncio.FIRST_COMPLETED)

    async def _wait_for_next_poll(self, misses: int) -> None:
        jitter = random.uniform(0.8, 1.2)
        delay = polling_delay(misses=misses, jitter=jitter, longest_seconds=self._rules.max_polling_seconds)
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _settle_message(self, message: StoredMessage) -> None:
        lease = Lease(message, str(message.pop_receipt))
        try:
            await self._handle(lease)
        except AzureError as exc:
            log.warning(
                "%s could not settle message %s (%s): it returns when its lease ends",
                self._function.name, message.id, type(exc).__name__,
            )  # fmt: skip

    async def _handle(self, lease: Lease) -> None:
        body = decode(str(lease.message.content), self._rules.encoding)
        verdict = on_receipt(
            readable=body is not None,
            dequeue_count=lease.message.dequeue_count or 0,
            max_dequeue_count=self._rules.max_dequeue_count,
            poison=self._poison,
        )
        if verdict is OnReceipt.INVOKE and body is not None:
            await self._invoke(lease, body)
        elif verdict is not OnReceipt.LEAVE:
            await self._move_to_poison(lease, verdict.value)

    async def _invoke(self, lease: Lease, body: bytes) -> None:
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(lease, done))
        try:
            outcome = await self._invoker.invoke(self._function, queue_argument(self._function, body, lease.message))
        finally:
            done.set()
        # Never cancelled: a renewal under way may have replaced the receipt that settling needs.
        await renewal
        if isinstance(outcome, Succeeded):
            await self._delete(lease)
            return
        verdict = on_failure(
            dequeue_count=lease.message.dequeue_count or 0,
            max_dequeue_count=self._rules.max_dequeue_count,
            poison=self._poison,
        )
        if verdict is OnFailure.POISON:
            await self._move_to_poison(lease, outcome.reason)
        elif verdict is OnFailure.RETRY:
            await self._release(lease, math.ceil(self._rules.retry_delay_seconds))

    async def _renew(self, lease: Lease, done: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(self._renew_after_seconds):
                    await done.wait()
                return
            except TimeoutError:
                if not await self._renewed(lease):
                    return

    async def _renewed(self, lease: Lease) -> bool:
        try:
            await self._extend(lease, self._lease_seconds)
        except AzureError as exc:
            log.warning(
                "%s lost the lease of message %s (%s)", self._function.name, lease.message.id, type(exc).__name__
            )
            return False
        return True

    async def _release(self, lease: Lease, delay_seconds: int) -> None:
        try:
            await self._extend(lease, delay_seconds)
        except HttpResponseError as exc:
            _raise_unless_gone(exc)

    async def _extend(self, lease: Lease, seconds: int) -> None:
        updated = await self._client.update_message(
            lease.message.id, pop_receipt=lease.receipt, visibility_timeout=seconds
        )
        lease.receipt = str(updated.pop_receipt)

    async def _delete(self, lease: Lease) -> None:
        try:
            await self._client.delete_message(lease.message.id, pop_receipt=lease.receipt)
        except HttpResponseError as exc:
            _raise_unless_gone(exc)

    async def _move_to_poison(self, lease: Lease, reason: str) -> None:
        if self._poison is None:
            return
        log.error(
            "message %s of queue %s moves to %s: %s", lease.message.id, self._trigger.queue, self._poison, reason
        )
        await self._accounts.add(self._trigger.connection, self._poison, str(lease.message.content))
        await self._delete(lease)


def _raise_unless_gone(exc: HttpResponseError) -> None:
    # Somebody else holds or has deleted the message: it is theirs to settle, and the host ignores it too.
    code = getattr(exc, "error_code", None)
    if not isinstance(exc, ResourceNotFoundError) and code != "PopReceiptMismatch":
        raise exc
