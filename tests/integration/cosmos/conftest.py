from tests.contract.cosmos_standin.conftest import (  # noqa: F401 - pytest finds its fixtures by name
    async_client,
    client,
    container,
    database,
    shared_standin,
    standin,
)
