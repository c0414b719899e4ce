"""What anybody would write first, to see what the product's ranker adds: the service with the largest robust z.

Median and interquartile range of what is normal, the largest departure of the window in either direction, whatever
the series is (as BARO does, FSE 2024, without its change-point detection). It knows no graph and is never silent.
"""

import warnings

import numpy as np

from shared.hypotheses.observation import Observation, ObservedSeries, Ranking, Suspect

LEAST_SPREAD = 1e-9
MOST = 1e6


def rank_by_robust_z(observation: Observation) -> Ranking:
    """Services by their largest departure from normal."""
    best: dict[str, tuple[float, ObservedSeries]] = {}
    for series in observation.series:
        z = _z(observation, series)
        if np.isfinite(z) and (series.service not in best or z > best[series.service][0]):
            best[series.service] = (float(z), series)
    ordered = sorted(best.items(), key=lambda item: -item[1][0])
    return Ranking(tuple(_suspect(service, z, series) for service, (z, series) in ordered), "ranked")


def _z(observation: Observation, series: ObservedSeries) -> float:
    since = np.asarray(series.times) >= observation.began_at
    normal, window = np.concatenate([series.earlier, series.values[~since]]), series.values[since]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of series without a single sample
        low, middle, high = np.nanpercentile(normal, [25, 50, 75]) if len(normal) else (np.nan,) * 3
        largest = np.nanmax(np.abs(window - middle)) if len(window) else np.nan
    return float(min(MOST, largest / max(high - low, LEAST_SPREAD)))


def _suspect(service: str, z: float, series: ObservedSeries) -> Suspect:
    return Suspect(
        service, series.kind, series.name, None, goes_up=True, score=z / MOST, factors={"robust_z": z}, change=0.0
    )
