"""Every measure the product takes, with the values that each label may have: what is not among them is `other`.

So no tenant, no alert and no source can make a label: the number of series is bounded by this file. The names are
those of infra/alerts.json and infra/workbook.json; docs/telemetry.md tells what each means.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from shared.telemetry.providers import SCOPE, meters
from shared.telemetry.reasons import REASONS

OTHER: Final = "other"
BUG: Final = "bug"
SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 300.0)
"""The bounds that durations are told apart by: a snapshot has 10 seconds, a page 30."""
Kind = Literal["counter", "gauge", "histogram"]

SOURCES: Final = frozenset(
    ("alertmanager", "grafana", "grafana-legacy", "pagerduty", "generic", "changes", "github", "measured")
)
WEBHOOK_OUTCOMES: Final = frozenset(("accepted", "unauthenticated", "malformed", "too_large", "unavailable"))
SIGNAL_OUTCOMES: Final = frozenset(("created", "updated", "duplicate", "suppressed", "dead_lettered"))
INCIDENT_EVENTS: Final = frozenset(("opened", "reopened", "merged"))
SECTIONS: Final = frozenset(
    (
        "alerts", "expression", "traffic", "topology", "dependencies", "limits", "changes", "slo", "related",
        "runbooks", "similar",
    )
)  # fmt: skip
SECTION_STATUSES: Final = frozenset(("ok", "empty", "stale", "failed", "not_configured"))
ORIGINS: Final = frozenset(("deterministic_ranker", "model"))
TOKEN_KINDS: Final = frozenset(("prompt", "cached", "completion"))
STAGES: Final = frozenset(("signals", "context", "hypotheses", "checks"))
QUEUES: Final = STAGES | {f"{name}-poison" for name in STAGES}
LETTER_ORIGINS: Final = STAGES | {"parse"}
REPAIRS: Final = frozenset(("fires", "resolves"))
ENDINGS: Final = frozenset(("done", "sent_again", "dead_lettered", "failed"))


@dataclass(frozen=True)
class Measure:
    """One measure: what is taken, in which unit, and which labels it has."""

    name: str
    kind: Kind
    unit: str
    what: str
    labels: Mapping[str, Collection[str]] = field(hash=False)

    def labelled(self, given: Mapping[str, str]) -> dict[str, str]:
        """Exactly its labels, each with a value it may have."""
        return {name: _bounded(given.get(name, OTHER), allowed) for name, allowed in self.labels.items()}


def _bounded(value: str, allowed: Collection[str]) -> str:
    if value in allowed:
        return value
    return BUG if value.startswith("bug_") and BUG in allowed else OTHER


_MEASURES: Final = (
    Measure(
        "webhooks", "counter", "1", "deliveries answered", {"source": SOURCES, "outcome": WEBHOOK_OUTCOMES}
    ),
    Measure("signals", "counter", "1", "alerts of deliveries", {"outcome": SIGNAL_OUTCOMES}),
    Measure("incidents", "counter", "1", "incidents opened, reopened or merged away", {"event": INCIDENT_EVENTS}),
    Measure(
        "snapshot_section_seconds", "histogram", "s", "how long a section of a snapshot took",
        {"section": SECTIONS, "status": SECTION_STATUSES},
    ),
    Measure(
        "hypotheses", "counter", "1", "final answers: who wrote them, and why", {"origin": ORIGINS, "reason": REASONS}
    ),
    Measure("hypothesis_checks", "counter", "1", "checks of hypotheses, by what they found", {"reason": REASONS}),
    Measure("model_tokens", "counter", "1", "tokens that were paid for", {"kind": TOKEN_KINDS}),
    Measure("model_cost", "counter", "1", "what models cost, in MODEL_CURRENCY", {}),
    Measure(
        "dead_letters", "counter", "1", "messages and alerts that were given up",
        {"queue": LETTER_ORIGINS, "reason": REASONS},
    ),
    Measure("reconciler_repairs", "counter", "1", "alerts that no webhook had told", {"kind": REPAIRS}),
    Measure("prometheus_queries", "counter", "1", "queries to tenants' Prometheus", {"reason": REASONS}),
    Measure("key_metrics", "counter", "1", "key metrics measured", {"reason": REASONS}),
    Measure("grafana_searches", "counter", "1", "searches for dashboards", {"reason": REASONS}),
    Measure("circuit_opened", "counter", "1", "sources that are left alone for a while", {"reason": REASONS}),
    Measure("circuit_closed", "counter", "1", "sources that answer again", {"reason": REASONS}),
    Measure(
        "stage_seconds", "histogram", "s", "how long a message was worked on", {"queue": STAGES, "ending": ENDINGS}
    ),
    Measure("queue_length", "gauge", "1", "messages of a queue, those not visible yet included", {"queue": QUEUES}),
    Measure("queue_oldest_age_seconds", "gauge", "s", "how long the oldest visible message waits", {"queue": QUEUES}),
)  # fmt: skip
CATALOG: Final[Mapping[str, Measure]] = {one.name: one for one in _MEASURES}


class _Taker:
    """Takes one measure of the catalog with whoever is in use now."""

    kind: Kind

    def __init__(self, name: str) -> None:
        self.measure = CATALOG[name]
        if self.measure.kind != self.kind:
            raise ValueError(f"{name} is a {self.measure.kind}")
        self._by: object = None
        self._instrument: Any = None

    def _now(self) -> Any:
        by = meters()
        if by is not self._by:
            make = getattr(by.get_meter(SCOPE), f"create_{self.kind}")
            more = {"explicit_bucket_boundaries_advisory": SECONDS} if self.kind == "histogram" else {}
            self._by, self._instrument = by, make(self.measure.name, self.measure.unit, self.measure.what, **more)
        return self._instrument


class Counter(_Taker):
    """How often something came out how, by its reason or another label of the catalog.

    A success is counted as `ok`: the success rate of `prometheus_queries` is the share of `ok` among all its counts.
    """

    kind = "counter"

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count so many."""
        self._now().add(amount, self.measure.labelled(labels))


class Histogram(_Taker):
    """How large something was, each time."""

    kind = "histogram"

    def record(self, amount: float, **labels: str) -> None:
        """One observation."""
        self._now().record(amount, self.measure.labelled(labels))


class Gauge(_Taker):
    """How large something is now."""

    kind = "gauge"

    def set(self, amount: float, **labels: str) -> None:
        """What it is from now on."""
        self._now().set(amount, self.measure.labelled(labels))
