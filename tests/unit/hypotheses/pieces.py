"""One piece of evidence of each kind, with values that tests know."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.models.changes import ChangeKind
from shared.models.evidence import (
    AlertEvidence,
    BurnRate,
    ChangeEvidence,
    EdgeEvidence,
    Evidence,
    ExpressionEvidence,
    ExpressionSeries,
    LimitEvidence,
    PastIncidentEvidence,
    Points,
    RelatedEvidence,
    RunbookEvidence,
    SeriesEvidence,
    SilenceEvidence,
    SloEvidence,
)
from shared.models.measures import Direction, Metric, Movement, Pressure, Relation
from shared.models.signals import AlertStatus, Severity
from tests.builders import NOON

POINTS: Points = tuple((NOON.timestamp() + 10 * number, value) for number, value in enumerate((0.1, 0.2, 0.9, 0.5)))


def a_series(**changes: Any) -> SeriesEvidence:
    """payment's error ratio went from 0.02 to 0.4523 at noon."""
    moved = Movement(
        baseline_median=0.02, baseline_spread=0.005, baseline_samples=60, current=0.4523, score=4.46,
        direction=Direction.UP, onset_at=NOON,
    )  # fmt: skip
    fields: dict[str, Any] = {
        "id": "Eseries", "service": "payment", "relation": Relation.CALLEE, "metric": Metric.ERROR_RATIO,
        "points": POINTS, "movement": moved, "said": "The error ratio of payment rose to 45.2 % at 12:00:00 UTC.",
    }  # fmt: skip
    return SeriesEvidence(**{**fields, **changes})


def moved(**changes: Any) -> Movement:
    """That series' movement, changed."""
    return a_series().movement.model_copy(update=changes)


def a_change(**changes: Any) -> ChangeEvidence:
    """payment 2.4.1 replaced 2.4.0, 40 s before noon."""
    fields: dict[str, Any] = {
        "id": "Echange", "service": "payment", "version": "2.4.1", "previous_version": "2.4.0", "author": "kim",
        "change": ChangeKind.DEPLOY, "at": NOON - timedelta(seconds=40), "seconds_before_onset": 40.0,
    }  # fmt: skip
    return ChangeEvidence(**{**fields, **changes})


def an_edge(**changes: Any) -> EdgeEvidence:
    """checkout calls payment 12.5 times a second; 45 % fail."""
    fields: dict[str, Any] = {
        "id": "Eedge", "caller": "checkout", "callee": "payment", "calls_per_second": 12.5, "failed_ratio": 0.45,
        "seen_at": NOON,
    }  # fmt: skip
    return EdgeEvidence(**{**fields, **changes})


def an_expression(*series: Points, **changes: Any) -> ExpressionEvidence:
    """What the alert compares with 0.05."""
    told = tuple(ExpressionSeries(labels={"n": str(number)}, points=points) for number, points in enumerate(series))
    fields: dict[str, Any] = {
        "id": "Eexpression", "service": "payment", "alert_name": "HighErrorRatio", "operator": ">",
        "threshold": 0.05, "series": told, "is_true_now": True,
    }  # fmt: skip
    return ExpressionEvidence(**{**fields, **changes})


def one_of_each() -> Mapping[str, Evidence]:
    """By id."""
    pieces: list[Evidence] = [
        a_series(),
        a_change(),
        an_edge(),
        an_expression(POINTS),
        LimitEvidence(
            id="Elimit", service="payment", relation=Relation.SELF, resource="connection_pool", carrier="process",
            subject="payment-pool", value=0.98, value_before=0.4, pressure=Pressure.EXCEEDED, unit="ratio",
        ),
        LimitEvidence(
            id="Ethreads", service="payment", relation=Relation.SELF, resource="threads", carrier="process",
            subject="payment", value=12, pressure=Pressure.NEAR, unit="threads",
        ),
        AlertEvidence(
            id="Ealert", name="HighErrorRatio", service="checkout", severity=Severity.CRITICAL,
            status=AlertStatus.FIRING, summary="customers see errors", starts_at=NOON + timedelta(seconds=30),
            expression=None,
        ),
        SloEvidence(
            id="Eslo", service="payment", name="availability", objective=0.999, period_days=30, budget_left=-0.2,
            burn_rates=(BurnRate(window_seconds=300, rate=14.4),), told_by="sloth",
        ),
        RelatedEvidence(
            id="Erelated", name="PodRestarts", service="payment", status=AlertStatus.FIRING, starts_at=NOON, score=0.7
        ),
        SilenceEvidence(
            id="Esilence", silence_id="s", service="payment", matchers=(), created_by="kim", starts_at=NOON,
            ends_at=NOON + timedelta(hours=1),
        ),
        RunbookEvidence(id="Erunbook", runbook_id="r", service="payment", title="Errors", excerpt="", score=0.8),
        PastIncidentEvidence(
            id="Epast", incident_id="inc-1", service="payment", title="Errors", detected_at=NOON - timedelta(days=3),
            similarity=0.9, ended="rolled back",
        ),
    ]  # fmt: skip
    return {piece.id: piece for piece in pieces}
