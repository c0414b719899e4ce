"""`python -m evals confidence` measures confidence, `python -m evals calibrate` fits it."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from evals.confidence.cases import Judged, judged, ranker_version
from evals.confidence.fitting import global_curve, weights_for
from evals.confidence.report import Report
from shared.hypotheses.calibration import SHIPPED, calibrated, shipped
from shared.hypotheses.confidence import raw_from
from shared.hypotheses.quality import quality_of
from shared.models.calibration import Curve

RECORDED = Path(__file__).with_name("judged.json")
"""Raw confidence and outcome of the judged seed: `make test` holds the goals to it, as ranking it anew takes long."""
FITTED_TO, JUDGED_ON = (1, 2), 1001


def confidence(
    seed: Annotated[int, typer.Option(help="From 1000 on nothing is fitted to it.")] = JUDGED_ON,
    cases: Annotated[int, typer.Option(min=1, help="How many made-up incidents.")] = 200,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Confidence against the truth of made-up incidents: exit 0 when the goals are met, else 1."""
    report = report_of(seed, cases, predicted(judged(seed, cases)), shipped())
    typer.echo(json.dumps(report.as_plain()) if as_json else report.as_text())
    raise SystemExit(0 if report.meets_goals else 1)


def calibrate(
    cases: Annotated[int, typer.Option(min=50, help="How many made-up incidents of each seed.")] = 250,
    *,
    weights: Annotated[bool, typer.Option(help="Print the weights that would fit best, and write nothing.")] = False,
) -> None:
    """Fit the global calibration to seeds 1 and 2, and judge it on seed 1001: exit 0 when the goals are met, else 1.

    It writes shared/hypotheses/calibration.json and evals/confidence/judged.json. Needed after each change of the
    ranker; takes some minutes.
    """
    given = [one for seed in FITTED_TO for one in judged(seed, cases)]
    if weights:
        typer.echo(json.dumps(weights_for(given)))
        return
    curve = global_curve(given, ranker_version=ranker_version(), now=datetime.now(UTC).replace(microsecond=0))
    found = predicted(judged(JUDGED_ON, cases))
    SHIPPED.write_text(f"{curve.model_dump_json(indent=2)}\n", encoding="utf-8")
    RECORDED.write_text(_as_lines(cases, found), encoding="utf-8")
    report = report_of(JUDGED_ON, cases, found, curve)
    typer.echo(report.as_text())
    raise SystemExit(0 if report.meets_goals else 1)


Prediction = tuple[str, float, bool]
"""The incident, the raw confidence of one of its hypotheses, and whether that was right."""


def predicted(given: Iterable[Judged]) -> list[Prediction]:
    """What is said of each hypothesis before calibration, and what is true of it."""
    return [(one.case, raw_from(one.factors), one.was_right) for one in given]


def recorded() -> tuple[int, list[Prediction]]:
    """How many incidents of the judged seed were recorded, and what was said of them."""
    held = json.loads(RECORDED.read_text(encoding="utf-8"))
    return held["cases"], [(case, raw, right) for case, raw, right in held["predictions"]]


def report_of(seed: int, cases: int, found: Iterable[Prediction], curve: Curve) -> Report:
    """How far these can be believed by a curve."""
    quality = quality_of([(calibrated(raw, curve), right) for _, raw, right in found])
    return Report(seed, cases, curve.version, quality)


def _as_lines(cases: int, found: Iterable[Prediction]) -> str:
    rows = ",\n".join(json.dumps(one) for one in found)
    return f'{{"cases": {cases}, "predictions": [\n{rows}\n]}}\n'
