"""`python -m bench ingest`: acknowledgements beside the floor at two concurrencies, and what an alert costs."""

from bench.costs import CostLine, measure_costs
from bench.figures import Acknowledged, Goal, no_loss
from bench.generator import Shape
from bench.report import Report, add_acknowledged, add_run, figures_of
from bench.run import Run, accepted_alone, fast, measure

CONCURRENCIES = (8, 32)
TIMES_FLOOR_P99 = 2.5
PART_OF_FLOOR_RATE = 0.6


async def run_ingest(shape: Shape, seed: int) -> int:
    """Measure, print, and return the exit code."""
    report = Report("ingest", seed)
    for concurrency in CONCURRENCIES:
        pace = fast(concurrency)
        _add(report, concurrency, await measure(shape, seed, pace), await accepted_alone(shape, seed, pace))
    for line in await measure_costs():
        _add_cost(report, line)
    return report.finish()


def _add(report: Report, concurrency: int, run: Run, alone: Acknowledged) -> None:
    report.section(f"concurrency {concurrency}, nothing ingested meanwhile")
    add_acknowledged(report, alone, run.floor)
    _add_goals(report, alone, run.floor, f"at concurrency {concurrency}, nothing ingested meanwhile")
    report.section(f"concurrency {concurrency}, while it is ingested")
    add_acknowledged(report, run.acknowledged, run.floor)
    _add_goals(report, run.acknowledged, run.floor, f"at concurrency {concurrency}, while it is ingested")
    add_run(report, run)
    report.goals += no_loss(lost=run.lost, twice=run.books.twice())
    report.figures[f"concurrency_{concurrency}"] = {**figures_of(run), "accepted_alone": alone.as_dict()}


def _add_goals(report: Report, measured: Acknowledged, floor: Acknowledged, when: str) -> None:
    times = measured.p99_ms / floor.p99_ms
    part = measured.webhooks_per_second / floor.webhooks_per_second
    report.goals += [
        Goal(f"acknowledgement p99, times the floor's, {when}", round(times, 2), TIMES_FLOOR_P99),
        Goal(f"webhooks/s, part of the floor's, {when}", round(part, 2), PART_OF_FLOOR_RATE, at_least=True),
    ]


def _add_cost(report: Report, line: CostLine) -> None:
    report.section(f"{line.name}, per alert")
    for kind, times in line.per_alert.items():
        report.add(kind, f"{times:.2f}")
    report.add("cost by the price table", f"{line.cost:.1f}")
    report.add("charge by the stand-in's formula, which counts kilobytes", f"{line.charge:.1f}")
    report.figures.setdefault("costs", {})[line.name] = line.as_dict()
    if line.limit is not None:
        report.goals.append(Goal(f"RU-units: {line.name}", round(line.cost, 2), line.limit))
