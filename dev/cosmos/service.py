"""What the handlers of requests share."""

from dataclasses import dataclass, field

from dev.cosmos.catalog import Catalog, Clock, Container
from dev.cosmos.errors import CONTAINER_RECREATED, Refusal, bad_request, owner_not_found
from dev.cosmos.faults import Faults
from dev.cosmos.http import Request
from dev.cosmos.items import Items
from dev.cosmos.operations import OperationCounts
from dev.cosmos.storage import Storage


@dataclass
class Service:
    """One account."""

    storage: Storage
    catalog: Catalog
    clock: Clock
    strict: bool
    faults: Faults = field(default_factory=Faults)
    counts: OperationCounts = field(default_factory=OperationCounts)

    def items(self, container: Container) -> Items:
        """The items of a container, for one request."""
        return Items(self.storage, container, self.clock)

    def owner_of_items(self, request: Request) -> Container:
        """The container that a request for items names; 404/1003 when it is missing."""
        try:
            container = self.catalog.container(request.segments[1], request.segments[3])
        except Refusal as refusal:
            raise owner_not_found() from refusal
        intended = request.headers.get("x-ms-cosmos-intended-collection-rid")
        if intended is not None and intended != container.rid:
            # The client's cache is of a deleted container; told so, it refreshes and asks again.
            raise bad_request("The container was recreated since the client read it.", CONTAINER_RECREATED)
        return container
