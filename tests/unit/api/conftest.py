"""The API of two tenants."""

import pytest

from tests.unit.api.serving import Served, two_tenants


@pytest.fixture
async def served() -> Served:
    return await two_tenants()
