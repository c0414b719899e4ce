"""The host is killed and the store goes away, under traffic: every alert is there in the end, once."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.demo import ApiClient
from tests.e2e.stacks import Sender, a_stack, an_item, incidents_once_quiet

pytestmark = pytest.mark.e2e

LEASE_SECONDS = 2.0
OUTAGE_SECONDS = 12.0
FAST_RETRIES = {"AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01"}


def assert_each_once(incidents: Iterable[dict[str, Any]], expected: dict[str, set[str]]) -> None:
    """One incident a service, each with its alerts once, one opening, one snapshot, and a final answer."""
    by_service = {one["service_name"]: one for one in incidents}
    assert Counter(one["service_name"] for one in incidents) == Counter(expected.keys())
    for service, names in expected.items():
        incident = by_service[service]
        assert Counter(signal["name"] for signal in incident["signals"]) == Counter(f"Alert-{n}" for n in names)
        assert incident["signal_count"] == incident["firing_count"] == len(names)
        events = Counter(entry["event"] for entry in incident["timeline"])
        assert events["incident_opened"] == 1
        assert events["context_frozen"] == 1
        assert events["hypotheses_refined"] == 1


def test_a_host_killed_in_the_middle_of_an_alert_completes_it_once_after_its_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stack(tmp_path, lease_seconds=LEASE_SECONDS, **FAST_RETRIES) as (stack, sender):
            expected: dict[str, set[str]] = {}
            for number, after_seconds in enumerate((0.0, 0.02, 0.06, 0.15)):
                service = f"service-{number}"
                expected[service] = {f"{service}-a", f"{service}-b"}
                alerts = [an_item(name, service) for name in sorted(expected[service])]
                await sender.post_until_accepted(*alerts)
                await asyncio.sleep(after_seconds)
                await stack.processes.kill("functions-host")
                await stack.start_host(lambda _: None)
            incidents = await incidents_once_quiet(stack, services=len(expected), within_seconds=150)
            assert_each_once(incidents, expected)

    asyncio.run(story())


def test_a_store_outage_longer_than_all_dequeues_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stack(tmp_path, lease_seconds=LEASE_SECONDS, **FAST_RETRIES) as (stack, sender):
            expected = {f"service-{number}": {f"{number}-{at}" for at in range(4)} for number in range(5)}
            # The first delivery puts the credential into the cache that outlives the store.
            await sender.post_until_accepted(an_item("0-0", "service-0"))
            await incidents_once_quiet(stack, services=1, within_seconds=30)
            await stack.processes.kill("cosmos")
            statuses = await post_all_twice(sender, expected)
            assert statuses == {httpx.codes.ACCEPTED}, "pages come in while the store is down"
            await asyncio.sleep(OUTAGE_SECONDS)
            await stack.start_cosmos()
            incidents = await settled(stack, expected)
            assert_each_once(incidents, expected)

    asyncio.run(story())


async def post_all_twice(sender: Sender, expected: dict[str, set[str]]) -> set[int]:
    """Every alert in two deliveries, as a cluster of two Alertmanagers sends it, slowly."""
    statuses = set()
    for service, names in expected.items():
        for name in sorted(names):
            for _ in range(2):
                statuses.add(await sender.post(an_item(name, service)))
                await asyncio.sleep(0.05)
    return statuses


async def settled(stack: Any, expected: dict[str, set[str]]) -> list[dict[str, Any]]:
    """The incidents once every alert is there; messages wait up to their growing delay after the store is back."""
    total = sum(len(names) for names in expected.values())
    for _ in range(120):
        incidents = await incidents_once_quiet(stack, services=1, within_seconds=60)
        if sum(one["signal_count"] for one in incidents) >= total and len(incidents) == len(expected):
            break
        await asyncio.sleep(0.5)
    # What is still on its way would show now, as a double.
    await asyncio.sleep(3)
    return await incidents_once_quiet(stack, services=len(expected), within_seconds=30)


def test_a_receipt_says_what_became_of_a_delivery(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stack(tmp_path, lease_seconds=LEASE_SECONDS) as (stack, sender):
            good, bad = an_item("a", "payment"), {"status": "odd"}
            body = {"version": "4", "alerts": [good, good, bad]}
            receipt_id = (await sender.client.post(sender.path, json=body)).json()["receipt_id"]
            await incidents_once_quiet(stack, services=1, within_seconds=30)
            api = ApiClient(stack)
            receipt = await api.receipt(receipt_id)
            await api.aclose()
            assert receipt["outcomes"] == {"created": 1, "duplicate": 1, "dead_lettered": 1}

    asyncio.run(story())
