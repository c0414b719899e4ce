"""The life of an incident: what an occasion makes of it is decided by the table, and applied here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.incidents.flapping import LOOK_AGAIN_WHILE_FLAPPING, calm_at, fired_again, is_flapping
from shared.incidents.transitions import (
    NEEDS_NOTHING_FIRING,
    NEEDS_REOPEN_WINDOW,
    TABLE,
    Occasion,
    Reason,
    Refusal,
    refusal_of,
)
from shared.models.base import document_id
from shared.models.incidents import Incident, IncidentState
from shared.models.signals import Arrival, ExternalAction, Origin

LOOK_AGAIN_AFTER = timedelta(minutes=1)
"""A new alert in an open incident is a reason to look again, but in a storm not more than once a minute."""
MAX_CUT_GROUPS = 50


class HeldOpen(StrEnum):
    """Why an incident stays open although none of its known alerts fires."""

    TRUNCATED_ALERTS = "truncated_alerts"
    FLAPPING = "flapping"


@dataclass(frozen=True)
class Decision:
    """What an occasion leads to, and why. A refused one leads to the state that the incident has."""

    occasion: Occasion
    from_state: IncidentState
    to_state: IncidentState
    reason: Reason | Refusal
    said_at: datetime | None = None
    """When the sender said so, for occasions at the sender."""

    @property
    def allowed(self) -> bool:
        """Whether anything may be done."""
        return isinstance(self.reason, Reason)

    @property
    def reopens(self) -> bool:
        """Whether a closed incident is opened by it."""
        return self.to_state.is_open and not self.from_state.is_open

    @property
    def closes(self) -> bool:
        """Whether an open incident is closed by it."""
        return self.from_state.is_open and not self.to_state.is_open


@dataclass(frozen=True)
class Heard:
    """What a delivery said of an incident's alerts; groups are by `group_id`."""

    received_at: datetime
    """The reopen window is measured here, so that a message that waited is decided like one that did not."""
    fires_again: bool = False
    new_alert_fires: bool = False
    cut_groups: frozenset[str] = frozenset()
    complete_groups: frozenset[str] = frozenset()
    origin: Origin = Origin.WEBHOOK

    @classmethod
    def of(
        cls, arrivals: Sequence[Arrival], *, fires_again: bool, new_alert_fires: bool, truncated_alerts: int
    ) -> "Heard":
        """What the arrivals of one delivery say; only a sender's own list vouches for a group, or was cut."""
        groups = {group_id(one.alert.group_key) for one in arrivals if one.origin is Origin.WEBHOOK}
        return cls(
            received_at=min(one.received_at for one in arrivals),
            fires_again=fires_again,
            new_alert_fires=new_alert_fires,
            cut_groups=frozenset(groups if truncated_alerts else ()),
            complete_groups=frozenset(() if truncated_alerts else groups),
            origin=arrivals[0].origin,
        )


AT_SENDER: Mapping[ExternalAction, Occasion] = {
    ExternalAction.ACKNOWLEDGED: Occasion.ACKNOWLEDGED_AT_SENDER,
    ExternalAction.UNACKNOWLEDGED: Occasion.UNACKNOWLEDGED_AT_SENDER,
    ExternalAction.RESOLVED: Occasion.RESOLVED_AT_SENDER,
    ExternalAction.REOPENED: Occasion.REOPENED_AT_SENDER,
    ExternalAction.MERGED: Occasion.MERGED_AT_SENDER,
}
"""What happened at the sender as an occasion of ours; what is not in it changes no state."""
_FOLLOWED = frozenset(AT_SENDER.values())
_ACKNOWLEDGEMENTS = frozenset({Occasion.ACKNOWLEDGED_AT_SENDER, Occasion.UNACKNOWLEDGED_AT_SENDER})
_FIRING = frozenset({Occasion.FIRES_AGAIN, Occasion.NEW_ALERT, Occasion.REOPENED_AT_SENDER})
_HOLDING: Mapping[Occasion, HeldOpen] = {
    Occasion.ALL_RESOLVED_IN_CUT_LIST: HeldOpen.TRUNCATED_ALERTS,
    Occasion.ALL_RESOLVED_WHILE_FLAPPING: HeldOpen.FLAPPING,
}


