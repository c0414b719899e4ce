"""What a source says is firing, against what we hold as firing from it: which fires and resolutions never arrived."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.models.base import IntegrationId, TenantId
from shared.models.schedule import MAX_MISSING, DueWork, WorkKind
from shared.models.signals import Alert, AlertStatus, Signal
from shared.ports.alert_sources import FiringAlert, FiringNow

EVERY_RECEIVER = "*"
MAX_FIRES = 1000
ALERTS_PER_BODY = 100
BYTES_PER_BODY = 512 * 1024
GROUP_KEY = "reconciled"


@dataclass(frozen=True)
class Repairs:
    """What is to be made good. `fires` may hold alerts we know by other ways: their claims decide."""

    fires: Sequence[FiringAlert] = ()
    resolves: Sequence[Signal] = ()
    missing: Mapping[str, datetime] = field(default_factory=dict)
    """Signals that the source did not list, and since when: to be remembered until the next time."""


def schedule_reconcile(tenant_id: TenantId, integration_id: IntegrationId, *, now: datetime) -> DueWork:
    """The work that asks an integration's source what is firing, from now on every few minutes."""
    return DueWork.of(tenant_id, WorkKind.RECONCILE, integration_id, due_at=now, now=now)


def repairs(
    firing: FiringNow,
    held: Sequence[Signal],
    missing: Mapping[str, datetime],
    *,
    receiver: str | None,
    grace: timedelta,
) -> Repairs:
    """Decide from the source's answer, our firing signals of this integration, and what was missing the last time.

    A resolution is repaired when the source has not listed the alert for `grace`, at least twice in a row: an
    Alertmanager that was restarted lists nothing until it has been told again.
    """
    now, starts = firing.asked_at, starts_by_fingerprint(firing)
    absent = [signal for signal in held if not fires_still(signal.normalized_data, starts)][:MAX_MISSING]
    over = tuple(
        signal
        for signal in absent
        if signal.id in missing and now - max(missing[signal.id], signal.last_received_at) >= grace
    )
    return Repairs(
        fires=_missing_fires(firing, held, receiver=receiver, grace=grace),
        resolves=over,
        missing={signal.id: missing.get(signal.id, now) for signal in absent},
    )


def starts_by_fingerprint(firing: FiringNow) -> Mapping[str, Sequence[datetime]]:
    """Since when each alert fires at the source."""
    starts: dict[str, list[datetime]] = defaultdict(list)
    for one in firing.alerts:
        starts[one.fingerprint].append(one.starts_at)
    return starts


def fires_still(alert: Alert, starts: Mapping[str, Sequence[datetime]]) -> bool:
    """Whether this firing of an alert goes on at its source, silenced or not."""
    return any(_is_same_firing(alert, start) for start in starts.get(alert.fingerprint, ()))


def _is_same_firing(alert: Alert, start: datetime) -> bool:
    # Copies that several Prometheus servers sent are one alert with the earliest start; a later one is a new firing.
    return not alert.start_known or _to_the_millisecond(alert.starts_at) >= _to_the_millisecond(start)


def _to_the_millisecond(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _missing_fires(
    firing: FiringNow, held: Sequence[Signal], *, receiver: str | None, grace: timedelta
) -> tuple[FiringAlert, ...]:
    by_fingerprint: dict[str, list[Alert]] = defaultdict(list)
    for signal in held:
        by_fingerprint[signal.fingerprint].append(signal.normalized_data)
    found = [
        one
        for one in firing.alerts
        if is_for_us(one, receiver)
        and firing.asked_at - one.starts_at >= grace
        and not any(_is_same_firing(alert, one.starts_at) for alert in by_fingerprint[one.fingerprint])
    ]
    # Those that fire longest first, so that a source with more of them than one pass takes is worked off in order.
    return tuple(sorted(found, key=lambda one: (one.starts_at, one.fingerprint)))[:MAX_FIRES]


def is_for_us(one: FiringAlert, receiver: str | None) -> bool:
    """Whether the source would notify us of it. Without knowing our receiver, nothing is taken to be for us."""
    return one.notifies and (receiver == EVERY_RECEIVER or receiver in one.receivers)


def bodies(made_good: Repairs, *, receiver: str | None) -> Iterator[bytes]:
    """The repairs as the source's own webhook would have sent them (version 4), in bodies of bounded size."""
    alerts = [_fire(one) for one in made_good.fires]
    alerts += [_resolve(one, since=made_good.missing[one.id]) for one in made_good.resolves]
    group: list[str] = []
    size = 0
    for alert in alerts:
        text = json.dumps(alert, ensure_ascii=False)
        if group and (len(group) == ALERTS_PER_BODY or size + len(text) > BYTES_PER_BODY):
            yield _body(group, receiver)
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield _body(group, receiver)


def _body(alerts: Sequence[str], receiver: str | None) -> bytes:
    head = json.dumps({"version": "4", "groupKey": GROUP_KEY, "receiver": receiver or ""}, ensure_ascii=False)
    return f'{head[:-1]}, "alerts": [{", ".join(alerts)}]}}'.encode()


def _fire(one: FiringAlert) -> dict[str, object]:
    return {
        "status": AlertStatus.FIRING.value,
        "labels": _public(one.labels),
        "annotations": _public(one.annotations),
        "startsAt": one.starts_at.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": one.generator_url,
        "fingerprint": one.fingerprint,
    }


def _resolve(signal: Signal, *, since: datetime) -> dict[str, object]:
    alert = signal.normalized_data
    return {
        "status": AlertStatus.RESOLVED.value,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        **({"startsAt": alert.starts_at.isoformat()} if alert.start_known else {}),
        # The same each time it is said, so that saying it twice is one delivery.
        "endsAt": since.isoformat(),
        "generatorURL": alert.generator_url or "",
        "fingerprint": alert.fingerprint,
    }


def _public(named: Mapping[str, str]) -> dict[str, str]:
    """Without Grafana's private names, which its webhook leaves out too."""
    return {name: value for name, value in named.items() if not (name.startswith("__") and name.endswith("__"))}
