"""A table: which metric families tell who calls whom, under which labels. A convention is a row.

All are counted on the caller's side: only there both ends are known. Facts: the service graphs of Tempo and of the
OpenTelemetry Collector, Istio's standard metrics, Envoy's upstream cluster statistics, and OpenTelemetry's semantic
conventions for HTTP clients (stable and before) and database clients.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from shared.context.edges.names import Name, cluster, host, service
from shared.models.evidence import EdgeSource, NodeKind


@dataclass(frozen=True)
class EdgeRow:
    """How one kind of instrumentation tells of calls. Of several labels for an end the first that is set counts."""

    name: str
    source: EdgeSource
    family: str
    """A counter of calls."""
    callers: tuple[str, ...]
    callees: tuple[str, ...]
    callee_of: Callable[[str, Collection[str]], Name | None]
    """Reads a callee, given the namespaces that are known."""
    failed: tuple[tuple[str, str], ...]
    """Counters of the calls that failed (a family and what else it must match); the first of equal series counts."""
    beside: tuple[str, ...] = ()
    """Labels that say more of the two ends."""
    only: tuple[str, ...] = ()
    """What all its series must match."""

    @property
    def labels(self) -> tuple[str, ...]:
        """By which its calls are summed."""
        return (*self.callers, *self.callees, *self.beside)


def _as_is(text: str, _: Collection[str]) -> Name | None:
    return service(text)


_HTTP, _HTTP_OLD = "http_client_request_duration_seconds_count", "http_client_duration_milliseconds_count"
_DB = "db_client_operation_duration_seconds_count"
_OTEL_JOBS = ("service_name", "job")
"""`job` is `namespace/name` or the name alone; `service_name` is there where resource attributes are promoted."""

ROWS = (
    EdgeRow(
        name="service_graph",
        source=EdgeSource.SERVICE_GRAPH,
        family="traces_service_graph_request_total",
        callers=("client",),
        callees=("server",),
        callee_of=_as_is,
        failed=(("traces_service_graph_request_failed_total", ""),),
        beside=("connection_type",),
    ),
    EdgeRow(
        name="istio",
        source=EdgeSource.ISTIO,
        family="istio_requests_total",
        # The workload of one version has a name of its own; the canonical service is the same for all of them.
        callers=("source_canonical_service", "source_workload"),
        callees=("destination_service_name",),
        callee_of=host,
        # Both proxies of a call report it. Code 0 is no response at all.
        failed=(("istio_requests_total", 'response_code=~"5..|0"'),),
        beside=("source_workload_namespace", "destination_service_namespace"),
        only=('reporter="source"',),
    ),
    EdgeRow(
        name="envoy",
        source=EdgeSource.ENVOY,
        family="envoy_cluster_upstream_rq_total",
        callers=("job",),
        callees=("envoy_cluster_name",),
        callee_of=cluster,
        failed=(("envoy_cluster_upstream_rq_xx", 'envoy_response_code_class="5"'),),
    ),
    EdgeRow(
        name="otel_http_client",
        source=EdgeSource.OTEL_CLIENT,
        family=_HTTP,
        callers=_OTEL_JOBS,
        callees=("server_address",),
        callee_of=host,
        # A caller calls every 4xx an error; that one says nothing about who was called.
        failed=((_HTTP, 'http_response_status_code=~"5.."'), (_HTTP, 'error_type!="",error_type!~"4.."')),
    ),
    EdgeRow(
        name="otel_http_client_old",
        source=EdgeSource.OTEL_CLIENT,
        family=_HTTP_OLD,
        callers=_OTEL_JOBS,
        callees=("net_peer_name",),
        callee_of=host,
        failed=((_HTTP_OLD, 'http_status_code=~"5.."'),),
    ),
    EdgeRow(
        name="otel_db_client",
        source=EdgeSource.OTEL_CLIENT,
        family=_DB,
        callers=_OTEL_JOBS,
        # An embedded or local database has no address that says anything.
        callees=("server_address", "db_namespace", "db_system_name", "db_system"),
        callee_of=host,
        failed=((_DB, 'error_type!=""'),),
    ),
)

BY_NAME: Mapping[str, EdgeRow] = {row.name: row for row in ROWS}

_CONNECTIONS: Mapping[str, NodeKind] = {
    "": NodeKind.SERVICE,
    "database": NodeKind.DATABASE,
    "messaging_system": NodeKind.QUEUE,
    "virtual_node": NodeKind.EXTERNAL,
}


def kind_of(row: EdgeRow, labels: Mapping[str, str], callee: Name, *, caller_is_user: bool) -> NodeKind:
    """What stands at the callee's end, as far as this one telling says."""
    if row.source is EdgeSource.SERVICE_GRAPH:
        connection = labels.get("connection_type", "")
        # Of a call by a user the virtual node is the user.
        if connection == "virtual_node" and caller_is_user:
            return NodeKind.SERVICE
        return _CONNECTIONS.get(connection, NodeKind.SERVICE)
    if row.name == "otel_db_client":
        return NodeKind.DATABASE
    if row.source is EdgeSource.ISTIO and labels.get("destination_service_namespace") not in (None, "", "unknown"):
        # The mesh knows it as one of its own, or as declared to it; then it has the name of a host outside.
        return NodeKind.EXTERNAL if callee.kind is NodeKind.EXTERNAL else NodeKind.SERVICE
    return callee.kind or NodeKind.SERVICE
