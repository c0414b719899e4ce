"""Flapping: what fires again and again is counted, damped and shown instead of paged each time."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.models.incidents import Incident
from shared.models.signals import Signal

FIRES_TO_FLAP = 4
FLAPPING_WITHIN = timedelta(hours=1)
"""Firing FIRES_TO_FLAP times within this long is flapping."""
CALM_FOR = timedelta(minutes=15)
"""The damping period: a flapping incident closes only after nothing of it fired for this long."""
LOOK_AGAIN_WHILE_FLAPPING = timedelta(minutes=10)


def is_flapping(incident: Incident, *, now: datetime) -> bool:
    """Whether the incident began to fire so often within the last hour that it flaps."""
    return incident.flapping_until is not None and now < incident.flapping_until


def fired_again(incident: Incident, *, now: datetime) -> Incident:
    """The incident after it began to fire once more, counted and with the time until when it flaps."""
    fires = _latest([*(incident.recent_fires or (incident.detected_at,)), now])
    counted = {"flap_count": incident.flap_count + 1, "recent_fires": fires}
    return incident.model_copy(update={**counted, "flapping_until": _flapping_until(fires)})


def joint_fires(incident: Incident, coming: Sequence[Signal]) -> dict[str, object]:
    """What an incident knows of its firings after signals that fired repeatedly came to it; a repeat adds nothing."""
    fires = _latest(list({*incident.recent_fires, *(at for signal in coming for at in signal.recent_fires)}))
    return {"recent_fires": fires, "flapping_until": _flapping_until(fires) or incident.flapping_until}


def calm_at(incident: Incident) -> datetime:
    """When the damping period of an incident that is held open for flapping is over."""
    return (incident.last_alert_at or incident.updated_at) + CALM_FOR


def signal_fired_again(signal: Signal, *, now: datetime) -> Signal:
    """The signal after its episode fired once more, counted."""
    fires = _latest([*(signal.recent_fires or (signal.created_at,)), now])
    return signal.model_copy(update={"fired_times": signal.fired_times + 1, "recent_fires": fires})


def flapping_alerts(signals: Sequence[Signal], *, now: datetime) -> frozenset[str]:
    """The fingerprints that flap: most senders start a new episode at each firing, so all of them count together."""
    fires: dict[str, list[datetime]] = defaultdict(list)
    for signal in signals:
        fires[signal.fingerprint] += signal.recent_fires or (signal.created_at,)
    return frozenset(name for name, times in fires.items() if _flaps(_latest(times), now))


def _latest(fires: Sequence[datetime]) -> tuple[datetime, ...]:
    return tuple(sorted(fires)[-FIRES_TO_FLAP:])


def _flapping_until(fires: Sequence[datetime]) -> datetime | None:
    return fires[0] + FLAPPING_WITHIN if len(fires) == FIRES_TO_FLAP else None


def _flaps(fires: Sequence[datetime], now: datetime) -> bool:
    until = _flapping_until(fires)
    return until is not None and now < until
