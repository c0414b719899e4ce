"""Reads a native histogram as the Prometheus HTTP API writes it.

Numbers are texts, and a rule from 0 to 3 says which boundaries a bucket includes:
https://prometheus.io/docs/prometheus/latest/querying/api/#native-histograms
"""

from collections.abc import Mapping
from typing import Any, Final

from shared.ports.metrics import Bucket, Histogram

_INCLUDED: Final = {0: (False, True), 1: (True, False), 2: (False, False), 3: (True, True)}
"""By rule: whether a bucket includes its lower and its upper boundary."""


def weight(said: Any) -> int:
    """How much room it takes; raises as `read_histogram` does."""
    return 1 + len(_buckets(said))


def read_histogram(said: Any) -> Histogram:
    """The histogram; raises TypeError, ValueError or KeyError for what is none."""
    return Histogram(
        count=float(said["count"]),
        sum=float(said["sum"]),
        buckets=tuple(_bucket(*one) for one in _buckets(said)),
    )


def _buckets(said: Any) -> Any:
    if not isinstance(said, Mapping):
        raise TypeError("a histogram is an object")
    return said.get("buckets") or ()  # without observations there are none


def _bucket(rule: int, lower: str, upper: str, count: str) -> Bucket:
    includes_lower, includes_upper = _INCLUDED[rule]
    return Bucket(float(lower), float(upper), float(count), includes_lower, includes_upper)
