"""Reads the envelope of the Prometheus HTTP API: pure, bounded, and wary of whoever else may have answered.

The envelope is the one of https://prometheus.io/docs/prometheus/latest/querying/api/; what Prometheus 2.42 sends was
also seen on the wire. VictoriaMetrics gives the status as the type of an error.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.adapters.prometheus_histogram import read_histogram, weight
from shared.errors import SourceUnavailable
from shared.ports.metrics import (
    MAX_SERIES,
    MOST_SERIES,
    Answer,
    HistogramSeries,
    Sample,
    Series,
)

SERVER_ERRORS: Final = range(500, 600)
MAX_POINTS: Final = 50_000
"""Of a whole answer. A native histogram counts as one and as many as it has buckets."""
_MAX_NOTES: Final = 20
_LATEST: Final = 253_402_300_799.0
"""The last second of the year 9999, after which datetime ends."""
_REASONS: Final = {
    "bad_data": "bad_query",
    "execution": "execution",
    "timeout": "timeout",
    "canceled": "timeout",
    "unavailable": "unavailable",
    "internal": "unavailable",
    "not_found": "not_found",
    "unauthorized": "unauthorised",
    "forbidden": "unauthorised",
    "too_many_requests": "throttled",
    "400": "bad_query",
    "422": "execution",
    "429": "throttled",
    "503": "unavailable",
}
_LIMITS: Final = {
    "maximum resolution": "too_many_points",  # Prometheus, Thanos, Mimir
    "too many points": "too_many_points",  # VictoriaMetrics
    "too many samples": "too_many_samples",
}
"""What the message of an error names, where its type says only that the query is at fault."""


def parse_answer(body: bytes, *, max_series: int = MAX_SERIES) -> Answer:
    """The answer in an envelope, of its first `max_series` series and MAX_POINTS points.

    Raises SourceUnavailable with the reason when there is none to use.
    """
    envelope = _envelope(body)
    found = envelope.get("data")
    if envelope.get("status") != "success" and not found:
        raise _refused(envelope)
    if not isinstance(found, Mapping):
        raise _shapeless()
    reading = _Reading(_Notes(envelope), series_left=min(max_series, MOST_SERIES))
    try:
        answer = reading.answer(found.get("resultType"), found["result"])
        return replace(answer, is_partial=_is_partial(envelope))
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as exc:
        raise _shapeless() from exc


def is_of_another(status: int, body: bytes) -> bool:
    """Whether a server error comes from a proxy before Prometheus, or a server that cannot speak: Prometheus itself
    explains its own, a query that took too long among them.
    """
    if status not in SERVER_ERRORS:
        return False
    try:
        return _envelope(body).get("status") not in ("success", "error")
    except SourceUnavailable:
        return True


class _Notes:
    """Warnings of the source, then our own, each once."""

    def __init__(self, envelope: Mapping[str, Any]) -> None:
        lists = [envelope.get(key) for key in ("warnings", "infos")]
        told = [note for one in lists if isinstance(one, list) for note in one if isinstance(note, str)]
        self._notes = dict.fromkeys(note[:500] for note in told[:_MAX_NOTES])
        if envelope.get("status") != "success":
            self.add(f"partial data: {str(envelope.get('error'))[:300]}")

    def add(self, note: str) -> None:
        self._notes[note] = None

    def all(self) -> tuple[str, ...]:
        return tuple(self._notes)


def _is_partial(envelope: Mapping[str, Any]) -> bool:
    """Thanos and Mimir warn of stores that did not answer, VictoriaMetrics says `isPartial`, others give data beside
    an error. Notes on the query itself begin with `PromQL`.
    """
    warnings = envelope.get("warnings")
    told = [one for one in warnings if isinstance(one, str)] if isinstance(warnings, list) else []
    is_of_data = any(not one.startswith("PromQL ") for one in told)
    return is_of_data or envelope.get("isPartial") is True or envelope.get("status") != "success"


def _envelope(body: bytes) -> Mapping[str, Any]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise SourceUnavailable("What answers at this URL is not the Prometheus API.", reason="not_json") from exc
    if not isinstance(envelope, dict) or "status" not in envelope:
        raise _shapeless()
    return envelope


def _refused(envelope: Mapping[str, Any]) -> SourceUnavailable:
    said = str(envelope.get("error", "no reason given"))[:300]
    reason = _REASONS.get(str(envelope.get("errorType")), "refused")
    if reason in ("bad_query", "execution"):
        reason = next((limit for words, limit in _LIMITS.items() if words in said), reason)
    return SourceUnavailable(f"Prometheus refuses the query: {said}", reason=reason)


def _shapeless() -> SourceUnavailable:
    return SourceUnavailable("The answer is JSON, but not of the Prometheus API.", reason="unexpected_shape")


class _Reading:
    """Reads results one after the other, for as long as there is room."""

    def __init__(self, notes: _Notes, *, series_left: int) -> None:
        self._notes = notes
        self._series_left = series_left
        self._points_left = MAX_POINTS

    def answer(self, kind: Any, result: Any) -> Answer:
        """The answer; raises what Python raises where there is no such shape."""
        match kind:
            case "vector":
                return self._vector(self._first(result))
            case "matrix":
                return self._matrix(self._first(result))
            case "scalar":
                at, value = result
                return Answer(samples=(Sample({}, _time(at), float(value)),), warnings=self._notes.all())
        raise ValueError("a result of another kind")

    def _vector(self, results: Sequence[Mapping[str, Any]]) -> Answer:
        samples, histograms = [], []
        for one in results:
            labels = _labels(one)
            if "histogram" in one:
                histograms.append(HistogramSeries(labels, self._histograms([one["histogram"]])))
            else:
                at, value = one["value"]
                samples.append(Sample(labels, _time(at), float(value)))
        return Answer(samples=tuple(samples), histograms=self._kept(histograms), warnings=self._notes.all())

    def _matrix(self, results: Sequence[Mapping[str, Any]]) -> Answer:
        series, histograms = [], []
        for one in results:
            labels = _labels(one)
            # A series that became native within the range has both.
            if one.get("histograms"):
                histograms.append(HistogramSeries(labels, self._histograms(one["histograms"])))
            if one.get("values"):
                series.append(Series(labels, self._values(one["values"])))
        whole = tuple(one for one in series if one.points)
        return Answer(series=whole, histograms=self._kept(histograms), warnings=self._notes.all())

    def _kept(self, histograms: Sequence[HistogramSeries]) -> tuple[HistogramSeries, ...]:
        whole = tuple(one for one in histograms if one.points)
        if whole:
            self._notes.add(f"{len(whole)} series are native histograms and stand apart from the values")
        return whole

    def _values(self, values: Sequence[Any]) -> tuple[tuple[float, float], ...]:
        """A whole series or, when there is no room for it, nothing: half of one would read as an end."""
        if not self._has_room_for(len(values)):
            return ()
        # The API spells NaN and the infinities as strings that float() knows.
        return tuple((_time(at), float(value)) for at, value in values)

    def _histograms(self, values: Sequence[Any]) -> tuple[Any, ...]:
        if not self._has_room_for(sum(weight(said) for _, said in values)):
            return ()
        return tuple((_time(at), read_histogram(said)) for at, said in values)

    def _has_room_for(self, points: int) -> bool:
        if points > self._points_left:
            self._notes.add(f"the answer is cut off after {MAX_POINTS} points")
            self._points_left = 0
            return False
        self._points_left -= points
        return True

    def _first(self, results: Any) -> list[Mapping[str, Any]]:
        if not isinstance(results, list) or not all(isinstance(one, Mapping) for one in results):
            raise TypeError("a result is a list of objects")
        if len(results) > self._series_left:
            self._notes.add(f"only {self._series_left} of {len(results)} series are kept")
        return results[: self._series_left]


def _time(at: Any) -> float:
    """Epoch seconds that are a date; whoever sends others is not a Prometheus."""
    seconds = float(at)
    if not 0 <= seconds <= _LATEST:
        raise ValueError("a time out of range")
    return seconds


def _labels(one: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in one["metric"].items()}
