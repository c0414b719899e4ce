"""Hosts are killed at random moments of a storm: every alert is there once, each incident opened once."""

import asyncio

import pytest

from bench.kill import Round, killed_in_storms

pytestmark = pytest.mark.e2e

ROUNDS = 2


def test_hosts_killed_in_two_storms_lose_nothing_and_double_nothing() -> None:
    async def story() -> list[Round]:
        return [one async for one in killed_in_storms(seed=1, rounds=ROUNDS)]

    rounds = asyncio.run(story())
    assert len(rounds) == ROUNDS
    assert all(one.kills for one in rounds), "every storm was interrupted"
    assert [str(one) for one in rounds if not one.is_clean] == []
