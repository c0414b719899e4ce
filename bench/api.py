"""`bench api`: what people wait for. List, read and acknowledge beside an authenticated route that does nothing."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import aiohttp

from bench.api_data import LARGE, SMALL, Loaded, load
from bench.figures import Goal, percentile
from bench.local import WEB, Local, a_local
from bench.report import Report
from bench.sending import a_session
from dev.entra.tokens import API_AUDIENCE, entra_tenant_guid, mint
from dev.seed import EMAIL
from dev.sentences import CannotRun
from shared.models.base import IncidentId
from shared.models.tenants import Role

CONCURRENCY = 16
ROUNDS = 3
PAGE = 25
MAX_SECONDS, MAX_TIMES_NOTHING, MAX_TIMES_SMALL = 0.5, 4.0, 1.3
Call = tuple[str, str]
# The limits are for callers, not for the bench, which is one caller as fast as it can be.
UNHURRIED = {"API_REQUESTS_PER_MINUTE": "100000000", "API_REQUESTS_AT_ONCE": "1000000"}


@dataclass
class Timed:
    """The seconds that each kind of call took."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def ms(self, kind: str, part: float) -> float:
        """Within how many milliseconds so many percent of the calls were answered."""
        return round(percentile(self.seconds[kind], part) * 1000, 1)


@dataclass(frozen=True)
class Caller:
    """One engineer of one tenant."""

    session: aiohttp.ClientSession
    base_url: str
    token: str = field(repr=False)

    async def ask(self, method: str, path: str) -> Any:
        """The answer; raises CannotRun for any that is no success."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(method, f"{self.base_url}/api/v1{path}", headers=headers) as answer:
            if answer.status != HTTPStatus.OK:
                raise CannotRun(f"{method} {path} was answered with {answer.status}: {(await answer.text())[:200]}")
            return await answer.json()


async def run_api(incidents: int, others: int, calls: int) -> int:
    """Load, measure in rounds, report."""
    async with a_local(settings=UNHURRIED) as local, a_session(CONCURRENCY) as session:
        began = time.monotonic()
        loaded = await load(local.environment, incidents=incidents, others=others)
        print(f"{incidents + SMALL.incidents} incidents loaded in {time.monotonic() - began:.0f} s")
        await local.start_host(WEB)
        large, small = (Caller(session, local.base_url, _token(local, slug)) for slug in (LARGE, SMALL.slug))
        timed = await _measure(large, small, loaded, calls)
        documents = {limit: await _documents_per_page(local, large, limit) for limit in (1, PAGE, 100)}
        charges = [await _charge(local, caller) for caller in (large, small)]
        asked = {name: await _asked(local, large, path) for name, path in _ones(loaded).items()}
        return _report(timed, documents, charges, asked, incidents=incidents, others=others)


def _token(local: Local, slug: str) -> str:
    options = local.stack.options
    return mint(
        options.layout.entra,
        port=options.ports.entra,
        tenant_id=entra_tenant_guid(slug),
        role=Role.ENGINEER.value,
        email=EMAIL.format(role=Role.ENGINEER.value, slug=slug),
        audience=API_AUDIENCE,
        now=datetime.now(UTC),
    )


async def _measure(large: Caller, small: Caller, loaded: Loaded, calls: int) -> Timed:
    """Every kind in turn, several times: what else the machine does meanwhile meets all of them alike."""
    timed, ids = Timed(), iter(loaded.incident_ids)
    kinds = _kinds(large, small, ids)
    for name, call in kinds.items():
        await _together(call, CONCURRENCY, Timed(), name)
    for _ in range(ROUNDS):
        for name, call in kinds.items():
            await _together(call, calls // ROUNDS, timed, name)
    return timed


def _kinds(large: Caller, small: Caller, ids: Iterator[IncidentId]) -> Mapping[str, Callable[[], Awaitable[Any]]]:
    return {
        "nothing": lambda: large.ask("GET", "/me"),
        "list": lambda: large.ask("GET", f"/incidents?limit={PAGE}"),
        "list of 100": lambda: small.ask("GET", f"/incidents?limit={PAGE}"),
        "read": lambda: large.ask("GET", f"/incidents/{next(ids)}"),
        "acknowledge": lambda: large.ask("POST", f"/incidents/{next(ids)}/acknowledge"),
    }


async def _together(call: Callable[[], Awaitable[Any]], times: int, timed: Timed, name: str) -> None:
    left = iter(range(times))

    async def work() -> None:
        for _ in left:
            began = time.perf_counter()
            await call()
            timed.seconds[name].append(time.perf_counter() - began)

    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))


async def _documents_per_page(local: Local, caller: Caller, limit: int) -> int:
    """How many documents the store gave out for one page of the list."""
    await local.reset_operations()
    await caller.ask("GET", f"/incidents?limit={limit}")
    return (await local.operations()).by_kind["documents of queries"]


async def _charge(local: Local, caller: Caller) -> float:
    """What the store charged for one page, by the stand-in's formula."""
    await local.reset_operations()
    await caller.ask("GET", f"/incidents?limit={PAGE}")
    return (await local.operations()).charge


