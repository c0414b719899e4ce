"""What the commands do that are more than one call: they run the stack, print, and turn refusals into sentences."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from dev.binaries import ROOT
from dev.ports import Ports
from dev.sentences import CannotRun
from dev.stack import Layout, Stack, StackOptions, product_environment

console = Console()

PICTURE_COLUMNS = 120
MAX_WORKERS = 4
"""Each runs its own Azurite and Cosmos DB stand-in."""


@contextlib.contextmanager
def refusing(exit_code: int = 1) -> Iterator[None]:
    """One clear sentence on standard error and a non-zero exit instead of a traceback."""
    try:
        yield
    except CannotRun as exc:
        print(exc, file=sys.stderr)
        raise SystemExit(exit_code) from exc


def print_token(tenant: str, role: str, ports: Ports, data: Path) -> None:
    """A token of the local identity provider, valid for an hour."""
    from dev.entra.tokens import API_AUDIENCE, entra_tenant_guid, mint
    from dev.seed import EMAIL
    from shared.models.tenants import Role

    with refusing():
        if role not in list(Role):
            raise CannotRun(f"{role} is not a role; the roles are: {', '.join(Role)}")
        layout = Layout(data)
        if not layout.entra.exists():
            raise CannotRun(f"no identity provider has run with {data}; start the stack first: python -m dev up")
        print(
            mint(
                layout.entra,
                port=ports.entra,
                tenant_id=entra_tenant_guid(tenant),
                role=role,
                email=EMAIL.format(role=role, slug=tenant),
                audience=API_AUDIENCE,
                now=datetime.now(UTC),
            )
        )


def print_signals(file: Path, source: str) -> None:
    """The dry run of ingestion."""
    from dev.parse import as_json, signals_of

    with refusing(exit_code=2):
        print(as_json(signals_of(file, source)))


def print_redaction(file: Path, *, as_json: bool) -> None:
    """The dry run of redaction."""
    from dev import redact

    with refusing(exit_code=2):
        report = redact.report_of(file)
        print(redact.as_json(report) if as_json else redact.as_text(report))


def seed_running_stack(ports: Ports, data: Path, *, prometheus_url: str | None, token_file: Path | None) -> None:
    """Create the local tenants on a running stack; acme's Prometheus is the stack's or another."""
    from dev.provision import provision_cosmos, provision_storage
    from dev.seed import seed_acme, seed_globex
    from dev.stack import DATABASE
    from shared.errors import StoreUnavailable

    environment = product_environment(ports, Layout(data))
    with refusing():
        try:
            provision_storage(environment["AzureWebJobsStorage"])
            provision_cosmos(environment["COSMOS_ENDPOINT"], environment["COSMOS_KEY"], DATABASE)
            url = prometheus_url or f"http://127.0.0.1:{ports.prometheus}"
            token = token_file.read_text().strip() if token_file else None
            seeding = seed_acme(environment, Layout(data), prometheus_url=url, prometheus_token=token)
            integration_id = asyncio.run(seeding)
            new = asyncio.run(seed_globex(environment, now=datetime.now(UTC)))
        except (OSError, StoreUnavailable) as exc:
            raise CannotRun("the local stack is not running; start it first: python -m dev up") from exc
    print(f"tenant acme is there; its Alertmanager posts to /api/webhooks/alertmanager/{integration_id}")
    print(f"tenant globex is there with a past to look at ({new} new incidents): python -m dev token --tenant globex")


def print_backtest(
    ports: Ports, data: Path, slug: str, *, link_at: float | None, window_seconds: float | None, max_incidents: int
) -> None:
    """What a running stack's signals would be under other thresholds."""
    from dev.backtest import as_text, backtest
    from shared.bootstrap import build
    from shared.errors import StoreUnavailable
    from shared.models.base import TenantId, document_id
    from shared.settings import Settings

    tenant_id = TenantId(document_id("ten", slug))

    async def replay() -> str:
        process = build(Settings.from_environment(product_environment(ports, Layout(data))))
        try:
            found = await backtest(
                tenant_id,
                process.services,
                link_at=link_at,
                window_seconds=window_seconds,
                max_incidents=max_incidents,
            )
        finally:
            await process.aclose()
        return as_text(found, slug)

    with refusing():
        try:
            print(asyncio.run(replay()))
        except (OSError, StoreUnavailable) as exc:
            raise CannotRun("the local stack is not running; start it first: python -m dev up") from exc


