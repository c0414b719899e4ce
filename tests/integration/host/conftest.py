from collections.abc import AsyncIterator

import pytest

from tests.integration import azurite as running
from tests.integration.host.hosting import Queues

azurite = running.azurite


@pytest.fixture
async def queues(azurite: str) -> AsyncIterator[Queues]:
    queues = Queues(azurite)
    yield queues
    await queues.close()
