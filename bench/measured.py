"""What `bench footprint` measured last, for the capacity model."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

FILE = Path(__file__).with_name("footprint.json")
IN_A_MESSAGE = 17
"""How many alerts a delivery of many has."""


@dataclass(frozen=True)
class Cost:
    """What one alert, or one incident, costs on the average."""

    request_units: float
    """By the stand-in's formula: read 1 a KB, write 5.3 a KB, twice for a replacement. An estimate, not a bill."""
    queue_operations: float
    """Puts and deletes. Receives come on top: one for up to 16 messages."""
    blob_writes: float
    web_cpu_seconds: float
    worker_cpu_seconds: float
    claim_bytes: float
    """Documents that expire."""
    kept_bytes: float
    """Documents that stay as long as their incident."""
    log_bytes: float


@dataclass(frozen=True)
class Footprint:
    """What was measured, and when."""

    measured_on: str
    new_alone: Cost
    """A new alert of an open incident, in a delivery of its own."""
    new_of_many: Cost
    """The same in a delivery of 17."""
    duplicate_alone: Cost
    duplicate_of_many: Cost
    incident: Cost
    """What an alert costs that opens one: signal, snapshot from Prometheus, one question to a model."""
    polls_per_second: float
    """Of all queues together, by one idle host."""


def load(file: Path = FILE) -> Footprint:
    """The last figures that were written; ValidationError when the file is not what it was."""
    return TypeAdapter(Footprint).validate_json(file.read_bytes())
