"""What a load costs in a month by list prices: a pure function; the prices have a date and are to be checked."""

from bench.capacity import (
    GB,
    HOURS_A_MONTH,
    MILLION,
    SECONDS_A_DAY,
    SECONDS_A_MONTH,
    Azure,
    Demand,
    Load,
    always_ready,
    autoscale_maximum,
    gb_seconds,
    polls_per_second,
    stored_gb,
)
from bench.measured import Footprint

RECEIPT_DAYS, RECEIPT_BYTES = 30, 2_000
TELEMETRY_FACTOR = 5.0
"""What Application Insights stores for a byte that the local host logs: columns, dependencies, after sampling."""
PRIVATE_ENDPOINTS = 6
"""Of prod: blobs, queues, tables, Cosmos DB, the vault, Azure OpenAI."""


def monthly_cost(load: Load, average: Demand, peak: Demand, measured: Footprint, table: Azure) -> dict[str, float]:
    """By what is billed, in the table's currency; without free grants."""
    price, ready = table.prices, always_ready(average)
    memory = gb_seconds(average)
    executions = average.deliveries * 2 + average.incidents * 2 + average.checks + average.api_calls
    polls = polls_per_second(measured, ready)
    gb = stored_gb(load, average)
    least = 0.1 * autoscale_maximum(peak.request_units, gb)
    busiest, quiet = max(least, peak.request_units), max(least, average.request_units)
    throughput = (load.peak_hours_per_day * busiest + (24 - load.peak_hours_per_day) * quiet) / 24
    receipts = average.deliveries * RECEIPT_BYTES * SECONDS_A_DAY * RECEIPT_DAYS / GB
    question = (
        load.input_tokens * (1 - load.cached_share) * price["model_million_input_tokens"]
        + load.input_tokens * load.cached_share * price["model_million_cached_tokens"]
        + load.output_tokens * price["model_million_output_tokens"]
    ) / MILLION
    return {
        "Cosmos DB, throughput": throughput / 100 * HOURS_A_MONTH * price["cosmos_autoscale_100_ru_hour"],
        "Cosmos DB, storage and backup": gb
        * (price["cosmos_storage_gb_month"] + price["cosmos_backup_30_days_gb_month"]),
        "queues": (average.queue_operations + polls) * SECONDS_A_MONTH / 10_000 * price["queue_10000_operations"],
        "blobs": average.blob_writes * SECONDS_A_MONTH / 10_000 * price["blob_10000_writes"]
        + receipts * price["blob_storage_gb_month"],
        "functions, always ready": memory.ready * price["flex_ready_idle_gb_second"]
        + memory.ready_busy * price["flex_ready_busy_gb_second"],
        "functions, on demand": memory.on_demand * price["flex_on_demand_gb_second"],
        "functions, executions": executions * SECONDS_A_MONTH / MILLION * price["flex_million_executions"],
        "model": average.incidents * SECONDS_A_MONTH * question,
        "logs": average.log_bytes * TELEMETRY_FACTOR * SECONDS_A_MONTH / GB * price["logs_gb"],
        "Front Door and private endpoints": price["fixed_front_door_month"]
        + PRIVATE_ENDPOINTS * price["fixed_private_endpoint_month"],
    }
