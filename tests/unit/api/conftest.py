"""The API of two tenants."""

import asyncio

import pytest

from tests.unit.api.serving import Served, two_tenants


@pytest.fixture
async def served() -> Served:
    return await two_tenants()


@pytest.fixture(scope="module")
def untouched() -> Served:
    """The same for all tests of a module that try what is refused, and see that nothing changed."""
    return asyncio.run(two_tenants())
