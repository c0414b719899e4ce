"""Ingestion as a pure value: deliveries go in, incidents come out, decided by the product's own functions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.incidents.correlate import new_incident_id, split_incident_id
from shared.incidents.correlation import Placed, Surroundings, decide_moves, group
from shared.incidents.nodes import is_news, joined, node_of
from shared.models.base import IncidentId, TenantId
from shared.models.correlation import CorrelationPolicy, Membership, ServiceNode
from shared.models.signals import Alert

NOBODY = TenantId("nobody")


@dataclass
class Simulation:
    """Every service has one open incident; after each delivery whatever has to move moves."""

    policy: CorrelationPolicy
    around: Surroundings
    nodes: dict[str, ServiceNode] = field(default_factory=dict)
    homes: dict[str, IncidentId] = field(default_factory=dict)
    links: dict[str, Membership] = field(default_factory=dict)
    moves: int = 0
    _detected: dict[IncidentId, datetime] = field(default_factory=dict)
    _services: dict[str, str] = field(default_factory=dict)

    def deliver(self, alerts: Iterable[Alert], received_at: datetime) -> None:
        """Take one delivery."""
        before = dict(self.nodes)
        for alert in alerts:
            self._add(alert, received_at)
        if is_news(list(before.values()), list(self.nodes.values())):
            self._settle(received_at)

    def incident_of_each(self) -> dict[str, str]:
        """The incident of every alert, by fingerprint."""
        return {fingerprint: self.homes[service] for fingerprint, service in self._services.items()}

    def groups(self) -> frozenset[frozenset[str]]:
        """The services of each incident."""
        found: dict[IncidentId, set[str]] = {}
        for service, incident_id in self.homes.items():
            found.setdefault(incident_id, set()).add(service)
        return frozenset(frozenset(services) for services in found.values())

    def _add(self, alert: Alert, received_at: datetime) -> None:
        name, node = alert.service_name, node_of(alert)
        self._services[alert.fingerprint] = name
        if name in self.nodes:
            self.nodes[name] = joined(self.nodes[name], node)
            return
        self.nodes[name] = node
        self.homes[name] = new_incident_id(NOBODY, alert)
        self._detected[self.homes[name]] = received_at

    def _settle(self, now: datetime) -> None:
        placed = [
            Placed(node, self.homes[name], self._detected[self.homes[name]]) for name, node in self.nodes.items()
        ]
        at = {one.node.service_name: one for one in placed}
        for move in decide_moves(placed, group(placed, self.around, self.policy)):
            root = at[move.group]
            target = move.target or split_incident_id(NOBODY, root.incident_id, move.group, now)
            self._detected.setdefault(target, root.detected_at)
            self.homes[move.service_name] = target
            self.links[move.service_name] = move.membership
            self.moves += 1
