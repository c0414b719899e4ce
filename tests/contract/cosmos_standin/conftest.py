from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

from dev.cosmos.auth import EMULATOR_KEY
from tests.contract.cosmos_standin.running import Standin, a_container, running


@pytest.fixture(scope="session")
def shared_standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    data: Path = tmp_path_factory.mktemp("cosmos")
    with running(data) as standin:
        yield standin


@pytest.fixture(scope="session")
def client(shared_standin: Standin) -> Iterator[CosmosClient]:
    with CosmosClient(shared_standin.endpoint, EMULATOR_KEY) as client:
        yield client


@pytest.fixture(scope="session")
def database(client: CosmosClient) -> DatabaseProxy:
    return client.create_database("db")


@pytest.fixture
def standin(shared_standin: Standin) -> Iterator[Standin]:
    yield shared_standin
    shared_standin.control("DELETE", "/_faults")


@pytest.fixture
def container(database: DatabaseProxy) -> ContainerProxy:
    return a_container(database)


@pytest.fixture
async def async_client(standin: Standin) -> AsyncIterator[AsyncCosmosClient]:
    async with AsyncCosmosClient(standin.endpoint, EMULATOR_KEY) as client:
        yield client
