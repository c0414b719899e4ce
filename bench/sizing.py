"""`bench capacity`: the model's answer for one load, as a table or JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import capacity
from bench.billing import monthly_cost
from bench.capacity import Azure, Demand, GbSeconds, Load
from bench.headroom import Limit, limits
from bench.measured import Footprint, load

SIZES: Mapping[str, Load] = {
    "small": Load(tenants=50, alerts_per_day=20_000, peak_alerts_per_second=5),
    "medium": Load(tenants=1_000, alerts_per_day=2_000_000, peak_alerts_per_second=150),
    "large": Load(tenants=10_000, alerts_per_day=20_000_000, peak_alerts_per_second=1_000, largest_tenant_share=0.02),
}


@dataclass(frozen=True)
class Answer:
    """Everything that follows from a load."""

    load: Load
    average: Demand
    peak: Demand
    table: Azure
    stored_gb: float
    autoscale_maximum: int
    """In RU/s."""
    always_ready: Mapping[str, int]
    instances_at_peak: Mapping[str, float]
    gb_seconds: GbSeconds
    physical_partitions: int
    monthly_cost: Mapping[str, float]
    limits: Sequence[Limit]

    @property
    def total(self) -> float:
        """Per month, in the table's currency."""
        return sum(self.monthly_cost.values())

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        told = asdict(self)
        told["limits"] = [{**asdict(one), "used": round(one.used, 4), "near": one.is_near} for one in self.limits]
        return told | {"total": self.total}


def answer(asked: Load, measured: Footprint, table: Azure) -> Answer:
    """Compute everything for a load."""
    average = capacity.demand(asked, measured, asked.alerts_per_second)
    peak = capacity.demand(asked, measured, asked.peak_alerts_per_second)
    gb = capacity.stored_gb(asked, average)
    maximum = capacity.autoscale_maximum(peak.request_units, gb)
    return Answer(
        asked,
        average,
        peak,
        table,
        stored_gb=gb,
        autoscale_maximum=maximum,
        always_ready=capacity.always_ready(average),
        instances_at_peak=capacity.instances(peak),
        gb_seconds=capacity.gb_seconds(average),
        physical_partitions=capacity.physical_partitions(maximum, gb, table),
        monthly_cost=monthly_cost(asked, average, peak, measured, table),
        limits=limits(asked, average, peak, table),
    )


def print_answer(asked: Load, *, as_json: bool) -> None:
    """Compute with the kept figures and print."""
    found = answer(asked, load(), capacity.azure())
    if as_json:
        print(json.dumps(found.as_dict()))
        return
    console = Console(width=120)
    for table in (_demand(found), _cost(found), _limits(found)):
        console.print(table)
    console.print(f"{found.table.note} ({found.table.region}, {found.table.currency}, {found.table.as_of})")


def worked_sizes(answers: Mapping[str, Answer]) -> Sequence[str]:
    """The rows of the table in docs/capacity.md, one size a column."""
    rows: dict[str, list[str]] = {}
    for found in answers.values():
        asked, average, peak = found.load, found.average, found.peak
        ready, beyond = found.gb_seconds.ready / 1e6, found.gb_seconds.on_demand / 1e6
        for name, value in {
            "tenants": f"{asked.tenants:,}",
            "alerts a day": f"{asked.alerts_per_day:,.0f}",
            "alerts/s, average / peak": f"{asked.alerts_per_second:,.1f} / {asked.peak_alerts_per_second:,.0f}",
            "incidents a day": f"{average.incidents * 86_400:,.0f}",
            "RU/s, average / peak": f"{average.request_units:,.0f} / {peak.request_units:,.0f}",
            "autoscale maximum to set": f"{found.autoscale_maximum:,}",
            "documents, GB": f"{found.stored_gb:,.0f}",
            "physical partitions": f"{found.physical_partitions:,}",
            "queue operations/s, average / peak": f"{average.queue_operations:,.1f} / {peak.queue_operations:,.0f}",
            "blob writes/s, average / peak": f"{average.blob_writes:,.1f} / {peak.blob_writes:,.0f}",
            "always-ready instances": f"{sum(found.always_ready.values())}",
            "busy instances at the peak": f"{sum(found.instances_at_peak.values()):,.1f}",
            "million GB-seconds, always ready / on demand": f"{ready:,.1f} / {beyond:,.1f}",
            "model, a month": f"{found.monthly_cost['model']:,.0f}",
            "all else, a month": f"{found.total - found.monthly_cost['model']:,.0f}",
            "together, a month": f"{found.total:,.0f}",
        }.items():
            rows.setdefault(name, []).append(value)
    return [f"| {name} | {' | '.join(values)} |" for name, values in rows.items()]


def _demand(found: Answer) -> Table:
    table = _columns("asked for", "average", "peak")
    for name, unit in (
        ("request_units", "RU/s"),
        ("deliveries", "1/s"),
        ("queue_operations", "1/s"),
        ("blob_writes", "1/s"),
    ):
        table.add_row(
            f"{name.replace('_', ' ')}, {unit}",
            *(f"{getattr(one, name):,.1f}" for one in (found.average, found.peak)),
        )
    table.add_row("incidents, 1/h", f"{found.average.incidents * 3600:,.0f}", f"{found.peak.incidents * 3600:,.0f}")
    table.add_row("autoscale maximum, RU/s", "", f"{found.autoscale_maximum:,}")
    table.add_row(
        "always-ready / busy instances",
        str(sum(found.always_ready.values())),
        f"{sum(found.instances_at_peak.values()):,.1f}",
    )
    table.add_row("stored documents, GB", f"{found.stored_gb:,.0f}", "")
    table.add_row("physical partitions", f"{found.physical_partitions:,}", "")
    memory = found.gb_seconds
    table.add_row(
        "GB-seconds a month, always ready / of them busy", f"{memory.ready:,.0f}", f"{memory.ready_busy:,.0f}"
    )
    table.add_row("GB-seconds a month, on demand", f"{memory.on_demand:,.0f}", "")
    return table


def _cost(found: Answer) -> Table:
    table = _columns(f"a month, {found.table.currency} by list prices of {found.table.as_of}", "")
    for name, amount in found.monthly_cost.items():
        table.add_row(name, f"{amount:,.0f}")
    table.add_row("together", f"{found.total:,.0f}")
    return table


def _limits(found: Answer) -> Table:
    table = _columns("limits", "asked", "allowed", "used")
    for one in found.limits:
        table.add_row(f"{one.name}, {one.unit}", f"{one.asked:,.1f}", f"{one.allowed:,.0f}", f"{one.used:.0%}")
        if one.is_near:
            table.add_row(f"  → {one.measure}")
    return table


def _columns(first: str, *others: str) -> Table:
    table = Table(first, title_justify="left")
    for name in others:
        table.add_column(name, justify="right")
    return table
