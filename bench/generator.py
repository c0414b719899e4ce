"""A storm as a seeded value: which bodies are posted when, which alerts they hold, which of those repeat."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

RESENT_AFTER_SECONDS = (0.05, 2.0)
ALERT_NAMES = ("HighErrorRatio", "HighLatency", "PodNotReady", "QueueBacklog")
_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True)
class Shape:
    """How large a storm is and how it repeats itself."""

    alerts: int = 10_000
    bodies: int = 600
    singles: int = 50
    services: int = 40
    seconds: float = 60.0
    spread: float = 0.5
    """By which part of the average a body's size may differ from it."""
    duplicates: float = 0.2
    """The part of all alerts that an earlier body has held already."""
    resent: float = 0.05
    """The part of all deliveries that is sent a second time, byte for byte."""
    prefix: str = "storm"
    """Begins the name of every service, so that two storms never share one."""


@dataclass(frozen=True)
class Delivery:
    """One body and when it is to be posted, in seconds since the storm began."""

    at_seconds: float
    body: bytes
    fingerprints: tuple[str, ...]


@dataclass(frozen=True)
class Storm:
    """All deliveries in the order of their times."""

    deliveries: tuple[Delivery, ...]

    @property
    def distinct(self) -> frozenset[str]:
        """The fingerprint of every alert; each fires once."""
        return frozenset(one for delivery in self.deliveries for one in delivery.fingerprints)

    @property
    def alerts(self) -> int:
        """How many alerts are sent, repeats included."""
        return sum(len(delivery.fingerprints) for delivery in self.deliveries)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.deliveries[-1].at_seconds if self.deliveries else 0.0


def make_storm(shape: Shape, seed: int, *, began: datetime | None = None) -> Storm:
    """The same shape, seed and beginning always make the same storm."""
    random = Random(seed)
    return _Maker(shape, random, began or datetime.now(UTC)).storm()


class _Maker:
    """Draws the bodies one by one, keeping what each group has fired so far."""

    def __init__(self, shape: Shape, random: Random, began: datetime) -> None:
        self._shape = shape
        self._random = random
        self._began = began
        self._fired: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self._sent = self._repeated = 0

    def storm(self) -> Storm:
        shape, random = self._shape, self._random
        sizes = [*_sizes(shape, random), *[1] * shape.singles]
        random.shuffle(sizes)
        times = sorted(random.uniform(0, shape.seconds) for _ in sizes)
        once = [self._delivery(at, size) for at, size in zip(times, sizes, strict=True)]
        again = [
            replace(one, at_seconds=one.at_seconds + random.uniform(*RESENT_AFTER_SECONDS))
            for one in random.sample(once, round(len(once) * shape.resent))
        ]
        return Storm(tuple(sorted([*once, *again], key=lambda one: one.at_seconds)))

    def _delivery(self, at_seconds: float, size: int) -> Delivery:
        group = (
            self._random.choice(ALERT_NAMES),
            f"{self._shape.prefix}-{self._random.randrange(self._shape.services):02}",
        )
        wanted = round((self._sent + size) * self._shape.duplicates) - self._repeated
        earlier = self._fired[group]
        repeats = self._random.sample(earlier, max(0, min(wanted, size, len(earlier))))
        fresh = [self._alert(*group, at_seconds, len(earlier) + n) for n in range(size - len(repeats))]
        earlier += fresh
        self._sent += size
        self._repeated += len(repeats)
        alerts = [*repeats, *fresh]
        return Delivery(at_seconds, _body(group, alerts), tuple(one["fingerprint"] for one in alerts))

    def _alert(self, name: str, service: str, at_seconds: float, number: int) -> dict[str, Any]:
        starts_at = self._began + timedelta(seconds=at_seconds - 1)
        pod = f"{service}-{self._random.getrandbits(40):010x}-{number}"
        expression = f'sum by (pod) (rate(http_requests_total{{service="{service}",code=~"5.."}}[5m])) > 0.05'
        return {
            "status": "firing",
            "labels": {
                "alertname": name,
                "service": service,
                "severity": self._random.choice(("critical", "warning")),
                "namespace": "shop",
                "cluster": "eu-west-1",
                "pod": pod,
                "instance": f"10.0.{number % 250}.{self._random.randrange(250)}:8080",
                "job": "kubernetes-pods",
            },
            "annotations": {
                "summary": f"{name} on {service}",
                "description": f"{pod} has been over its limit for five minutes; customers may see errors.",
                "runbook_url": f"https://runbooks.example/{name}",
            },
            "startsAt": starts_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "endsAt": _NEVER,
            "generatorURL": f"http://prometheus.example/graph?g0.expr={expression}",
            "fingerprint": f"{self._random.getrandbits(64):016x}",
        }


def _sizes(shape: Shape, random: Random) -> Sequence[int]:
    """How many alerts each large body holds: about the same, and together exactly as many as wanted."""
    average, left = divmod(shape.alerts - shape.singles, shape.bodies)
    sizes = [average + (1 if number < left else 0) for number in range(shape.bodies)]
    for at in range(0, shape.bodies - 1, 2):
        moved = random.randint(0, int(average * shape.spread))
        sizes[at], sizes[at + 1] = sizes[at] + moved, sizes[at + 1] - moved
    return sizes


def _body(group: tuple[str, str], alerts: list[dict[str, Any]]) -> bytes:
    name, service = group
    labels = {"alertname": name, "service": service}
    payload = {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}", service="{service}"}}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "sre-copilot",
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": alerts,
    }
    return json.dumps(payload, separators=(",", ":")).encode()
