"""From labels to our own terms: which service, how severe, which alert."""

from collections.abc import Mapping

from shared.models.signals import Severity

MAX_SERVICE_CHARS = 120

SERVICE_LABELS = (
    "service",
    "service_name",
    "service.name",
    "app",
    "app_kubernetes_io_name",
    "app.kubernetes.io/name",
    "deployment",
    "statefulset",
    "daemonset",
    "job",
    "alertname",
)
"""The label that names the service, the most deliberate first; the alert's own name is better than one bucket.

Dots and slashes are in names since Alertmanager 0.27 and Prometheus 3 take any UTF-8.
"""

_SEVERITIES: Mapping[str, Severity] = {
    **dict.fromkeys(
        ("critical", "crit", "page", "error", "high", "emergency", "fatal", "disaster", "p0", "p1", "sev0", "sev1"),
        Severity.CRITICAL,
    ),
    **dict.fromkeys(
        ("warning", "warn", "medium", "major", "minor", "average", "ticket", "p2", "p3", "sev2", "sev3"),
        Severity.WARNING,
    ),
    **dict.fromkeys(("info", "information", "none", "low", "notice", "debug", "p4", "p5", "sev4"), Severity.INFO),
}


def service_of(labels: Mapping[str, str]) -> tuple[str, str]:
    """The service an alert is about, and the label that said so (`none` when no label did)."""
    for label in SERVICE_LABELS:
        # One line: a service's name stands in titles, lists and messages.
        if value := " ".join(labels.get(label, "").split()):
            return value[:MAX_SERVICE_CHARS], label
    return "unknown", "none"


def severity_of(labels: Mapping[str, str]) -> Severity:
    """Three steps from what people write; an alert that says nothing is a warning."""
    written = (labels.get("severity") or labels.get("priority") or "").strip().lower()
    return _SEVERITIES.get(written, Severity.WARNING)