def decide(
    incident: Incident,
    occasion: Occasion,
    *,
    now: datetime,
    reopen_within: timedelta,
    said_at: datetime | None = None,
) -> Decision:
    """Decide by the table and by what the incident looks like; `said_at` orders what happened at the sender."""
    as_it_is = _as_it_stands(incident, occasion, now=now)
    refused = _refused(incident, as_it_is, now=now, reopen_within=reopen_within, said_at=said_at)
    if refused is not None:
        return Decision(as_it_is, incident.state, incident.state, refused, said_at)
    rule = TABLE[incident.state, as_it_is]
    return Decision(as_it_is, incident.state, rule.to, rule.why, said_at)


def _as_it_stands(incident: Incident, occasion: Occasion, *, now: datetime) -> Occasion:
    """A resolution as it is to be taken: of a list that was cut, of what flaps, or plainly."""
    if occasion not in {Occasion.ALL_RESOLVED, Occasion.RESOLVED_AT_SENDER}:
        return occasion
    if incident.cut_groups:
        return Occasion.ALL_RESOLVED_IN_CUT_LIST
    return Occasion.ALL_RESOLVED_WHILE_FLAPPING if is_flapping(incident, now=now) else occasion


def _refused(
    incident: Incident, occasion: Occasion, *, now: datetime, reopen_within: timedelta, said_at: datetime | None
) -> Refusal | None:
    """Why nothing is done: by the table, or by what the incident looks like although the table would allow it."""
    if incident.merged_into:
        return Refusal.MERGED_AWAY
    if said_at and incident.followed_at and occasion in _FOLLOWED and said_at < incident.followed_at:
        return Refusal.OLDER_THAN_FOLLOWED
    if (incident.state, occasion) not in TABLE:
        return refusal_of(incident.state, occasion)
    if occasion is Occasion.CALM:
        return _not_calm(incident, now=now)
    return _guarded(incident, occasion, now=now, reopen_within=reopen_within)


def _not_calm(incident: Incident, *, now: datetime) -> Refusal | None:
    if incident.firing_count > 0:
        return Refusal.ALERTS_STILL_FIRE
    if incident.held_open != HeldOpen.FLAPPING:
        return Refusal.NOT_HELD_FOR_FLAPPING
    return Refusal.NOT_CALM_YET if now < calm_at(incident) else None


def _guarded(incident: Incident, occasion: Occasion, *, now: datetime, reopen_within: timedelta) -> Refusal | None:
    if occasion in NEEDS_NOTHING_FIRING and incident.firing_count > 0:
        return Refusal.ALERTS_STILL_FIRE
    if occasion in NEEDS_REOPEN_WINDOW and not _may_reopen(incident, now=now, reopen_within=reopen_within):
        return Refusal.OUTSIDE_REOPEN_WINDOW
    return None


def _may_reopen(incident: Incident, *, now: datetime, reopen_within: timedelta) -> bool:
    if incident.state is not IncidentState.RESOLVED:
        return True
    return incident.resolved_at is not None and now - incident.resolved_at <= reopen_within


def apply(incident: Incident, decision: Decision, *, by: str | None, now: datetime) -> Incident:
    """The incident after a decision, told of by `by` where people decided; its version is the caller's to count.

    A refused decision changes nothing but how far the sender was followed.
    """
    followed = _followed(incident, decision)
    if not decision.allowed:
        return followed
    held = {**_held(decision), **_stamps(incident, decision, by=by, now=now)}
    after = followed.model_copy(update={"state": decision.to_state, **held})
    if decision.occasion in _FIRING and (decision.reopens or incident.held_open == HeldOpen.FLAPPING):
        after = fired_again(after, now=now)
    elif decision.reopens:
        after = after.model_copy(update={"flap_count": after.flap_count + 1})
    trigger = _trigger(decision)
    is_plain_reopening = decision.reopens and not is_flapping(after, now=now)
    if trigger and (is_plain_reopening or is_stale(after, now=now)):
        return wanting_context(after, f"{trigger}-{after.version}", now=now)
    return after


def _followed(incident: Incident, decision: Decision) -> Incident:
    # Noted also when refused: of an acknowledgement and its withdrawal that come in the wrong order, the last counts.
    if decision.said_at is None or decision.occasion not in _ACKNOWLEDGEMENTS:
        return incident
    newest = max(decision.said_at, incident.followed_at or decision.said_at)
    return incident.model_copy(update={"followed_at": newest})


