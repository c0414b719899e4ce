"""What was done since the start: counts and charges by operation and container."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from dev.cosmos.faults import Operation

_Key = tuple[Operation, str | None]


class OperationCounts:
    """Counts of requests and their charges; failed ones are counted as well."""

    def __init__(self) -> None:
        self._requests: Counter[_Key] = Counter()
        self._failures: Counter[_Key] = Counter()
        self._charges: dict[_Key, float] = {}
        self._parts: defaultdict[_Key, Counter[str]] = defaultdict(Counter)

    def record(
        self,
        operation: Operation,
        container: str | None,
        *,
        charge: float,
        failed: bool,
        parts: Mapping[str, int],
    ) -> None:
        """Count one request; `parts`: a batch's operations by kind, a query's pages by their number of documents."""
        key = (operation, container)
        self._requests[key] += 1
        self._failures[key] += failed
        self._charges[key] = self._charges.get(key, 0.0) + charge
        self._parts[key].update(parts)

    def reset(self) -> None:
        """Start again from nothing."""
        self._requests.clear()
        self._failures.clear()
        self._charges.clear()
        self._parts.clear()

    def summary(self) -> dict[str, Any]:
        """All counts, and the sum of the charges."""
        operations = [
            {
                "operation": operation.value,
                "container": container,
                "count": count,
                "failed": self._failures[operation, container],
                "request_charge": round(self._charges[operation, container], 2),
                "parts": dict(self._parts[operation, container]),
            }
            for (operation, container), count in self._requests.items()
        ]
        return {"operations": operations, "request_charge": round(sum(self._charges.values()), 2)}
