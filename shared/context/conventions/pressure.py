"""How full the limits of services are: one query for all rows of one carrier, a series a row and subject."""

from collections.abc import Iterable, Mapping, Sequence
from string import Template

from shared.context.conventions.expressions import labelled, over
from shared.context.conventions.resources import RESOURCES
from shared.context.conventions.rows import Carrier, Resource
from shared.context.promql import alternation, duration, one_of, quoted

RESOURCE = "resource"
SUBJECT = "subject"
"""The label of an answer that holds the name that was asked for."""

_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes names unique with: no vowels, and no 0, 1 and 3."""
_OF_A_WORKLOAD = f"(?:-{_RANDOM}{{6,10}})?-{_RANDOM}{{5}}|-[0-9]{{1,4}}"
"""After a workload's name, in its pods': of a Deployment or a DaemonSet, or else of a StatefulSet."""
_PORT = "(?::[0-9]{1,5})?"

_LABELS: Mapping[Carrier, str] = {
    Carrier.POD: "pod",
    Carrier.DEPLOYMENT: "deployment",
    Carrier.AUTOSCALER: "horizontalpodautoscaler",
    Carrier.CONSUMER_GROUP: "consumergroup",
    Carrier.UPSTREAM: "envoy_cluster_name",
    Carrier.NODE: "instance",
}
_ENDINGS: Mapping[Carrier, str] = {Carrier.POD: f"(?:{_OF_A_WORKLOAD})", Carrier.NODE: _PORT}
IN_NAMESPACES = frozenset({Carrier.POD, Carrier.DEPLOYMENT, Carrier.AUTOSCALER})


def pressures(
    carrier: Carrier,
    names: Sequence[str],
    *,
    window_seconds: float,
    backs: Sequence[int] = (),
    label: str = "job",
    namespace: str | None = None,
    apart: Sequence[str] = (),
    rows: Iterable[Resource] = RESOURCES,
) -> str:
    """One query for every row of a carrier: series with the labels `resource`, `subject` (one of the names), `back`.

    Names are those of workloads for pods, deployments and autoscalers; `label` carries them for processes alone.
    Without a namespace all are looked at, and the worst counts: of all, or of each set of values of the labels
    `apart`, of which an answer of what is in no namespace has none.
    """
    own = [row for row in rows if row.carrier is carrier]
    by = _LABELS.get(carrier, label)
    places = {"by": by, "window": duration(window_seconds), "of": _matchers(carrier, by, names, namespace)}
    pattern = quoted(f"({alternation(names)}){_ENDINGS.get(carrier, '')}")
    kept = ", ".join((SUBJECT, *apart))

    def one(row: Resource, back: str) -> str:
        asked = Template(row.expression).substitute(places, back=back)
        named = f'label_replace({asked}, "{SUBJECT}", "$1", "{by}", {pattern})'
        return labelled(f"max by ({kept}) ({named})", RESOURCE, row.name)

    return over(lambda back: " or ".join(one(row, back) for row in own), backs)


def _matchers(carrier: Carrier, label: str, names: Sequence[str], namespace: str | None) -> str:
    ending = _ENDINGS.get(carrier)
    of = f"{label}=~{quoted(f'(?:{alternation(names)}){ending}')}" if ending else one_of(label, names)
    within = namespace is not None and carrier in IN_NAMESPACES
    return f"{of},namespace={quoted(namespace or '')}" if within else of


def machines(names: Sequence[str], *, namespace: str | None = None) -> str:
    """On which machines the pods of these workloads run: series with `subject`, `namespace`, `node` and `host_ip`."""
    of = _matchers(Carrier.POD, "pod", names, namespace)
    pattern = quoted(f"({alternation(names)}){_ENDINGS[Carrier.POD]}")
    named = f'label_replace(kube_pod_info{{{of}}}, "{SUBJECT}", "$1", "pod", {pattern})'
    return f"group by ({SUBJECT}, namespace, node, host_ip) ({named})"
