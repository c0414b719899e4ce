"""What a command prints: a table for people, one JSON line for machines, and an exit code when alerts were lost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Acknowledged, Goal
from bench.run import Run

console = Console()
Row = tuple[str, str, str]


@dataclass
class Report:
    """Collects what a command found."""

    command: str
    seed: int
    beside: str = "floor"
    """What the second column of figures is."""
    rows: list[Row] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: object, beside: object = "") -> None:
        """One line: a figure and, where there is one, the floor's beside it."""
        self.rows.append((name, _shown(value), _shown(beside)))

    def section(self, title: str) -> None:
        """Begin a group of lines."""
        self.rows.append((f"[bold]{title}[/bold]", "", ""))

    def finish(self) -> int:
        """Print everything; 1 when an alert was lost or stored twice, whatever else was met."""
        beside = (self.beside,) if any(floor for _, _, floor in self.rows) else ()
        console.print(_table(self.command, ("", "measured", *beside), self.rows))
        lines = [
            (one.name, f"{one.value:g}", f"{one.asked}: {'met' if one.is_met else 'MISSED'}") for one in self.goals
        ]
        if lines:
            console.print(_table("goals", ("", "measured", "asked"), lines))
        goals = [{"name": one.name, "value": one.value, "asked": one.asked, "met": one.is_met} for one in self.goals]
        print(json.dumps({"bench": self.command, "seed": self.seed, **self.figures, "goals": goals}))
        return int(any(one.must and not one.is_met for one in self.goals))


def _table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(columns[0])
    for name in columns[1:]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row[: len(columns)])
    return table


def _shown(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def add_acknowledged(report: Report, measured: Acknowledged, floor: Acknowledged) -> None:
    """The acknowledgements beside the floor's."""
    beside = floor.as_dict()
    for name, value in measured.as_dict().items():
        report.add(name.replace("_", " "), value, beside[name])


def add_run(report: Report, run: Run) -> None:
    """What became of the alerts and what it took."""
    alerts = run.storm.alerts
    report.add("alerts sent, repeats included", alerts)
    report.add("distinct alerts", len(run.storm.distinct))
    report.add("distinct alerts/s until all stored", run.stored_per_second)
    report.add("first post to stored, p50 s", run.lag_seconds(50))
    report.add("first post to stored, p99 s", run.lag_seconds(99))
    report.add("lost", run.lost)
    report.add("twice", run.books.twice())
    report.add("incidents", run.books.incidents)
    report.add("dead letters", run.books.dead_letters)
    for kind, count in sorted(run.operations.by_kind.items()):
        report.add(f"{kind} per alert", f"{count / alerts:.3f}")
    report.add("store cost per alert by the price table", f"{run.operations.cost / alerts:.1f}")
    for kind, count in sorted(run.storage.items()):
        report.add(f"{kind} per alert", f"{count / alerts:.3f}")
    for name, seconds in run.cpu.items():
        report.add(f"CPU s per 1,000 alerts, {name}", f"{1000 * seconds / alerts:.2f}")


def figures_of(run: Run) -> Mapping[str, Any]:
    """The same for the JSON line."""
    alerts = run.storm.alerts
    return {
        "acknowledged": run.acknowledged.as_dict(),
        "floor": run.floor.as_dict(),
        "alerts": alerts,
        "distinct": len(run.storm.distinct),
        "stored_per_second": round(run.stored_per_second, 1),
        "stored_lag_seconds": {f"p{part}": round(run.lag_seconds(part), 2) for part in (50, 95, 99, 100)},
        "lost": run.lost,
        "twice": run.books.twice(),
        "incidents": run.books.incidents,
        "dead_letters": run.books.dead_letters,
        "operations_per_alert": {kind: round(n / alerts, 3) for kind, n in sorted(run.operations.by_kind.items())},
        "store_cost_per_alert": round(run.operations.cost / alerts, 2),
        "storage_requests_per_alert": {kind: round(n / alerts, 3) for kind, n in sorted(run.storage.items())},
        "cpu_seconds_per_1000_alerts": {name: round(1000 * one / alerts, 2) for name, one in run.cpu.items()},
    }
