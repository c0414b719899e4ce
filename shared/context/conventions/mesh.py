"""Proxies that measure the services behind them: Istio and Envoy."""

from shared.context.conventions.rows import Convention, Durations, Family

_ISTIO_LABELS = ("destination_service_name", "destination_workload", "destination_canonical_service")


def _istio(name: str, reporter: str, family: Family, meaning: str) -> Convention:
    """Each request is reported by every proxy it passes, so a row believes one reporter alone."""
    one = f'$of,reporter="{reporter}"'
    return Convention(
        name=name,
        family=family,
        meaning=meaning,
        present=f"istio_requests_total{{{one}}}",
        service_labels=_ISTIO_LABELS,
        requests=f"sum by ($by) (rate(istio_requests_total{{{one}}}[$window]$back))",
        errors=f'sum by ($by) (rate(istio_requests_total{{{one},response_code=~"5..|0"}}[$window]$back))',
        durations=(Durations("istio_request_duration_milliseconds", f',reporter="{reporter}"', 0.001),),
        note="Code 0 is no response at all.",
    )


MESH_ROWS = (
    _istio("istio", "destination", Family.MESH, "Requests as the service's own Istio sidecar saw them."),
    _istio("istio_waypoint", "waypoint", Family.MESH, "Requests as an Istio waypoint saw them (ambient mode)."),
    Convention(
        name="envoy",
        family=Family.MESH,
        meaning="Requests that Envoy proxies sent to the service as an upstream cluster.",
        present="envoy_cluster_upstream_rq_total{$of}",
        service_labels=("envoy_cluster_name",),
        requests="sum by ($by) (rate(envoy_cluster_upstream_rq_total{$of}[$window]$back))",
        errors='sum by ($by) (rate(envoy_cluster_upstream_rq_xx{$of,envoy_response_code_class="5"}[$window]$back))',
        durations=(Durations("envoy_cluster_upstream_rq_time", seconds_per_unit=0.001),),
    ),
)

MESH_CLIENT_ROWS = (
    _istio("istio_source", "source", Family.CLIENT_SIDE, "Requests as the Istio sidecars of the callers saw them."),
)
