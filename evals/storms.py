"""A labelled storm: six faults, two of them at the same moment and unrelated, their alerts, noise, and deploys.

It is drawn from how alerting behaves (`for:` clauses, scrapes, groups, repeats) and knows nothing of the scorer.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from evals.estate import Estate, make_estate
from evals.faults import Fault, Kind
from evals.plan import draw_faults
from evals.rules import Raised, alerts_of, noise_of
from shared.signals.sources.json_body import fingerprint_of

BEGAN = datetime(2026, 3, 10, 14, tzinfo=UTC)
NOISE_ON_SICK, NOISE_ON_WELL = 2, 3
EARLY = 0.1
"""The part of all alerts of callers that come up to a minute before what they are the effect of."""
GROUP_WAIT, GROUP_INTERVAL = 30.0, 300.0
SENT_TWICE = 0.2
"""The part of the deliveries that is sent twice."""
DEPLOY_REPORTED = 0.8
OTHER_DEPLOYS = 5
_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True)
class Delivery:
    """One body of Alertmanager and when it was sent, in seconds of the storm."""

    at: float
    body: bytes


@dataclass(frozen=True)
class Deploy:
    """A reported deploy, in seconds of the storm."""

    service: str
    at: float


@dataclass(frozen=True)
class Storm:
    """All of it, with the truth: which cause every alert is due to, by its fingerprint."""

    seed: int
    estate: Estate
    faults: tuple[Fault, ...]
    twins: tuple[Fault, ...]
    """The two that began together and are unrelated."""
    deliveries: tuple[Delivery, ...]
    causes: Mapping[str, str]
    """Noise alerts are each a cause of their own."""
    deploys: tuple[Deploy, ...]


@dataclass(frozen=True)
class _Labelled:
    raised: Raised
    cause: str


def make_storm(seed: int) -> Storm:
    """The same seed always makes the same storm."""
    random = Random(seed)  # noqa: S311 -- a repeatable storm, no secret
    estate = make_estate(random)
    faults, twins = draw_faults(estate, random, share_a_caller=seed % 2 == 0)
    alerts = [*_alerts(estate, faults, random), *_noise(estate, faults, random)]
    # One alert is one label set; what a later cause would raise once more is firing already.
    first = {fingerprint_of(one.raised.labels): one for one in sorted(alerts, key=lambda one: -one.raised.starts)}
    return Storm(
        seed=seed,
        estate=estate,
        faults=tuple(faults),
        twins=tuple(twins),
        deliveries=tuple(_deliveries(list(first.values()), random)),
        causes={fingerprint: one.cause for fingerprint, one in first.items()},
        deploys=tuple(_deploys(estate, faults, random)),
    )


def at_time(seconds: float) -> datetime:
    """A moment of a storm."""
    return BEGAN + timedelta(seconds=round(seconds, 3))


def _alerts(estate: Estate, faults: Sequence[Fault], random: Random) -> Iterator[_Labelled]:
    for fault in faults:
        for hit in fault.hits:
            for raised in alerts_of(hit, estate, random):
                is_early = hit.service not in fault.origins and random.random() < EARLY
                starts = hit.at - random.uniform(0, 60) if is_early else raised.starts
                yield _Labelled(Raised(raised.labels, starts), fault.kind.value)


def _noise(estate: Estate, faults: Sequence[Fault], random: Random) -> Iterator[_Labelled]:
    hit = {hit.service for fault in faults for hit in fault.hits}
    sick = random.sample(sorted(hit), NOISE_ON_SICK)
    well = sorted(set(estate.services).difference(hit))
    ends = max(fault.began for fault in faults) + 300
    for number, name in enumerate([*sick, *random.sample(well, min(len(well), NOISE_ON_WELL))]):
        raised = noise_of(estate.services[name], random, at=random.uniform(-300, ends))
        yield _Labelled(raised, f"noise-{number}")


def _deliveries(alerts: Sequence[_Labelled], random: Random) -> list[Delivery]:
    """Alertmanager's groups by alert and service: after a wait, then whenever one was added, with all of them."""
    groups: dict[tuple[str, str], list[Raised]] = defaultdict(list)
    for one in sorted(alerts, key=lambda one: one.raised.starts):
        labels = one.raised.labels
        groups[labels["alertname"], labels.get("service", "")].append(one.raised)
    sent = [delivery for group in groups.values() for delivery in _flushes(group)]
    again = [Delivery(one.at + random.uniform(0.1, 20), one.body) for one in sent if random.random() < SENT_TWICE]
    return sorted([*sent, *again], key=lambda one: one.at)


def _flushes(group: Sequence[Raised]) -> Iterator[Delivery]:
    waiting, flush = list(group), group[0].starts + GROUP_WAIT
    while waiting:
        waiting = [one for one in waiting if one.starts > flush]
        yield Delivery(flush, _body([one for one in group if one.starts <= flush]))
        if waiting:
            flush += GROUP_INTERVAL * -(-(waiting[0].starts - flush) // GROUP_INTERVAL)


def _body(alerts: Sequence[Raised]) -> bytes:
    labels = alerts[0].labels
    return json.dumps(
        {
            "version": "4",
            "groupKey": f'{{}}:{{alertname="{labels["alertname"]}", service="{labels.get("service", "")}"}}',
            "status": "firing",
            "receiver": "copilot",
            "alerts": [
                {
                    "status": "firing",
                    "labels": one.labels,
                    "annotations": {"summary": one.labels["alertname"]},
                    "startsAt": at_time(one.starts).isoformat(),
                    "endsAt": _NEVER,
                    "fingerprint": fingerprint_of(one.labels),
                }
                for one in alerts
            ],
        }
    ).encode()


def _deploys(estate: Estate, faults: Sequence[Fault], random: Random) -> Iterator[Deploy]:
    for fault in faults:
        if fault.kind is Kind.BAD_DEPLOY and random.random() < DEPLOY_REPORTED:
            for name in sorted(fault.origins):
                yield Deploy(name, fault.began - random.uniform(60, 480))
    ends = max(fault.began for fault in faults)
    for name in random.sample(sorted(estate.services), OTHER_DEPLOYS):
        yield Deploy(name, random.uniform(-900, ends))
