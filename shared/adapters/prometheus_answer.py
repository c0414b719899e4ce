"""Reads the envelope of the Prometheus HTTP API: pure, bounded, and wary of whoever else may have answered."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from shared.errors import SourceUnavailable
from shared.ports.metrics import Answer, Sample, Series

MAX_SERIES: Final = 500
MAX_POINTS: Final = 50_000
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
}


def parse_answer(body: bytes) -> Answer:
    """The answer in an envelope; raises SourceUnavailable with the reason when there is none to use."""
    envelope = _envelope(body)
    found = envelope.get("data")
    if envelope.get("status") != "success" and not found:
        raise _refused(envelope)
    if not isinstance(found, Mapping):
        raise _shapeless()
    notes = _Notes(envelope)
    try:
        match found.get("resultType"):
            case "vector":
                return Answer(samples=_samples(found["result"], notes), warnings=notes.all())
            case "matrix":
                return Answer(series=_series(found["result"], notes), warnings=notes.all())
            case "scalar":
                at, value = found["result"]
                return Answer(samples=(Sample({}, _time(at), float(value)),), warnings=notes.all())
    except (TypeError, ValueError, KeyError, AttributeError) as exc:
        raise _shapeless() from exc
    raise _shapeless()


class _Notes:
    """Warnings of the source, then our own, each once."""

    def __init__(self, envelope: Mapping[str, Any]) -> None:
        told = [note for key in ("warnings", "infos") for note in envelope.get(key) or () if isinstance(note, str)]
        self._notes = dict.fromkeys(note[:500] for note in told[:_MAX_NOTES])
        if envelope.get("status") != "success":
            self.add(f"partial data: {str(envelope.get('error'))[:300]}")

    def add(self, note: str) -> None:
        self._notes[note] = None

    def all(self) -> tuple[str, ...]:
        return tuple(self._notes)


def _envelope(body: bytes) -> Mapping[str, Any]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise SourceUnavailable("What answers at this URL is not the Prometheus API.", reason="not_json") from exc
    if not isinstance(envelope, dict) or "status" not in envelope:
        raise _shapeless()
    return envelope


def _refused(envelope: Mapping[str, Any]) -> SourceUnavailable:
    said = f"Prometheus refuses the query: {str(envelope.get('error', 'no reason given'))[:300]}"
    return SourceUnavailable(said, reason=_REASONS.get(str(envelope.get("errorType")), "refused"))


def _shapeless() -> SourceUnavailable:
    return SourceUnavailable("The answer is JSON, but not of the Prometheus API.", reason="unexpected_shape")


def _samples(results: Any, notes: _Notes) -> tuple[Sample, ...]:
    samples = []
    for one in _first(results, notes):
        if "value" not in one:
            notes.add("native histograms are left out")
            continue
        at, value = one["value"]
        samples.append(Sample(_labels(one), _time(at), float(value)))
    return tuple(samples)


def _series(results: Any, notes: _Notes) -> tuple[Series, ...]:
    series = []
    left = MAX_POINTS
    for one in _first(results, notes):
        if "histograms" in one:
            notes.add("native histograms are left out")
        values = one.get("values") or ()
        if not values:
            continue
        if len(values) > left:
            notes.add(f"the answer is cut off after {MAX_POINTS} points")
            break
        left -= len(values)
        series.append(Series(_labels(one), tuple(_points(values))))
    return tuple(series)


def _points(values: Iterable[Any]) -> Iterator[tuple[float, float]]:
    for at, value in values:
        # The API spells NaN and the infinities as strings that float() knows.
        yield _time(at), float(value)


def _time(at: Any) -> float:
    """Epoch seconds that are a date; whoever sends others is not a Prometheus."""
    seconds = float(at)
    if not 0 <= seconds <= _LATEST:
        raise ValueError("a time out of range")
    return seconds


def _labels(one: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in one["metric"].items()}


def _first(results: Any, notes: _Notes) -> list[Mapping[str, Any]]:
    if not isinstance(results, list) or not all(isinstance(one, Mapping) for one in results):
        raise TypeError("a result is a list of objects")
    if len(results) > MAX_SERIES:
        notes.add(f"only {MAX_SERIES} of {len(results)} series are kept")
    return results[:MAX_SERIES]
