"""`python -m bench storm`: ten thousand alerts in their minute, then the same bodies as fast as they are taken."""

from dataclasses import replace

from bench.figures import Goal, no_loss
from bench.generator import Shape, Storm
from bench.report import Report, add_acknowledged, add_run, figures_of
from bench.run import Run, fast, measure
from bench.sending import Send, Sent, send_in_time

STORED_PER_SECOND = 600.0
P99_MS = 1000.0
AT_ONCE = 32


async def run_storm(shape: Shape, seed: int) -> int:
    """Measure, print, and return the exit code."""
    report = Report("storm", seed)
    paced = await measure(shape, seed, _in_time)
    _add(report, f"in {shape.seconds:g} s, each body at its time", paced)
    burst = await measure(replace(shape, prefix="burst"), seed, fast(AT_ONCE))
    _add(report, f"as fast as taken, {AT_ONCE} at a time", burst)
    report.goals += [
        Goal("distinct alerts/s stored, as fast as taken", burst.stored_per_second, STORED_PER_SECOND, at_least=True),
        Goal("acknowledgement p99 ms, each at its time", paced.acknowledged.p99_ms, P99_MS),
        Goal("acknowledgement p99 ms, as fast as taken", burst.acknowledged.p99_ms, P99_MS),
    ]
    report.figures |= {"in_time": figures_of(paced), "burst": figures_of(burst)}
    return report.finish()


def _add(report: Report, title: str, run: Run) -> None:
    report.section(title)
    add_acknowledged(report, run.acknowledged, run.floor)
    add_run(report, run)
    report.goals += no_loss(lost=run.lost, twice=run.books.twice())


async def _in_time(storm: Storm, send: Send) -> list[Sent]:
    return await send_in_time(storm.deliveries, send)