def _ones(loaded: Loaded) -> Mapping[str, Call]:
    """One call of each kind that is about one incident; the last is one that nobody asked about before."""
    last = loaded.incident_ids[-1]
    return {"read": ("GET", f"/incidents/{last}"), "acknowledge": ("POST", f"/incidents/{last}/acknowledge")}


async def _asked(local: Local, caller: Caller, call: Call) -> Mapping[str, int]:
    """What one call asks of the store."""
    await local.reset_operations()
    await caller.ask(*call)
    return dict(sorted((await local.operations()).by_kind.items()))


def _report(
    timed: Timed,
    documents: Mapping[int, int],
    charges: Sequence[float],
    asked: Mapping[str, Mapping[str, int]],
    *,
    incidents: int,
    others: int,
) -> int:
    report = Report("api", 1)
    report.section(f"{incidents} incidents, {others} other tenants, {CONCURRENCY} at a time: ms, p50 / p95 / p99")
    for name, seconds in timed.seconds.items():
        shown = " / ".join(f"{timed.ms(name, part):,.1f}" for part in (50, 95, 99))
        report.add(f"{name} ({len(seconds)} calls)", shown)
        report.figures[name] = {f"p{part}_ms": timed.ms(name, part) for part in (50, 95, 99)}
    report.add("documents read for pages of 1 / 25 / 100", " / ".join(map(str, documents.values())))
    report.add("store's charge for a page, of many / of 100", " / ".join(f"{one:.2f}" for one in charges))
    for name, kinds in asked.items():
        report.add(f"store operations of one {name}", ", ".join(f"{count} {kind}" for kind, count in kinds.items()))
    report.figures |= {
        "operations": asked,
        "incidents": incidents,
        "tenants": others,
        "documents_per_page": documents,
    }
    report.goals = [*_goals_of_time(timed), *_goals_of_cost(timed, documents, charges)]
    return report.finish()


def _goals_of_time(timed: Timed) -> Iterator[Goal]:
    nothing = timed.ms("nothing", 95)
    for name in ("list", "read", "acknowledge"):
        p95 = timed.ms(name, 95)
        yield Goal(f"{name}: p95 in ms", p95, MAX_SECONDS * 1000)
        yield Goal(f"{name}: p95, times the route that does nothing", round(p95 / nothing, 2), MAX_TIMES_NOTHING)


def _goals_of_cost(timed: Timed, documents: Mapping[int, int], charges: Sequence[float]) -> Iterator[Goal]:
    times = round(timed.ms("list", 50) / timed.ms("list of 100", 50), 2)
    yield Goal("list of many, times that of 100: p50", times, MAX_TIMES_SMALL)
    yield Goal("the same: store's charge", round(charges[0] / charges[1], 2), MAX_TIMES_SMALL)
    for limit, read in documents.items():
        yield Goal(f"documents read for a page of {limit}", read, limit, must=True)
