"""A running host: its HTTP front, its queue listeners and its timers, started and stopped as one."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from dev.host.admin import Admin
from dev.host.arguments import queue_argument
from dev.host.bindings import HostedFunction, HttpTrigger, QueueOutput, QueueTrigger, TimerTrigger
from dev.host.invocation import Invoker
from dev.host.keys import HostKeys
from dev.host.listener import QueueListener
from dev.host.outbox import Outbox
from dev.host.settings import HostSettings
from dev.host.storage import QueueAccounts
from dev.host.timers import STATUS_FILE, Timer, TimerStatus
from dev.host.web import WebFront

log = logging.getLogger("dev.host")


class FunctionHost:
    """Hosts functions inside the running event loop; raises HostRefused for settings it cannot work with."""

    def __init__(
        self,
        functions: Iterable[HostedFunction],
        *,
        folder: Path,
        settings: HostSettings,
        keys: HostKeys,
        environ: Mapping[str, str],
        lease_seconds: float,
    ) -> None:
        enabled = {function.name: function for function in functions if not is_disabled(function.name, environ)}
        self._accounts = QueueAccounts(environ)
        self._invoker = Invoker(
            folder=str(folder),
            timeout_seconds=settings.function_timeout_seconds,
            threads=settings.threads,
            outbox=Outbox(self._accounts, settings.queues.encoding),
        )
        self._listeners = [
            self._listener(function, settings=settings, lease_seconds=lease_seconds)
            for function in enabled.values()
            if isinstance(function.trigger, QueueTrigger)
        ]
        status = TimerStatus(folder / STATUS_FILE)
        self._timers = {
            function.name: Timer(function, invoker=self._invoker, status=status)
            for function in enabled.values()
            if isinstance(function.trigger, TimerTrigger)
        }
        self._parts: list[QueueListener | Timer] = [*self._listeners, *self._timers.values()]
        self._check_outputs(enabled.values())
        admin = Admin(enabled, keys=keys, run_now=self._run_now)
        self.web = WebFront(enabled, settings=settings, keys=keys, invoker=self._invoker, admin=admin)
        self._loops: set[asyncio.Task[None]] = set()
        self._by_hand: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        """Begin to listen and to follow the schedules."""
        for part in self._parts:
            task = asyncio.create_task(part.run())
            task.add_done_callback(_report_crash)
            self._loops.add(task)

    async def stop(self, grace_seconds: float) -> bool:
        """Take on nothing new and finish what runs; False when an invocation had to be given up on."""
        for part in self._parts:
            part.stop()
        pending = await self._finish(grace_seconds)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return not pending

    async def close(self) -> bool:
        """Release clients and threads once HTTP has ended too; False when a thread still runs app code."""
        await self._accounts.close()
        return self._invoker.close()

    def _listener(self, function: HostedFunction, *, settings: HostSettings, lease_seconds: float) -> QueueListener:
        return QueueListener(
            function,
            rules=settings.queues,
            lease_seconds=lease_seconds,
            invoker=self._invoker,
            accounts=self._accounts,
        )

    async def _finish(self, grace_seconds: float) -> set[asyncio.Task[object]]:
        deadline = asyncio.get_running_loop().time() + grace_seconds
        while running := self._running():
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                return running
            await asyncio.wait(running, timeout=remaining)
        return set()

    def _running(self) -> set[asyncio.Task[object]]:
        tasks = self._loops | self._by_hand
        for listener in self._listeners:
            tasks |= listener.in_flight
        return {task for task in tasks if not task.done()}

    def _run_now(self, function: HostedFunction, given: str) -> None:
        if function.name in self._timers:
            work = self._timers[function.name].fire(past_due=False)
            task: asyncio.Task[object] = asyncio.create_task(work)
        else:
            argument = queue_argument(function, given.encode())
            task = asyncio.create_task(self._invoker.invoke(function, argument))
        self._by_hand.add(task)
        task.add_done_callback(self._by_hand.discard)

    def _check_outputs(self, functions: Iterable[HostedFunction]) -> None:
        for function in functions:
            for output in function.outputs:
                if isinstance(output, QueueOutput):
                    self._accounts.queue(output.connection, output.queue)


def is_disabled(name: str, environ: Mapping[str, str]) -> bool:
    """Whether the app setting AzureWebJobs.NAME.Disabled switches a function off."""
    settings = (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs_{name}_Disabled")
    return any(environ.get(setting, "").lower() in ("true", "1") for setting in settings)


def describe(functions: Iterable[HostedFunction], *, prefix: str, environ: Mapping[str, str]) -> str:
    """The start-up table: a line for each function with what triggers it."""
    rows = [(function.name, _trigger_text(function, prefix), function) for function in functions]
    width = max((len(name) for name, _, _ in rows), default=0)
    return "\n".join(
        f"  {name:<{width}}  {text}{'  (disabled)' if is_disabled(name, environ) else ''}" for name, text, _ in rows
    )


def _trigger_text(function: HostedFunction, prefix: str) -> str:
    match function.trigger:
        case HttpTrigger(_, route, methods, auth_level):
            path = "/".join(part for part in ("", prefix, route.strip("/")) if part or not prefix)
            verbs = ",".join(sorted(methods)) or "any"
            return f"http   {verbs} /{path.strip('/')} ({auth_level})"
        case QueueTrigger(_, queue, connection, _):
            return f"queue  {queue} ({connection})"
        case TimerTrigger(_, schedule, _, _):
            return f"timer  {schedule}"


def _report_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a listener stopped, restart the host", exc_info=task.exception())
