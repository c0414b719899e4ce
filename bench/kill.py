"""`python -m bench kill`: hosts die at random moments of small storms; every alert is there once in the end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from random import Random

from bench import receipts
from bench.audit import Audit, audit
from bench.figures import Goal, no_loss
from bench.generator import Shape, make_storm
from bench.local import WEB, WORKER, Local, a_local
from bench.report import Report
from bench.sending import Webhook, a_session, send_in_time
from bench.tenants import BenchTenant, seed_tenant

LEASE_SECONDS = 2.0
FAST_RETRIES = {"AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01"}
SMALL = Shape(alerts=300, bodies=24, singles=6, services=6, seconds=3.0, resent=0.1)
DRAIN_SECONDS = 120
CONNECTIONS = 16
MOST_KILLS = 3


@dataclass(frozen=True)
class Round:
    """How a storm with kills in its middle ended; alerts of earlier rounds are looked at again."""

    kills: int
    alerts: int
    lost: int
    twice: int
    opened_twice: int
    wrong_receipts: int
    counted_twice: int
    """By how much the receipts together say `created` more or less often than there are alerts."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return not any((self.lost, self.twice, self.opened_twice, self.wrong_receipts, self.counted_twice))


async def run_kill(seed: int, rounds: int) -> int:
    """Play, print, and return the exit code."""
    report, ended = Report("kill", seed), list[Round]()
    async for one in killed_in_storms(seed, rounds):
        ended.append(one)
        verdict = "clean" if one.is_clean else str(one)
        report.add(f"round {len(ended)}: {one.kills} kills, {one.alerts} alerts so far", verdict)
    last, opened_twice = ended[-1], max(one.opened_twice for one in ended)
    report.goals += [
        *no_loss(lost=max(one.lost for one in ended), twice=max(one.twice for one in ended)),
        Goal("incidents opened twice", opened_twice, 0, must=True),
        Goal("deliveries whose receipt is wrong", sum(one.wrong_receipts for one in ended), 0, must=True),
        Goal("alerts counted twice, or not at all, by receipts", abs(last.counted_twice), 0, must=True),
    ]
    kills = sum(one.kills for one in ended)
    report.figures |= {"rounds": len(ended), "kills": kills, "alerts": last.alerts}
    return report.finish()


async def killed_in_storms(seed: int, rounds: int, shape: Shape = SMALL) -> AsyncIterator[Round]:
    """One stack, one storm a round; each round is looked at once its queues are empty."""
    random, fired = Random(seed), frozenset[str]()
    async with (
        a_local(lease_seconds=LEASE_SECONDS, settings=FAST_RETRIES) as local,
        a_session(CONNECTIONS) as session,
    ):
        tenant = await seed_tenant(local.environment, "killed")
        await local.start_hosts()
        webhook = Webhook(session, local.base_url, tenant)
        for number in range(rounds):
            storm = make_storm(replace(shape, prefix=f"round-{number}"), random.randrange(2**32))
            killing = asyncio.create_task(_kill(local, random, storm.seconds))
            sent = await send_in_time(storm.deliveries, webhook.send)
            kills = await killing
            await local.drained(within_seconds=DRAIN_SECONDS)
            fired |= storm.distinct
            delivered = {str(one.receipt_id): len(one.delivery.fingerprints) for one in sent}
            yield await _looked_at(local, tenant, fired, delivered, kills=kills)


async def _kill(local: Local, random: Random, seconds: float) -> int:
    """Kill one host or the other now and then, and start it again at once; returns how often."""
    kills = random.randint(1, MOST_KILLS)
    for _ in range(kills):
        await asyncio.sleep(random.uniform(0, seconds / kills))
        name = WORKER if random.random() < 2 / 3 else WEB
        await local.kill_host(name)
        await local.start_host(name)
    return kills


async def _looked_at(
    local: Local, tenant: BenchTenant, fired: frozenset[str], delivered: dict[str, int], *, kills: int
) -> Round:
    books: Audit = await asyncio.to_thread(audit, local.data / "cosmos", tenant.tenant_id)
    accounts = await receipts.accounts(local.environment, tenant.tenant_id)
    return Round(
        kills=kills,
        alerts=len(fired),
        lost=books.lost(fired),
        twice=books.twice(),
        opened_twice=books.opened_twice(),
        wrong_receipts=receipts.wrong(accounts, delivered),
        counted_twice=receipts.created(accounts) - len(fired),
    )
