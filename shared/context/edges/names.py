"""One name for one service, however its callers spell where they call: jobs with namespaces, hosts, ports. Pure.

Kubernetes names a service `<service>.<namespace>.svc.<cluster domain>`, and a pod of a stateful set in front of that;
OpenTelemetry writes `service.namespace/service.name` into `job`; Istio names an Envoy cluster
`outbound|<port>|<subset>|<host>`.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from shared.models.evidence import NodeKind

_NOBODY = frozenset(
    {
        *("", "unknown", "localhost", "PassthroughCluster", "BlackHoleCluster", "InboundPassthroughCluster"),
        *("xds-grpc", "xds_cluster", "sds-grpc", "agent", "prometheus_stats", "zipkin"),
    }
)
"""What stands where nobody was named: a proxy's own upkeep, or whoever happened to share the machine."""
_OUTBOUND = re.compile(r"outbound(?:\|[^|]*\|[^|]*\||_\.[^_]*_\.[^_]*_\.)(.+)")
_PORT = re.compile(r":\d{1,5}$")
_SVC_AFTER = 2
"""Labels before `svc` in the name of a Kubernetes service."""


@dataclass(frozen=True)
class Name:
    """A name as it was told, taken apart; `kind` is what the spelling alone says of whom it names."""

    base: str
    namespace: str | None = None
    kind: NodeKind | None = None

    @property
    def whole(self) -> str:
        """With its namespace."""
        return f"{self.namespace}/{self.base}" if self.namespace else self.base


def service(text: str) -> Name | None:
    """A service that names itself; None where nobody is named."""
    namespace, slash, base = text.partition("/")
    if slash and namespace and base and "/" not in base:
        return Name(base, namespace)
    return None if text in _NOBODY else Name(text)


def base_of(text: str) -> str:
    """A service's name without the namespace before it."""
    name = service(text)
    return name.base if name else text


def host(text: str, namespaces: Collection[str] = ()) -> Name | None:
    """Whoever answers at a host, with or without a port.

    Of two labels the second is a namespace only where it is known as one: `pay.shop` may as well be a public host.
    """
    bare = _without_port(text.strip()).rstrip(".")
    address = _address(bare)
    if address is not None:
        return None if address.is_loopback or address.is_unspecified else Name(str(address), kind=_side_of(address))
    labels = bare.lower().split(".")
    if len(labels) == 1:
        return None if bare in _NOBODY else Name(bare, kind=NodeKind.CLIENT_VIEW)
    svc = labels.index("svc", _SVC_AFTER) if "svc" in labels[_SVC_AFTER:] else 0
    if not svc and len(labels) == _SVC_AFTER and labels[1] in namespaces:
        svc = _SVC_AFTER
    if svc:
        return Name(labels[svc - 2], labels[svc - 1], NodeKind.CLIENT_VIEW)
    return Name(".".join(labels), kind=NodeKind.EXTERNAL) if all(labels) else None


def cluster(text: str, namespaces: Collection[str] = ()) -> Name | None:
    """Whoever is behind an Envoy cluster; None for what comes in and for the proxy's own upkeep."""
    if text.startswith("inbound"):
        return None
    outbound = _OUTBOUND.fullmatch(text)
    return host(outbound[1] if outbound else text, namespaces)


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text if text.count(":") > 1 else _PORT.sub("", text)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _side_of(address: IPv4Address | IPv6Address) -> NodeKind:
    return NodeKind.EXTERNAL if address.is_global else NodeKind.CLIENT_VIEW


class Spelling:
    """How each name is spelled beside a service that alerts: as the alert spells it, as the tenant maps it, and
    without a namespace wherever that leaves no doubt."""

    def __init__(self, names: Iterable[Name], alerting: str, aliases: Mapping[str, str] | None = None) -> None:
        self._aliases = aliases or {}
        self._alerting = service(alerting) or Name(alerting)
        self._spelled = alerting
        self._namespaces: dict[str, set[str]] = defaultdict(set)
        for name in names:
            if name.namespace:
                self._namespaces[name.base].add(name.namespace)

    def __call__(self, name: Name) -> str:
        """The one spelling of a name."""
        if self._is_alerting(name):
            return self._spelled
        plain = name.whole if len(self._namespaces[name.base]) > 1 else name.base
        return self._aliases.get(name.whole, self._aliases.get(plain, plain))

    @property
    def taken_together(self) -> tuple[str, ...]:
        """The namespaces in which services of the alerting one's name are, where it does not say which it is."""
        found = sorted(self._namespaces[self._alerting.base])
        return tuple(found) if len(found) > 1 and not self._alerting.namespace else ()

    def _is_alerting(self, name: Name) -> bool:
        mine = self._alerting
        return name.base == mine.base and (not mine.namespace or name.namespace in (None, mine.namespace))
