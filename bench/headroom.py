"""Which of Azure's limits a load comes near, and what to do before it is there: pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.capacity import (
    CLAIM_DAYS,
    GB,
    INDEX_FACTOR,
    MESSAGE_OPERATIONS,
    PIECES_OF_WORK,
    SECONDS_A_DAY,
    Azure,
    Demand,
    Load,
    autoscale_maximum,
    instances,
    physical_partitions,
    stored_gb,
)
from shared.messages import MAX_MESSAGE_BYTES
from shared.models.schedule import HEALTH_EVERY, SHARDS
from shared.pipeline.due import PER_SHARD

ALERT_BYTES = 1_500
"""Of one alert in a body of Alertmanager's, assumed."""
WORK_UNTIL = 0.7
"""From this part of a limit on, do what is said about it."""


@dataclass(frozen=True)
class Limit:
    """A limit and how much of it is asked for."""

    name: str
    asked: float
    allowed: float
    unit: str
    measure: str
    """What to do before it is reached."""

    @property
    def used(self) -> float:
        """The part of it that is used; beyond 1 it is passed."""
        return self.asked / self.allowed

    @property
    def is_near(self) -> bool:
        """Whether it is time to do something."""
        return self.used >= WORK_UNTIL


def limits(load: Load, average: Demand, peak: Demand, table: Azure) -> Sequence[Limit]:
    """Every limit that is known to matter, those of one tenant for the largest."""
    return (
        *_of_one_tenant(load, average, peak, table),
        *_of_queues(load, peak, table),
        *_of_instances(peak, table),
        _of_the_model(load, peak, table),
        _of_due_work(load),
    )


def _of_one_tenant(load: Load, average: Demand, peak: Demand, table: Azure) -> tuple[Limit, Limit]:
    """A tenant's claims and its list of incidents are one logical partition each, which cannot be split.

    Its throughput is that of its physical partition: an equal part of the maximum, which shrinks as data grows.
    """
    share, gb = load.largest_tenant_share, stored_gb(load, average)
    maximum = autoscale_maximum(peak.request_units, gb)
    part = min(table.limits["physical_partition_ru"], maximum / physical_partitions(maximum, gb, table))
    claims = average.claim_bytes * SECONDS_A_DAY * CLAIM_DAYS * INDEX_FACTOR / GB
    return (
        Limit(
            "request units of the largest tenant",
            peak.request_units * share,
            part,
            "RU/s",
            "keep less (old incidents, bodies of snapshots), raise maxRu, or lower the tenant's quota, which delays",
        ),
        Limit(
            "claims of the largest tenant",
            claims * share,
            table.limits["logical_partition_gb"],
            "GB",
            "shorten the claims' TTL; it has to outlast the longest alert",
        ),
    )


def _of_queues(load: Load, peak: Demand, table: Azure) -> tuple[Limit, Limit, Limit]:
    return (
        Limit(
            "messages of the queue signals",
            peak.deliveries,
            table.limits["queue_messages_per_second"],
            "1/s",
            "let senders group more (group_wait, group_by); then a second installation for a part of the tenants",
        ),
        Limit(
            "operations of the storage account",
            peak.deliveries * MESSAGE_OPERATIONS + peak.queue_operations / 2 + peak.blob_writes,
            table.limits["storage_operations_per_second"],
            "1/s",
            "an account of its own for blobs, then a second installation",
        ),
        Limit(
            "a delivery inside of a message",
            load.alerts_per_delivery * ALERT_BYTES / 1024,
            MAX_MESSAGE_BYTES / 1024,
            "KiB",
            "nothing: a larger one becomes a blob and one message, at one blob write and one read more",
        ),
    )


def _of_instances(peak: Demand, table: Azure) -> tuple[Limit, Limit]:
    busy = instances(peak)
    return (
        Limit(
            "cores of all instances",
            sum(busy.values()),
            table.limits["regional_cores"],
            "cores",
            "ask for more quota in the region, weeks before",
        ),
        Limit(
            "instances of the largest scale group",
            max(busy.values()),
            table.limits["instances_per_app"],
            "instances",
            "raise maximumInstances (infra/stages.json), then a second installation",
        ),
    )


def _of_the_model(load: Load, peak: Demand, table: Azure) -> Limit:
    return Limit(
        "tokens a minute of the model",
        peak.incidents * 60 * (load.input_tokens + load.output_tokens),
        table.limits["model_tokens_per_minute"],
        "tokens",
        "ask for more capacity, or reserve throughput; until then the ranker's answer stands, and says why",
    )


def _of_due_work(load: Load) -> Limit:
    """Ours, not Azure's: what the timer takes of the shards in a minute."""
    return Limit(
        "checks a minute",
        load.tenants * PIECES_OF_WORK * 60 / HEALTH_EVERY.total_seconds(),
        PER_SHARD * len(SHARDS),
        "1/min",
        "raise PER_SHARD or let the timer run more often; beyond it checks come later than every five minutes",
    )
