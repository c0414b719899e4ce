"""What a load asks of Azure and costs in a month: pure functions of what was measured, list prices and assumptions.

docs/capacity.md says which figure is measured, which is computed and which is assumed. Rates are per second, sizes in
GB of 10^9 bytes, a month has 730 hours.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from pydantic import TypeAdapter

from bench.measured import IN_A_MESSAGE, Cost, Footprint
from shared.messages import QueueName
from shared.models.schedule import HEALTH_EVERY

FILE = Path(__file__).with_name("azure.json")
SECONDS_A_DAY, HOURS_A_MONTH = 86_400, 730
SECONDS_A_MONTH, DAYS_A_MONTH = HOURS_A_MONTH * 3600, HOURS_A_MONTH / 24
GB = 1e9
MILLION = 1e6

INSTANCE_GB, USABLE_CORE = 2.0, 0.6
"""An instance of 2,048 MB has one core (infra/stages.json); planning uses no more of it than this."""
MIN_ACTIVE_SECONDS = 1.0
"""What Flex Consumption bills at least when an instance wakes up."""
CONTEXT_SECONDS, CONTEXTS_AT_ONCE = 4.0, 24
"""How long a snapshot is waited for; batchSize and newBatchThreshold of host.json."""
MODEL_SECONDS, QUESTIONS_AT_ONCE = 10.0, 4
"""How long a model is waited for; MODEL_CALLS_AT_ONCE."""
PIECES_OF_WORK = 3
"""Per tenant and HEALTH_EVERY: the health of a Prometheus and of an Alertmanager, and what fires there."""
CHECK_REQUEST_UNITS, CHECK_CPU_SECONDS = 15.0, 0.02
API_REQUEST_UNITS, API_CPU_SECONDS = 12.0, 0.03
MESSAGE_OPERATIONS = 3
"""Put, receive, delete; measured are the first and the last, as one receive takes up to 16 messages."""
CLAIM_DAYS = 90
INDEX_FACTOR = 1.3
"""What indexes add to documents."""
READY: Mapping[str, int] = {"http": 2, "signals": 1, "context": 1, "hypotheses": 1, "checks": 0}
"""Always-ready instances of prod in infra/stages.json, which are the least."""


@dataclass(frozen=True)
class Load:
    """What arrives. Shares are between 0 and 1."""

    tenants: int
    alerts_per_day: float
    peak_alerts_per_second: float
    duplicate_share: float = 0.6
    """Of all alerts: repeats that a sender sends while an alert fires."""
    incident_share: float = 0.02
    """Of the alerts that are no repeats: those that open an incident, with a snapshot and a question."""
    alerts_per_delivery: float = 4.0
    input_tokens: float = 8_000.0
    cached_share: float = 0.6
    output_tokens: float = 1_500.0
    api_calls_per_incident: float = 60.0
    kept_days: float = 365.0
    """How long incidents are kept."""
    peak_hours_per_day: float = 2.0
    largest_tenant_share: float = 0.05

    @property
    def alerts_per_second(self) -> float:
        """On the average of a day."""
        return self.alerts_per_day / SECONDS_A_DAY


@dataclass(frozen=True)
class Azure:
    """List prices and published limits, as of a date; no price here is told as today's."""

    as_of: str
    region: str
    currency: str
    note: str
    prices: Mapping[str, float]
    limits: Mapping[str, float]


def azure(file: Path = FILE) -> Azure:
    """The table that is kept; ValidationError when it is not one."""
    return TypeAdapter(Azure).validate_json(file.read_bytes())


@dataclass(frozen=True)
class Demand:
    """What is asked per second while so many alerts arrive."""

    deliveries: float
    incidents: float
    checks: float
    api_calls: float
    request_units: float
    queue_operations: float
    """Puts, receives and deletes; polls of queues that are empty come on top."""
    blob_writes: float
    cpu: Mapping[str, float]
    """Cores, by scale group."""
    claim_bytes: float
    kept_bytes: float
    log_bytes: float


def in_deliveries_of(alerts: float, alone: Cost, of_many: Cost) -> Cost:
    """The cost of one of so many alerts: a part for each alert, and one for the delivery that they share.

    Fitted through what was measured for 1 and for 17. For 12 it says a tenth more than `bench ingest` measures.
    """
    names = [one.name for one in fields(Cost)]
    shared = {name: (getattr(alone, name) - getattr(of_many, name)) / (1 - 1 / IN_A_MESSAGE) for name in names}
    return Cost(**{name: getattr(alone, name) - part + part / alerts for name, part in shared.items()})


