"""Fires one timer function on its schedule, never twice at the same time."""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dev.host import ncrontab
from dev.host.arguments import timer_argument
from dev.host.bindings import HostedFunction, RetryPolicy, TimerTrigger
from dev.host.invocation import Failed, Invoker, RetryContext

log = logging.getLogger("dev.host")

STATUS_FILE = Path(".local") / "host-timers.json"
_LONGEST_NAP_SECONDS = 60.0
_MONITORED_INTERVAL = timedelta(minutes=1)
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


class TimerStatus:
    """When each monitored timer is next due, kept across restarts so that a missed occurrence is noticed."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def due(self, name: str) -> datetime | None:
        """The occurrence that `name` was last waiting for, if any was recorded."""
        recorded = self._read().get(name)
        return datetime.fromisoformat(recorded) if recorded else None

    def record(self, name: str, due: datetime) -> None:
        """Remember what `name` waits for now."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps({**self._read(), name: due.isoformat()}), encoding="utf-8")
        partial.replace(self._file)

    def _read(self) -> dict[str, str]:
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}


class Timer:
    """One timer function. Its run ends when it is cancelled while waiting, or by `stop` after its invocation."""

    def __init__(
        self, function: HostedFunction, *, invoker: Invoker, status: TimerStatus, now: Clock = utc_now
    ) -> None:
        assert isinstance(function.trigger, TimerTrigger)
        self._function = function
        self._trigger = function.trigger
        self._schedule = ncrontab.parse(function.trigger.schedule)
        self._invoker = invoker
        self._status = status
        self._now = now
        self._last: datetime | None = None
        self._stopping = asyncio.Event()
        self._monitored = function.trigger.use_monitor and self._interval() >= _MONITORED_INTERVAL

    def stop(self) -> None:
        """Fire no more; an invocation under way finishes."""
        self._stopping.set()

    async def run(self) -> None:
        """Catch up on a missed occurrence or run on start-up if asked, then follow the schedule until `stop`."""
        missed = self._status.due(self._function.name) if self._monitored else None
        past_due = missed is not None and missed < self._now()
        if past_due or self._trigger.run_on_startup:
            await self.fire(past_due=past_due)
        while not self._stopping.is_set():
            due = self._schedule.next_after(self._now())
            if self._monitored:
                self._status.record(self._function.name, due)
            if await self._reached(due):
                await self.fire(past_due=False)

    async def fire(self, *, past_due: bool) -> None:
        """Invoke once, and again as long as the retry policy of the function allows."""
        retries = 0
        failure = await self._attempt(retries, past_due=past_due)
        policy = self._function.retry
        while failure and policy and may_retry(policy, retries) and not self._stopping.is_set():
            retries += 1
            if await self._stopped_within(retry_delay_seconds(policy, retries)):
                return
            failure = await self._attempt(retries, past_due=past_due)

    async def _attempt(self, retries: int, *, past_due: bool) -> bool:
        now = self._now()
        argument = timer_argument(
            past_due=past_due, last=self._last, following=self._schedule.next_after(now), now=now
        )
        self._last = now
        allowed = self._function.retry.max_retries if self._function.retry else 0
        outcome = await self._invoker.invoke(self._function, argument, retry=RetryContext(retries, allowed))
        return isinstance(outcome, Failed)

    async def _reached(self, due: datetime) -> bool:
        # Short naps, so that a suspended laptop or a moved clock delays nothing by more than a minute.
        while (remaining := (due - self._now()).total_seconds()) > 0:
            if await self._stopped_within(min(remaining, _LONGEST_NAP_SECONDS)):
                return False
        return not self._stopping.is_set()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    def _interval(self) -> timedelta:
        first = self._schedule.next_after(self._now())
        return self._schedule.next_after(first) - first


def may_retry(policy: RetryPolicy, retries: int) -> bool:
    """Whether another retry follows the first `retries`; -1 allows any number."""
    return policy.max_retries < 0 or retries < policy.max_retries


def retry_delay_seconds(policy: RetryPolicy, retries: int) -> float:
    """Seconds before retry number `retries`, counted from 1."""
    if not policy.exponential:
        return policy.first_delay_seconds
    return min(policy.first_delay_seconds * 2.0 ** min(retries - 1, 30), policy.longest_delay_seconds)
