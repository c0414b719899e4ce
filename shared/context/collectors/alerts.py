"""Which alerts make up the incident."""

from collections.abc import Sequence

from shared.context.look import Collected, View
from shared.models.evidence import AlertEvidence
from shared.models.signals import AlertStatus, Signal
from shared.redaction import safe_text

MAX_ALERTS = 100
MAX_SUMMARY_CHARS = 300
MAX_EXPRESSION_CHARS = 1000
MAX_NAME_CHARS = 120


async def collect_alerts(view: View) -> Collected:
    """The incident's alerts."""
    return alerts_of(view.signals)


def alerts_of(signals: Sequence[Signal]) -> Collected:
    """These alerts; of a storm, those that fire and are worst."""
    worst = sorted(
        signals,
        key=lambda one: (one.status is not AlertStatus.FIRING, one.severity.rank, one.timestamp, one.id),
    )
    left_out = len(signals) - MAX_ALERTS
    return Collected(
        evidence=tuple(_evidence(signal) for signal in worst[:MAX_ALERTS]),
        warnings=(f"{left_out} more alerts are left out",) if left_out > 0 else (),
    )


def _evidence(signal: Signal) -> AlertEvidence:
    alert = signal.normalized_data
    return AlertEvidence(
        name=safe_text(alert.name, MAX_NAME_CHARS),
        service=signal.service_name,
        severity=signal.severity,
        status=signal.status,
        summary=safe_text(alert.summary, MAX_SUMMARY_CHARS),
        starts_at=signal.timestamp,
        expression=None if alert.expression is None else safe_text(alert.expression, MAX_EXPRESSION_CHARS),
    )
