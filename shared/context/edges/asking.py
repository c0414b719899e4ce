"""The PromQL that asks who calls whom: one query for all conventions, about the calls that touch these services."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from shared.context.conventions import error_ratio
from shared.context.edges.names import base_of, cluster, host
from shared.context.edges.table import ROWS, EdgeRow
from shared.context.promql import alternation, duration, one_of, quoted

TOLD = "told"
"""The label of an answer that says which row tells it, and of which time."""
NOW, THEN = "now", "then"
MAX_CALLS_A_TIME = 250
"""The most frequent calls of each time; Prometheus answers with no more, however many there are."""

_IN_NAMESPACE = "([^/]+/)?"
_POD = r"([^.:|]+\.)?"
_IN_CLUSTER = r"(\.[^.:|]+(\.svc(\.[^:|]*)?)?)?(:[0-9]+)?"
_OUTBOUND = r"(outbound\|[^|]*\|[^|]*\|)?"


def calls_around(names: Iterable[str], *, seconds: float, ago: float) -> str:
    """Calls per second of each edge that starts or ends at one of these services, now and `ago` seconds before."""
    wanted = tuple(names)
    now = _union(lambda row: _frequent(row, wanted, seconds, ""), NOW)
    then = _union(lambda row: _frequent(row, wanted, seconds, f" offset {duration(ago)}"), THEN)
    return f"topk({MAX_CALLS_A_TIME}, {now}) or topk({MAX_CALLS_A_TIME}, {then})"


def failures_around(names: Iterable[str], *, seconds: float) -> str:
    """The share of calls that failed, of each of those edges that has calls now."""
    wanted = tuple(names)
    return _union(lambda row: _ratio(row, wanted, seconds), NOW)


def query_of(row: EdgeRow, series: Sequence[Mapping[str, str]], *, seconds: float) -> str:
    """The calls per second of one edge, given the labels it was told under."""
    named = [label for label in row.labels if any(one.get(label) for one in series)]
    matchers = ",".join((*(one_of(label, (one.get(label, "") for one in series)) for label in named), *row.only))
    return f"sum(rate({row.family}{{{matchers}}}[{duration(seconds)}]))"


def _union(ask: Callable[[EdgeRow], str], when: str) -> str:
    return " or ".join(f'label_replace({ask(row)}, "{TOLD}", "{row.name} {when}", "", "")' for row in ROWS)


def _frequent(row: EdgeRow, names: Sequence[str], seconds: float, back: str) -> str:
    return f"{_summed(row, ((row.family, ''),), names, seconds, back)} > 0"


def _ratio(row: EdgeRow, names: Sequence[str], seconds: float) -> str:
    failed = _summed(row, row.failed, names, seconds, "")
    return error_ratio(failed, _summed(row, ((row.family, ""),), names, seconds, ""))


def _summed(
    row: EdgeRow, families: Sequence[tuple[str, str]], names: Sequence[str], seconds: float, back: str
) -> str:
    # `or` keeps one of each label set: a call between two of these services is counted once.
    parts = (
        f"rate({family}{{{','.join((side, *row.only, *filter(None, [matcher])))}}}[{duration(seconds)}]{back})"
        for family, matcher in families
        for side in _sides(row, names)
    )
    return f"sum by ({', '.join(row.labels)}) ({' or '.join(parts)})"


def _sides(row: EdgeRow, names: Sequence[str]) -> list[str]:
    """Matchers for the calls that start at one of these services, and for those that end there."""
    bases = alternation(base_of(name) for name in names)
    starts = [_matcher(label, f"{_IN_NAMESPACE}({bases})") for label in row.callers]
    if row.callee_of is cluster:
        spelled = f"{_OUTBOUND}{_POD}({bases}){_IN_CLUSTER}"
    elif row.callee_of is host:
        spelled = f"{_POD}({bases}){_IN_CLUSTER}"
    else:
        spelled = f"{_IN_NAMESPACE}({bases})"
    return [*starts, *(_matcher(label, spelled) for label in row.callees)]


def _matcher(label: str, pattern: str) -> str:
    return f"{label}=~{quoted(pattern)}"
