"""Which alerts a suffering service raises, when, and with which labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from evals.estate import Estate, Service, Tier, zone_of
from evals.faults import Harm, Hit

EVALUATION_SECONDS = 60.0
"""Scraping and evaluating a rule takes up to this long together."""
UNUSUAL_SERVICE_LABEL = 0.05
"""Alerts that name their service by another label than `service`."""
WITHOUT_NAMESPACE = 0.15
NAMES_NODE, NAMES_ZONE = 0.8, 0.5
"""Alerts about a replica that also name its node or zone."""
TEAMS: Mapping[str, str] = {
    "platform": "platform",
    "shop": "commerce",
    "payments": "money",
    "customers": "commerce",
    "discovery": "search",
}


@dataclass(frozen=True)
class Rule:
    """An alerting rule; `likely` is how often it fires for the harm it is about."""

    name: str
    for_seconds: float
    severity: str
    likely: float = 1.0
    by_replica: bool = False


@dataclass(frozen=True)
class Raised:
    """An alert as Prometheus raises it, in seconds of the storm."""

    labels: Mapping[str, str]
    starts: float


RULES: Mapping[Harm, Sequence[Rule]] = {
    Harm.FAILING: (
        Rule("HighErrorRatio", 60, "critical"),
        Rule("ErrorBudgetBurn", 120, "critical", 0.6),
        Rule("HighLatencyP99", 120, "warning", 0.4),
        Rule("PodHighErrorRatio", 60, "warning", 0.8, by_replica=True),
        Rule("PodRestarting", 120, "warning", 0.4, by_replica=True),
    ),
    Harm.SLOW: (
        Rule("HighLatencyP99", 60, "warning"),
        Rule("ErrorBudgetBurn", 300, "critical", 0.4),
        Rule("PodHighLatency", 120, "warning", 0.8, by_replica=True),
        Rule("PodQueueGrowing", 60, "warning", 0.4, by_replica=True),
    ),
    Harm.CRASHING: (
        Rule("PodCrashLooping", 0, "critical", by_replica=True),
        Rule("HighErrorRatio", 60, "critical", 0.9),
        Rule("DeploymentReplicasMismatch", 300, "warning", 0.8),
    ),
    Harm.SATURATED: (
        Rule("ConnectionsNearLimit", 60, "warning", 0.9),
        Rule("HighLatencyP99", 60, "critical"),
        Rule("DiskQueueHigh", 120, "warning", 0.5),
    ),
    Harm.UNREADY: (
        Rule("PodNotReady", 60, "warning", by_replica=True),
        Rule("TargetDown", 60, "critical", 0.7, by_replica=True),
        Rule("HighErrorRatio", 60, "critical", 0.4),
    ),
    Harm.LAGGING: (
        Rule("ConsumerLag", 120, "critical"),
        Rule("MessagesTooOld", 300, "warning", 0.6),
    ),
    Harm.PROBED: (
        Rule("ProbeFailed", 60, "critical"),
        Rule("CertificateExpired", 0, "critical", 0.5),
    ),
}
NOISE_RULES = (
    Rule("DiskWillFillInFourDays", 900, "info"),
    Rule("CPUThrottlingHigh", 300, "info"),
    Rule("MemoryNearLimit", 300, "warning"),
    Rule("CertificateExpiresSoon", 0, "warning"),
    Rule("ReplicaRestarted", 0, "info"),
)


def alerts_of(hit: Hit, estate: Estate, random: Random) -> Iterator[Raised]:
    """The alerts a hit leads to: one at least."""
    service = estate.services[hit.service]
    rules = RULES[hit.harm]
    fired = [rule for rule in rules if random.random() < rule.likely] or [rules[0]]
    for rule in fired:
        for node in _replicas(rule, hit, service):
            starts = hit.at + rule.for_seconds + random.uniform(0, EVALUATION_SECONDS)
            yield Raised(labels_of(service, rule, node, hit.labels, random), starts)


def noise_of(service: Service, random: Random, *, at: float) -> Raised:
    """An alert that has nothing to do with anything else."""
    rule = random.choice(NOISE_RULES)
    node = random.choice(service.nodes) if service.nodes and random.random() < NAMES_ZONE else None
    return Raised(labels_of(service, rule, node, {}, random), at)


def labels_of(
    service: Service, rule: Rule, node: str | None, more: Mapping[str, str], random: Random
) -> dict[str, str]:
    """The labels of an alert as they come: some are missing, some are called otherwise."""
    named = "service" if random.random() >= UNUSUAL_SERVICE_LABEL else random.choice(("app", "job"))
    labels = {"alertname": rule.name, named: service.name, "severity": rule.severity, "cluster": "prod-1", **more}
    if service.tier is not Tier.EXTERNAL and random.random() >= WITHOUT_NAMESPACE:
        labels["namespace"] = service.domain
        labels["team"] = TEAMS[service.domain]
    if node:
        labels |= {"pod": f"{service.name}-{random.getrandbits(36):09x}", "instance": f"{_address(node)}:9090"}
        labels |= {"node": node} if random.random() < NAMES_NODE else {}
        labels |= {"zone": zone_of(node)} if random.random() < NAMES_ZONE else {}
    return labels


def _replicas(rule: Rule, hit: Hit, service: Service) -> Sequence[str | None]:
    if not rule.by_replica:
        return (None,)
    return [node for node in service.nodes if not hit.nodes or node in hit.nodes] or [None]


def _address(node: str) -> str:
    zone, number = node.split("-")[1:]
    return f"10.{ord(zone) - ord('a')}.0.{int(number) + 10}"
