"""`python -m evals`: measure the product's decisions on labelled cases."""

import asyncio
import json
from enum import StrEnum
from typing import Annotated

import typer

from evals.confidence.command import calibrate, confidence
from evals.correlation import Known, Outcome, Summary, measured, orders_of, outcome_of
from evals.ranking.command import rank
from evals.replay import replay
from evals.storms import Storm, make_storm
from shared.models.correlation import CorrelationPolicy

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


class Through(StrEnum):
    """What plays the storms."""

    SIMULATION = "simulation"
    PIPELINE = "pipeline"


app.command()(replay)


@app.callback()
def evals() -> None:
    """Measure the product's decisions on labelled cases."""


app.command()(rank)
app.command()(confidence)
app.command()(calibrate)


@app.command()
def correlation(
    seed: Annotated[int, typer.Option(help="The first storm; the others have the seeds after it.")] = 1,
    storms: Annotated[int, typer.Option(min=1, help="How many storms.")] = 20,
    orders: Annotated[int, typer.Option(min=1, help="Orders of arrival in which every storm is played.")] = 5,
    known: Annotated[Known, typer.Option(help="What correlation knows beside the alerts.")] = Known.ALL,
    through: Annotated[
        Through, typer.Option(help="The pure decisions, or the whole ingestion.")
    ] = Through.SIMULATION,
    link_at: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Threshold of a link.")
    ] = CorrelationPolicy().link_at,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Storms of six faults over forty services: exit 0 when the goals are met, else 1."""
    policy = CorrelationPolicy(link_at=link_at)
    summary = Summary(
        [_played(make_storm(one), through, known, policy, orders=orders) for one in range(seed, seed + storms)]
    )
    typer.echo(_as_json(summary) if as_json else _as_text(summary))
    raise SystemExit(0 if summary.meets_goals else 1)


def _played(storm: Storm, through: Through, known: Known, policy: CorrelationPolicy, *, orders: int) -> Outcome:
    if through is Through.SIMULATION:
        return measured(storm, orders=orders, known=known, policy=policy)
    from evals.through_pipeline import ingested

    return outcome_of(
        storm, [asyncio.run(ingested(storm, order, known=known, policy=policy)) for order in orders_of(storm, orders)]
    )


def _as_json(summary: Summary) -> str:
    each = [
        {
            "seed": one.seed,
            "precision": round(one.bcubed.precision, 3),
            "recall": round(one.bcubed.recall, 3),
            "incidents": one.incidents,
            "twins_merged": one.twins_merged,
            "same_in_every_order": one.is_same_in_every_order,
        }
        for one in summary.outcomes
    ]
    return json.dumps({"meets_goals": summary.meets_goals, **summary.figures(), "each": each})


def _as_text(summary: Summary) -> str:
    lines = [
        f"{'seed':>6} {'alerts':>6} {'services':>8} {'precision':>9} {'recall':>7} {'incidents':>9} {'moves':>6}"
    ]
    for one in summary.outcomes:
        notes = ["unrelated faults merged"] * one.twins_merged + ["depends on the order"] * (
            not one.is_same_in_every_order
        )
        lines.append(
            f"{one.seed:>6} {one.alerts:>6} {one.services:>8} {one.bcubed.precision:>9.3f} {one.bcubed.recall:>7.3f}"
            f" {one.incidents:>9} {one.moves:>6}  {', '.join(notes)}".rstrip()
        )
    lines += [f"{name.replace('_', ' ')}: {value}" for name, value in summary.figures().items()]
    return "\n".join([*lines, "the goals are met" if summary.meets_goals else "the goals are NOT met"])


if __name__ == "__main__":
    app()
