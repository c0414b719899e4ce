"""What Cosmos DB operations cost, by one price table for documents of 1 KB. For comparing designs, not for a bill."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PRICES: Mapping[str, float] = {"read": 1, "create": 6, "delete": 6, "replace": 11, "upsert": 11, "patch": 11}
QUERY_MINIMUM = 3.0
PER_DOCUMENT = 0.5
FAILED = 1.0
"""An operation that was refused (404, 409, 412) still costs about a point read."""
METADATA = "metadata"


@dataclass(frozen=True)
class Operations:
    """What the store was asked: how often each kind, and what it costs by the table."""

    by_kind: Counter[str]
    cost: float
    charge: float
    """What the stand-in charged by its own formula, which counts kilobytes too."""

    def __add__(self, other: "Operations") -> "Operations":
        return Operations(self.by_kind + other.by_kind, self.cost + other.cost, self.charge + other.charge)


def operations_of(summary: Mapping[str, Any]) -> Operations:
    """The stand-in's counters in the bench's terms; metadata, which a client reads once, is left out."""
    lines = [line for line in summary["operations"] if line["operation"] != METADATA]
    return sum((_line(line) for line in lines), Operations(Counter(), 0.0, 0.0))


def _line(line: Mapping[str, Any]) -> Operations:
    kind, parts = str(line["operation"]), line["parts"]
    done = line["count"] - line["failed"]
    by_kind = Counter({kind: line["count"]})
    match kind:
        case "batch":
            by_kind += Counter({f"batched {part}": count for part, count in parts.items()})
            cost = sum(PRICES[part] * count for part, count in parts.items())
        case "query" | "read_feed" | "change_feed":
            pages = {int(documents): times for documents, times in parts.items()}
            by_kind += Counter({"documents of queries": sum(size * times for size, times in pages.items())})
            cost = sum(max(QUERY_MINIMUM, PER_DOCUMENT * size) * times for size, times in pages.items())
        case _:
            cost = PRICES[kind] * done
    return Operations(by_kind, cost + FAILED * line["failed"], float(line["request_charge"]))


def per(operations: Operations, alerts: int) -> dict[str, float]:
    """How often each kind is done for one alert."""
    return {kind: round(count / alerts, 3) for kind, count in sorted(operations.by_kind.items())}


def kinds_of(all_of: Iterable[Operations]) -> list[str]:
    """Every kind that any of them holds."""
    return sorted({kind for one in all_of for kind in one.by_kind})
