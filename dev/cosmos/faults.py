"""Faults to order: answers that Cosmos DB gives on bad days, for the next so many operations on items."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dev.cosmos.errors import Refusal


class Operation(StrEnum):
    """What a request does, for faults and counters."""

    CREATE = "create"
    READ = "read"
    REPLACE = "replace"
    UPSERT = "upsert"
    PATCH = "patch"
    DELETE = "delete"
    QUERY = "query"
    BATCH = "batch"
    READ_FEED = "read_feed"
    CHANGE_FEED = "change_feed"
    METADATA = "metadata"


_CODES = {
    404: ("NotFound", "The read session is not available for the input session token."),
    408: ("RequestTimeout", "Operation timed out."),
    410: ("Gone", "The requested resource is no longer available at this server."),
    429: ("TooManyRequests", "The request rate is too large. Please retry after sometime."),
    449: ("RetryWith", "Conflicting request to resource has been attempted. Retry to avoid conflicts."),
    500: ("InternalServerError", "An injected fault."),
    503: ("ServiceUnavailable", "The service is currently unavailable, retry later."),
}
# 429 by used-up request units; 410 and 404 as the SDK's retry policies know them.
_SUBSTATUS = {404: 1002, 410: 1002, 429: 3200}

ItemOperation = Literal[
    "any", "create", "read", "replace", "upsert", "patch", "delete", "query", "batch", "read_feed", "change_feed"
]


class Fault(BaseModel):
    """One fault. `after_commit` does the work first, so that only the answer is lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Annotated[int, Field(ge=400, le=599)] | Literal["hang"]
    count: Annotated[int, Field(ge=1)] = 1
    operation: ItemOperation = "any"
    container: str | None = None
    retry_after_ms: Annotated[int, Field(ge=0)] | None = None
    substatus: int | None = None
    after_commit: bool = False

    def concerns(self, operation: Operation, container: str | None) -> bool:
        """Whether the operation meets this fault; requests for metadata never do."""
        if operation is Operation.METADATA or (self.container is not None and self.container != container):
            return False
        return self.operation in {"any", operation.value}

    @property
    def hangs(self) -> bool:
        return self.status == "hang"

    def refusal(self) -> Refusal:
        """The answer that the fault gives."""
        status = 503 if self.status == "hang" else self.status
        code, message = _CODES.get(status, ("InjectedFault", "An injected fault."))
        substatus = _SUBSTATUS.get(status, 0) if self.substatus is None else self.substatus
        headers = {} if self.retry_after_ms is None else {"x-ms-retry-after-ms": str(self.retry_after_ms)}
        return Refusal(status, code, message, substatus, headers)


@dataclass
class _Armed:
    fault: Fault
    left: int


class Faults:
    """The faults that are still to come; the oldest that fits is used first."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def arm(self, fault: Fault) -> None:
        """Have it happen `count` times."""
        self._armed.append(_Armed(fault, fault.count))

    def clear(self) -> None:
        """Forget all."""
        self._armed.clear()

    def listed(self) -> list[dict[str, Any]]:
        """What is still to come."""
        return [{**armed.fault.model_dump(), "left": armed.left} for armed in self._armed]

    def take(self, operation: Operation, container: str | None) -> Fault | None:
        """The fault for this operation, used up by one."""
        for armed in self._armed:
            if armed.fault.concerns(operation, container):
                armed.left -= 1
                self._armed = [each for each in self._armed if each.left > 0]
                return armed.fault
        return None
