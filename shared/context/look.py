"""What every collector is given, and what it gives back."""

from dataclasses import dataclass

from shared.context.window import Window
from shared.models.evidence import Evidence
from shared.ports.metrics import MetricsSource

MAX_SERVICE_CHARS = 120
"""A longer name is cut where it is shown, and not followed where a graph gives it."""


@dataclass(frozen=True)
class Look:
    """Whom to ask, about which service, over which time."""

    source: MetricsSource
    service: str
    window: Window


@dataclass(frozen=True)
class Collected:
    """The evidence of one section. With `failure` set, a part could not be asked and the rest is here."""

    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: str | None = None
    why_empty: str | None = None
