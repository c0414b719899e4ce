"""`python -m bench fairness`: how soon a tenant's alerts are stored, alone and beside one far over its quota."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import aiohttp

from bench.audit import Audit, audit
from bench.figures import Goal, no_loss, percentile
from bench.generator import Shape, make_storm
from bench.local import Local, a_local
from bench.report import Report
from bench.run import first_posts
from bench.sending import Sent, Webhook, a_session, send_in_time
from bench.tenants import BenchTenant, seed_tenant

QUOTA = 6_000
"""Alerts a minute. Ten times as many are more than one local host can store, so what is not held back shows."""
TIMES_QUOTA = 10
CROWD_PER_BODY = 17
SERVICES = 5
WARM_UP_SECONDS = 2.0
QUIET_PER_SECOND = 6
QUIET_PER_BODY = 3
TIMES_ALONE = 2.0
CONNECTIONS = 128
DRAIN_SECONDS = 1800


@dataclass(frozen=True)
class _Sender:
    """A tenant, its webhook, and how many alerts it sends."""

    slug: str
    tenant: BenchTenant
    webhook: Webhook

    async def send(self, seed: int, *, seconds: float, per_second: float, per_body: int) -> list[Sent]:
        """Alerts of its services, none of them a repeat, at their own times."""
        bodies = round(per_second * seconds / per_body)
        shape = Shape(alerts=bodies * per_body, bodies=bodies, singles=0, seconds=seconds, prefix=self.slug)
        storm = make_storm(replace(shape, services=SERVICES, spread=0, duplicates=0, resent=0), seed)
        return await send_in_time(storm.deliveries, self.webhook.send)

    async def send_little(self, seed: int, seconds: float) -> list[Sent]:
        return await self.send(seed, seconds=seconds, per_second=QUIET_PER_SECOND, per_body=QUIET_PER_BODY)


@dataclass(frozen=True)
class _Halves:
    """What was sent: by the quiet tenant alone, by it beside the crowd, and by the crowd."""

    alone: list[Sent]
    beside: list[Sent]
    flood: list[Sent]


async def run_fairness(seed: int, seconds: float) -> int:
    """Measure, print, and return the exit code."""
    async with a_local() as local, a_session(CONNECTIONS) as session:
        quiet, crowd = [await _sender(local, session, slug) for slug in ("quiet", "crowd")]
        await local.start_hosts()
        sent = await _play(local, quiet, crowd, seed, seconds)
        books = [
            await asyncio.to_thread(audit, local.data / "cosmos", one.tenant.tenant_id) for one in (quiet, crowd)
        ]
    return _report(seed, sent, *books)


async def _sender(local: Local, session: aiohttp.ClientSession, slug: str) -> _Sender:
    tenant = await seed_tenant(local.environment, slug, alerts_per_minute=QUOTA)
    return _Sender(slug, tenant, Webhook(session, local.base_url, tenant))


async def _play(local: Local, quiet: _Sender, crowd: _Sender, seed: int, seconds: float) -> _Halves:
    # Incidents are open and caches warm before anything is measured.
    for one in (quiet, crowd):
        await one.send_little(seed, WARM_UP_SECONDS)
    await local.drained(within_seconds=DRAIN_SECONDS)
    alone = await quiet.send_little(seed + 1, seconds)
    await local.drained(within_seconds=DRAIN_SECONDS)
    beside, flood = await asyncio.gather(
        quiet.send_little(seed + 2, seconds),
        crowd.send(seed + 3, seconds=seconds, per_second=TIMES_QUOTA * QUOTA / 60, per_body=CROWD_PER_BODY),
    )
    await local.drained(within_seconds=DRAIN_SECONDS)
    return _Halves(alone, beside, flood)


def _report(seed: int, sent: _Halves, quiet: Audit, crowd: Audit) -> int:
    report = Report("fairness", seed)
    alone, beside, flood = _waits(sent.alone, quiet), _waits(sent.beside, quiet), _waits(sent.flood, crowd)
    lines = (("the quiet tenant alone", alone), ("the quiet tenant beside the crowd", beside), ("the crowd", flood))
    for name, waits in lines:
        for part in (50, 95, 99):
            report.add(f"{name}: stored after, p{part} s", f"{percentile(waits, part):.2f}")
        report.figures[name] = {f"p{part}": round(percentile(waits, part), 3) for part in (50, 95, 99)}
    report.add("alerts a minute that each may send", QUOTA)
    report.add("alerts the crowd sent", len(flood))
    times = percentile(beside, 95) / percentile(alone, 95)
    lost = quiet.lost(_fired([*sent.alone, *sent.beside])) + crowd.lost(_fired(sent.flood))
    report.goals += [
        Goal("p95 to stored beside the crowd, times that alone", round(times, 2), TIMES_ALONE),
        *no_loss(lost=lost, twice=quiet.twice() + crowd.twice()),
    ]
    return report.finish()


def _waits(sent: Sequence[Sent], books: Audit) -> list[float]:
    """How long each alert took from its first post to the store; those that are lost count elsewhere."""
    return [books.stored_at[one] - at for one, at in first_posts(sent).items() if one in books.stored_at]


def _fired(sent: Sequence[Sent]) -> frozenset[str]:
    return frozenset(first_posts(sent))
