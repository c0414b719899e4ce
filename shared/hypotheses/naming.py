"""What a measure is, read from what it is called: the general vocabulary of metrics, never the name of a service."""

import re
from dataclasses import dataclass

from shared.hypotheses.observation import SeriesKind

MAX_NAME_CHARS = 300

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_EDGE = re.compile(r"edge_(source|destination)(?:_([^:]*))?:(.+)", re.DOTALL)
_QUANTILE = re.compile(r"(?<![a-z0-9])(?:p|q|pct|quantile|percentile)?_?(50|75|90|95|99|999)(?:th)?(?![a-z0-9])")
_STATISTICS = (
    ("mean", {"average", "avg", "mean"}),
    ("p50", {"median"}),
    ("max", {"max", "maximum"}),
    ("min", {"min", "minimum"}),
    ("sum", {"sum", "total"}),
    ("count", {"count", "counts"}),
)
_CLIENT = {"client", "outbound", "upstream"}
# The first that fits: a `request_duration` is a latency and a `memory_request` memory, neither is traffic.
_VOCABULARY: tuple[tuple[SeriesKind, str], ...] = (
    (SeriesKind.LOG_ERRORS, r"logs?_(\w+_)?(errors?|exceptions?|fatals?|warnings?) (errors?|exceptions?)_logs?"),
    (SeriesKind.NODE, r"nodes? host machine instance"),
    (SeriesKind.RESTARTS, r"restart\w* oom\w* crash\w* evict\w*"),
    (SeriesKind.AVAILABILITY, r"availab\w* success\w* apdex uptime up ok 2xx"),
    (
        SeriesKind.ERRORS,
        r"errs? errors?(rate)? faults? fail\w* exceptions? [45]xx [45]\d\d timeouts? time_?outs? reject\w* abort\w*",
    ),
    (
        SeriesKind.LATENCY,
        r"lat latenc\w* durations? elapsed rtt rt delays? (req|request|rq|resp|response|service)_?times? time_?ms",
    ),
    (SeriesKind.CPU, r"cpu\w* cores? millicores"),
    (SeriesKind.MEMORY, r"mem\w* rss heap\w* working_?set\w* ram"),
    (
        SeriesKind.DISK,
        r"disk\w* fs filesystem\w* io iops iowait blkio sys_?reads? sys_?writes? reads? writes? inodes? storage",
    ),
    (
        SeriesKind.NETWORK,
        r"net\w* rx\w* tx\w* receive\w* transmit\w* sockets? tcp\w* packets? bandwidth retrans\w*",
    ),
    (
        SeriesKind.SATURATION,
        r"saturation utili[sz]ation queue\w* backlog lag threads? connections? conns? pool\w*",
    ),
    (
        SeriesKind.TRAFFIC,
        r"requests? reqs? workloads? load rps qps tps throughput ops calls? invocations? hits? traffic visits?",
    ),
)
_KINDS = tuple(
    (kind, re.compile(rf"(?<![a-z0-9])(?:{'|'.join(words.split())})(?![a-z])")) for kind, words in _VOCABULARY
)


@dataclass(frozen=True)
class SeriesName:
    """What a name says of its series; `peer` is the caller of an edge's series."""

    kind: SeriesKind
    statistic: str = ""
    peer: str | None = None


def typed(metric: str) -> SeriesName:
    """Type a metric by its name; what says nothing is OTHER. Never raises, whatever the name.

    Of an edge, `edge_source_<statistic>:<caller>` is what the caller measures, `edge_destination_…` what the callee
    does; both are columns of the callee.
    """
    edge = _EDGE.fullmatch(metric[:MAX_NAME_CHARS])
    if edge:
        kind = SeriesKind.CALLER_LATENCY if edge[1] == "source" else SeriesKind.CALLEE_LATENCY
        return SeriesName(kind, _statistic(edge[2] or ""), edge[3])
    name = re.sub(r"[^a-z0-9]+", "_", _CAMEL.sub("_", metric[:MAX_NAME_CHARS]).lower())
    spaced = name.replace("_", " ")
    kind = next((kind for kind, words in _KINDS if words.search(name) or words.search(spaced)), SeriesKind.OTHER)
    if kind is SeriesKind.LATENCY and _CLIENT & set(spaced.split()):
        kind = SeriesKind.CLIENT_LATENCY
    return SeriesName(kind, _statistic(name))


def _statistic(name: str) -> str:
    words = set(name.lower().split("_"))
    found = _QUANTILE.search(name.lower().replace("_", " "))
    return f"p{found[1]}" if found else next((one for one, said in _STATISTICS if said & words), "")