def _held(decision: Decision) -> Mapping[str, object]:
    if decision.occasion in _HOLDING:
        return {"held_open": _HOLDING[decision.occasion].value}
    if decision.closes:
        return {"held_open": None, "cut_groups": ()}
    return {"held_open": None} if decision.occasion in _FIRING else {}


def _stamps(incident: Incident, decision: Decision, *, by: str | None, now: datetime) -> Mapping[str, object]:
    """The times and names that belong to the new state."""
    if decision.to_state is decision.from_state:
        return {}
    at = decision.said_at or now
    acknowledged = {
        "acknowledged_at": incident.acknowledged_at or at,
        "acknowledged_by": incident.acknowledged_by or by,
    }
    # Alerts that fire again acknowledge nothing.
    seen = acknowledged if by else {}
    unseen = {"acknowledged_at": None, "acknowledged_by": None, "mitigated_at": None}
    stamps: Mapping[IncidentState, Mapping[str, object]] = {
        IncidentState.DETECTED: {**unseen, "resolved_at": None},
        IncidentState.ACKNOWLEDGED: acknowledged,
        IncidentState.INVESTIGATING: {**seen, "mitigated_at": None, "resolved_at": None},
        IncidentState.MITIGATED: {**acknowledged, "mitigated_at": at},
        IncidentState.RESOLVED: {"resolved_at": now},
        IncidentState.INCONCLUSIVE: {"resolved_at": None},
        IncidentState.LEARNED: {},
    }
    return stamps[decision.to_state]


def _trigger(decision: Decision) -> str | None:
    if decision.reopens:
        return "reopened"
    if decision.occasion is Occasion.NEW_ALERT:
        return "joined"
    return "refired" if decision.reason is Reason.MITIGATION_DID_NOT_HOLD else None


def settle(
    counted: Incident, heard: Heard, *, is_new: bool, now: datetime, reopen_within: timedelta
) -> tuple[Incident, Decision | None]:
    """The incident in the state that its counts and a delivery ask for, and the decision, where there was one.

    A refused FIRES_AGAIN or NEW_ALERT means that these alerts belong into another incident.
    """
    incident = _with_lists(counted, heard)
    occasion = _occasion_of(incident, heard, is_new=is_new)
    if occasion is None:
        return incident, None
    decision = decide(incident, occasion, now=heard.received_at, reopen_within=reopen_within)
    return apply(incident, decision, by=None, now=now), decision


def _occasion_of(incident: Incident, heard: Heard, *, is_new: bool) -> Occasion | None:
    if heard.fires_again:
        return Occasion.FIRES_AGAIN
    if heard.new_alert_fires and not is_new:
        return Occasion.NEW_ALERT
    is_over = incident.state.is_open and incident.signal_count > 0 and incident.firing_count == 0
    if not is_over:
        return None
    return Occasion.SILENT if heard.origin is Origin.SILENCE else Occasion.ALL_RESOLVED


def _with_lists(incident: Incident, heard: Heard) -> Incident:
    """The incident with the groups whose lists are cut now; a complete list of a group ends that."""
    if not (heard.cut_groups or heard.complete_groups & set(incident.cut_groups)):
        return incident
    still = [one for one in incident.cut_groups if one not in heard.complete_groups | heard.cut_groups]
    return incident.model_copy(update={"cut_groups": (*still, *sorted(heard.cut_groups))[-MAX_CUT_GROUPS:]})


def group_id(group_key: str) -> str:
    """A sender's group by a short id, as group keys may be long."""
    return document_id("grp", group_key)


def wanting_context(incident: Incident, trigger: str, *, now: datetime) -> Incident:
    """The incident with a new reason to look at its context."""
    return incident.model_copy(update={"context_trigger": trigger, "context_wanted_at": now})


def is_stale(incident: Incident, *, now: datetime) -> bool:
    """Whether another look is worth its while: the last one was asked for a while ago, longer if it flaps."""
    pause = LOOK_AGAIN_WHILE_FLAPPING if is_flapping(incident, now=now) else LOOK_AGAIN_AFTER
    return incident.context_wanted_at is None or now - incident.context_wanted_at >= pause