def run_up(
    ports: Ports,
    data: Path,
    *,
    lease_seconds: float,
    own_host: bool,
    openai_mode: str | None = None,
    with_telemetry: bool = False,
) -> None:
    """The stack, until Ctrl-C; with a mode, the protocol simulator answers in a model's place."""
    simulator = ("--mode", openai_mode) if openai_mode else ()
    options = StackOptions(
        ports,
        Layout(data),
        lease_seconds=lease_seconds,
        own_host=own_host,
        openai=simulator,
        with_telemetry=with_telemetry,
    )

    async def until_stopped(stack: Stack) -> bool:
        if simulator:
            print(f"The model is a simulator ({openai_mode}): what it says is made up by rules, and no model's word.")
        if with_telemetry:
            print(f"telemetry: http://127.0.0.1:{ports.telemetry}/")
        print(f"ready: API docs at http://127.0.0.1:{ports.functions}/api/v1/docs, Ctrl-C stops everything")
        ended = await stack.processes.first_to_end()
        raise CannotRun(f"{ended} ended by itself; see {options.layout.logs}/{ended}.log")

    run_stack(options, until_stopped)


def run_the_demo(
    ports: Ports, data: Path, *, once: bool, lease_seconds: float, own_host: bool, picture: Path | None
) -> None:
    """The demo; with `once` it ends by itself and its exit code says whether the answer was right."""
    from dev.demo import forget_metrics, run_demo

    options = StackOptions(ports, Layout(data), lease_seconds=lease_seconds, own_host=own_host)
    report = Console(record=True, width=PICTURE_COLUMNS) if picture else console

    async def play(stack: Stack) -> bool:
        right = await run_demo(stack, console, report)
        if not once:
            console.print("\nThe stack keeps running. Ctrl-C stops everything.")
            await stack.processes.first_to_end()
        return right

    with refusing():
        forget_metrics(options.layout)
    is_right = run_stack(options, play)
    if picture:
        picture.write_text(without_fonts(report.export_svg(title="make demo")))
    if not is_right:
        raise SystemExit(1)


def run_drill(ports: Ports, data: Path) -> None:
    """The restore drill on a store of its own; its exit code says whether all came back."""
    from dev.drill import drill

    with refusing():
        is_whole = asyncio.run(drill(StackOptions(ports, Layout(data)), console.print))
    console.print("everything is there again" if is_whole else "the restored tenant differs")
    raise SystemExit(0 if is_whole else 1)


def without_fonts(svg: str) -> str:
    """The picture without fonts that a viewer would fetch from somebody else's host; its monospace stands in."""
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def run_tests(*, fast: bool) -> None:
    """pytest, on several cores. The whole of it measures branch coverage of what ships, gated by pyproject.toml."""
    spread = ["-n", str(min(os.cpu_count() or 1, MAX_WORKERS)), "--dist", "loadfile"]
    if fast:
        raise SystemExit(_pytest([*spread, "-m", "not integration and not e2e and not fuzz", "tests"]))
    coverage = ["--cov", "--cov-branch", "--cov-report=term"]
    failed = _pytest([*spread, *coverage, "-m", "not e2e and not fuzz", "tests"])
    # After the others and unmeasured, for these watch the clock of a whole stack. They mostly wait: two run at once.
    raise SystemExit(failed or _pytest(["-n", "2", "--dist", "loadfile", "-m", "e2e", "tests/e2e"]))


def _pytest(arguments: Sequence[str]) -> int:
    # Some images forbid bytecode. Then each of the hundreds of processes that the tests start compiles us anew.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


Start = Callable[[Stack], Awaitable[None]]


async def start_all(stack: Stack) -> None:
    """The whole stack, with the shop that pages acme."""
    with console.status("starting") as status:
        await stack.up(lambda part: status.update(f"starting {part}"))


def run_stack(options: StackOptions, play: Callable[[Stack], Awaitable[bool]], *, start: Start = start_all) -> bool:
    """Start the stack, play, stop the stack; Ctrl-C and SIGTERM end the play early and cleanly."""

    async def main() -> bool:
        stack = Stack(options)
        playing = asyncio.ensure_future(_start_and_play(stack, start, play))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, playing.cancel)
        try:
            return await playing
        except asyncio.CancelledError:
            return True
        finally:
            with console.status("stopping"):
                await stack.down()

    with refusing():
        return asyncio.run(main())


async def _start_and_play(stack: Stack, start: Start, play: Callable[[Stack], Awaitable[bool]]) -> bool:
    await start(stack)
    return await play(stack)