def demand(load: Load, measured: Footprint, alerts_per_second: float) -> Demand:
    """What so many alerts a second, and the tenants' scheduled work, ask for."""
    many = load.alerts_per_delivery
    fresh = alerts_per_second * (1 - load.duplicate_share)
    incidents = fresh * load.incident_share
    repeat = in_deliveries_of(many, measured.duplicate_alone, measured.duplicate_of_many)
    new = in_deliveries_of(many, measured.new_alone, measured.new_of_many)
    costs = (
        (alerts_per_second * load.duplicate_share, repeat),
        (fresh - incidents, new),
        (incidents, measured.incident),
    )
    total = {one.name: sum(rate * getattr(cost, one.name) for rate, cost in costs) for one in fields(Cost)}
    checks = load.tenants * PIECES_OF_WORK / HEALTH_EVERY.total_seconds()
    calls = incidents * load.api_calls_per_incident
    opened = incidents * measured.incident.worker_cpu_seconds
    return Demand(
        deliveries=alerts_per_second / many,
        incidents=incidents,
        checks=checks,
        api_calls=calls,
        request_units=total["request_units"] + checks * CHECK_REQUEST_UNITS + calls * API_REQUEST_UNITS,
        queue_operations=total["queue_operations"] / 2 * MESSAGE_OPERATIONS + checks * MESSAGE_OPERATIONS,
        blob_writes=total["blob_writes"],
        cpu={
            "http": total["web_cpu_seconds"] + calls * API_CPU_SECONDS,
            "signals": total["worker_cpu_seconds"] - opened,
            # Where an incident's seconds go was not told apart; context has most of them.
            "context": opened,
            "hypotheses": 0.0,
            "checks": checks * CHECK_CPU_SECONDS,
        },
        claim_bytes=total["claim_bytes"],
        kept_bytes=total["kept_bytes"],
        log_bytes=total["log_bytes"],
    )


def instances(asked: Demand) -> dict[str, float]:
    """How many instances each scale group keeps busy: by its core, or by what waits in it at once."""
    busy = {group: cores / USABLE_CORE for group, cores in asked.cpu.items()}
    busy["context"] = max(busy["context"], asked.incidents * CONTEXT_SECONDS / CONTEXTS_AT_ONCE)
    busy["hypotheses"] = asked.incidents * MODEL_SECONDS / QUESTIONS_AT_ONCE
    return busy


def active(asked: Demand) -> dict[str, float]:
    """How many instances are billed as active on the average.

    Work that comes by chance at a rate keeps an instance awake for the part 1 - e^(-rate * seconds) of the time.
    """
    rates = {
        "http": (asked.deliveries + asked.api_calls, MIN_ACTIVE_SECONDS),
        "signals": (asked.deliveries, MIN_ACTIVE_SECONDS),
        "context": (asked.incidents, CONTEXT_SECONDS),
        "hypotheses": (asked.incidents, MODEL_SECONDS),
        "checks": (asked.checks, MIN_ACTIVE_SECONDS),
    }
    busy = instances(asked)
    return {group: max(busy[group], 1 - math.exp(-rate * seconds)) for group, (rate, seconds) in rates.items()}


def always_ready(asked: Demand) -> dict[str, int]:
    """How many instances to keep ready: what the average needs, and never fewer than prod has."""
    busy = instances(asked)
    return {group: max(least, math.ceil(busy[group]) if least else 0) for group, least in READY.items()}


@dataclass(frozen=True)
class GbSeconds:
    """Of memory a month, as Flex Consumption bills it."""

    ready: float
    """What always-ready instances cost whether they work or not."""
    ready_busy: float
    """What they cost more while they work."""
    on_demand: float


def gb_seconds(average: Demand) -> GbSeconds:
    """What the instances of all scale groups hold in a month."""
    awake, ready, month = active(average), always_ready(average), INSTANCE_GB * SECONDS_A_MONTH
    return GbSeconds(
        ready=sum(ready.values()) * month,
        ready_busy=sum(min(awake[group], count) for group, count in ready.items()) * month,
        on_demand=sum(max(0.0, awake[group] - count) for group, count in ready.items()) * month,
    )


def autoscale_maximum(request_units: float, gb: float) -> int:
    """The maximum to set, in RU/s: a fifth above the peak, in thousands, and no less than storage demands.

    Autoscale does not go below a tenth of its maximum, and Azure wants at least 1 RU/s a GB even then.
    """
    return max(1000, math.ceil(max(request_units * 1.2, gb * 10) / 1000) * 1000)


def physical_partitions(maximum: float, gb: float, table: Azure) -> int:
    """How many there are at least; each has its equal part of the maximum."""
    by_throughput = maximum / table.limits["physical_partition_ru"]
    return max(1, math.ceil(by_throughput), math.ceil(gb / table.limits["physical_partition_gb"]))


def stored_gb(load: Load, asked: Demand) -> float:
    """Documents with their indexes once as many expire as arrive."""
    claims = asked.claim_bytes * SECONDS_A_DAY * CLAIM_DAYS
    kept = asked.kept_bytes * SECONDS_A_DAY * load.kept_days
    return INDEX_FACTOR * (claims + kept) / GB


def polls_per_second(measured: Footprint, ready: Mapping[str, int]) -> float:
    """Of the instances that are always there: each asks one queue, where the measured host asked all eight."""
    of_one = measured.polls_per_second / (2 * len(QueueName))
    return of_one * sum(count for group, count in ready.items() if group != "http")
