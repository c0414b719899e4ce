"""Builds small observations: everything is steady with a little ripple until something is made worse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.hypotheses.observation import Observation, ObservedCall, ObservedChange, ObservedSeries, SeriesKind
from shared.models.evidence import NodeKind

BEGAN = 1_700_000_000.0
STEP = 60.0
BEFORE, AFTER = 30, 10
USUAL: Mapping[SeriesKind, float] = {
    SeriesKind.LATENCY: 0.1,
    SeriesKind.ERRORS: 0.01,
    SeriesKind.AVAILABILITY: 99.0,
    SeriesKind.TRAFFIC: 50.0,
    SeriesKind.CPU: 0.2,
    SeriesKind.MEMORY: 300.0,
}


@dataclass
class Scenery:
    """Services that call each other, and their series."""

    target: str
    calls: Mapping[str, Sequence[str]]
    kind: SeriesKind = SeriesKind.LATENCY
    before: int = BEFORE
    series: list[ObservedSeries] = field(default_factory=list)
    changes: list[ObservedChange] = field(default_factory=list)
    kinds: dict[str, NodeKind] = field(default_factory=dict)
    edges: dict[tuple[str, str], ObservedCall] = field(default_factory=dict)

    def steady(self, *services: str, kind: SeriesKind = SeriesKind.LATENCY, statistic: str = "mean") -> "Scenery":
        """Series of some services that stay as they were."""
        for service in services:
            self.moves(service, 0.0, kind=kind, statistic=statistic)
        return self

    def moves(
        self,
        service: str,
        by: float,
        *,
        kind: SeriesKind = SeriesKind.LATENCY,
        statistic: str = "mean",
        at: int = 0,
        peer: str | None = None,
        usual: float | None = None,
    ) -> "Scenery":
        """A series that is `by` more from `at` samples after the beginning on."""
        level = USUAL.get(kind, 1.0) if usual is None else usual
        values = np.asarray(level * (1.0 + 0.02 * self._ripple(self.before + AFTER)), dtype=np.float64)
        values[self.before + at :] += by
        return self.shows(service, values, kind=kind, statistic=statistic, peer=peer)

    def shows(
        self,
        service: str,
        values: Sequence[float] | NDArray[np.float64],
        *,
        kind: SeriesKind = SeriesKind.LATENCY,
        statistic: str = "mean",
        earlier: Sequence[float] = (),
        peer: str | None = None,
    ) -> "Scenery":
        """A series as given; its last samples come after the beginning."""
        times = np.asarray(BEGAN + STEP * (np.arange(len(values)) - self.before), dtype=np.float64)
        self.series.append(
            ObservedSeries(
                service, kind, kind.value, times, np.asarray(values, dtype=float), np.asarray(earlier, dtype=float),
                peer, statistic,
            )
        )  # fmt: skip
        return self

    def changed(self, service: str, seconds: float) -> "Scenery":
        """Something was changed at a service, that long after the beginning."""
        self.changes.append(ObservedChange(service, BEGAN + seconds, f"change of {service}"))
        return self

    def _ripple(self, count: int) -> NDArray[np.float64]:
        # Another one for each series, so that no two are alike.
        return np.asarray(np.sin(np.arange(count) * (1.7 + 0.13 * len(self.series))), dtype=np.float64)

    def seen(self) -> Observation:
        """The observation."""
        return Observation(
            target=self.target,
            target_kind=self.kind,
            began_at=BEGAN,
            ends_at=BEGAN + STEP * AFTER,
            series=self.series,
            calls=self.calls,
            kinds=self.kinds,
            changes=self.changes,
            step=STEP,
            edges=self.edges,
        )
