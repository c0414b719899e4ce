"""The table of an incident's state machine: what may happen in which state, where it leads, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.models.incidents import IncidentState


class Occasion(StrEnum):
    """What can happen to an incident: by its alerts, by time, at its sender, or by people here."""

    ALL_RESOLVED = "all_alerts_resolved"
    ALL_RESOLVED_IN_CUT_LIST = "all_known_alerts_resolved_but_the_list_was_cut"
    ALL_RESOLVED_WHILE_FLAPPING = "all_alerts_resolved_while_flapping"
    FIRES_AGAIN = "a_known_alert_fires_again"
    NEW_ALERT = "a_new_alert_fires"
    SILENT = "nobody_repeats_it"
    CALM = "calm_for_the_damping_period"
    ACKNOWLEDGED_AT_SENDER = "acknowledged_at_the_sender"
    UNACKNOWLEDGED_AT_SENDER = "unacknowledged_at_the_sender"
    RESOLVED_AT_SENDER = "resolved_at_the_sender"
    REOPENED_AT_SENDER = "reopened_at_the_sender"
    MERGED_AT_SENDER = "merged_at_the_sender_into_one_we_do_not_know"
    ACKNOWLEDGE = "a_person_acknowledges"
    INVESTIGATE = "a_person_investigates"
    MITIGATE = "a_person_mitigates"
    RESOLVE = "a_person_resolves"
    LEARN = "a_person_writes_down_what_was_learned"
    REOPEN = "a_person_reopens"
    GIVE_UP = "a_person_marks_it_inconclusive"
    MERGE = "a_person_merges_it_into_another"


class Reason(StrEnum):
    """Why a transition is made."""

    NOTHING_FIRES = "no_alert_of_it_fires_any_more"
    HIDDEN_MAY_FIRE = "alerts_that_the_cut_list_left_out_may_still_fire"
    MAY_FIRE_AGAIN = "it_flaps_and_may_fire_again_at_once"
    FIRES_WHILE_OPEN = "it_is_open_and_takes_what_fires"
    MITIGATION_DID_NOT_HOLD = "it_fires_again_after_it_was_mitigated"
    WITHIN_REOPEN_WINDOW = "it_fires_again_within_the_reopen_window"
    WENT_SILENT = "nobody_repeated_it"
    CALMED_DOWN = "it_flapped_and_stayed_calm"
    SENDER_ACKNOWLEDGED = "somebody_took_it_at_the_sender"
    SENDER_UNACKNOWLEDGED = "nobody_has_it_at_the_sender_any_more"
    SENDER_RESOLVED = "somebody_resolved_it_at_the_sender"
    SENDER_REOPENED = "somebody_reopened_it_at_the_sender"
    MERGE_IS_NO_FIX = "it_was_merged_away_and_a_merge_is_not_a_fix"
    PERSON_SAID = "a_person_said_so"
    GOES_INTO_ANOTHER = "its_services_go_to_another_incident"


class Refusal(StrEnum):
    """Why a transition is not made."""

    ALREADY_SO = "it_is_so_already"
    IS_OPEN = "it_is_still_open"
    IS_CLOSED = "it_is_closed"
    CLOSED_FOR_GOOD = "it_is_closed_for_good"
    PEOPLE_WENT_FURTHER = "people_here_went_further"
    OUTSIDE_REOPEN_WINDOW = "the_reopen_window_is_over"
    ALERTS_STILL_FIRE = "alerts_of_it_still_fire"
    NOT_CALM_YET = "it_has_not_been_calm_for_long_enough"
    NOT_HELD_FOR_FLAPPING = "it_is_not_held_open_for_flapping"
    MERGED_AWAY = "it_was_merged_into_another_incident"
    OLDER_THAN_FOLLOWED = "the_sender_said_something_newer_before"


@dataclass(frozen=True)
class Rule:
    """Where an occasion leads, and why."""

    to: IncidentState
    why: Reason


_Row = tuple[tuple[IncidentState, Occasion], Rule]
_S, _O, _R = IncidentState, Occasion, Reason
OPEN = tuple(state for state in IncidentState if state.is_open)


def _rules(occasion: Occasion, why: Reason, to: IncidentState | None, *states: IncidentState) -> Iterable[_Row]:
    """One row for each state; `to` None keeps the state."""
    return [((state, occasion), Rule(to or state, why)) for state in states]


TABLE: Mapping[tuple[IncidentState, Occasion], Rule] = dict(
    [
        *_rules(_O.ALL_RESOLVED, _R.NOTHING_FIRES, _S.RESOLVED, *OPEN),
        *_rules(_O.ALL_RESOLVED_IN_CUT_LIST, _R.HIDDEN_MAY_FIRE, None, *OPEN),
        *_rules(_O.ALL_RESOLVED_WHILE_FLAPPING, _R.MAY_FIRE_AGAIN, None, *OPEN),
        *_rules(_O.FIRES_AGAIN, _R.FIRES_WHILE_OPEN, None, _S.DETECTED, _S.ACKNOWLEDGED, _S.INVESTIGATING),
        *_rules(_O.FIRES_AGAIN, _R.MITIGATION_DID_NOT_HOLD, _S.INVESTIGATING, _S.MITIGATED),
        *_rules(_O.FIRES_AGAIN, _R.WITHIN_REOPEN_WINDOW, _S.DETECTED, _S.RESOLVED),
        *_rules(_O.NEW_ALERT, _R.FIRES_WHILE_OPEN, None, *OPEN),
        *_rules(_O.NEW_ALERT, _R.WITHIN_REOPEN_WINDOW, _S.DETECTED, _S.RESOLVED),
        *_rules(_O.SILENT, _R.WENT_SILENT, _S.RESOLVED, *OPEN),
        *_rules(_O.CALM, _R.CALMED_DOWN, _S.RESOLVED, *OPEN),
        *_rules(_O.ACKNOWLEDGED_AT_SENDER, _R.SENDER_ACKNOWLEDGED, _S.ACKNOWLEDGED, _S.DETECTED),
        *_rules(_O.UNACKNOWLEDGED_AT_SENDER, _R.SENDER_UNACKNOWLEDGED, _S.DETECTED, _S.ACKNOWLEDGED),
        *_rules(_O.RESOLVED_AT_SENDER, _R.SENDER_RESOLVED, _S.RESOLVED, *OPEN),
        *_rules(_O.REOPENED_AT_SENDER, _R.SENDER_REOPENED, _S.DETECTED, _S.RESOLVED),
        *_rules(_O.MERGED_AT_SENDER, _R.MERGE_IS_NO_FIX, _S.INCONCLUSIVE, *OPEN, _S.RESOLVED),
        *_rules(_O.ACKNOWLEDGE, _R.PERSON_SAID, _S.ACKNOWLEDGED, _S.DETECTED),
        *_rules(_O.INVESTIGATE, _R.PERSON_SAID, _S.INVESTIGATING, _S.DETECTED, _S.ACKNOWLEDGED, _S.MITIGATED),
        *_rules(_O.MITIGATE, _R.PERSON_SAID, _S.MITIGATED, _S.DETECTED, _S.ACKNOWLEDGED, _S.INVESTIGATING),
        *_rules(_O.RESOLVE, _R.PERSON_SAID, _S.RESOLVED, *OPEN),
        *_rules(_O.LEARN, _R.PERSON_SAID, _S.LEARNED, _S.RESOLVED),
        *_rules(_O.REOPEN, _R.PERSON_SAID, _S.INVESTIGATING, _S.RESOLVED, _S.INCONCLUSIVE),
        *_rules(_O.GIVE_UP, _R.PERSON_SAID, _S.INCONCLUSIVE, *OPEN, _S.RESOLVED),
        *_rules(_O.MERGE, _R.GOES_INTO_ANOTHER, None, *OPEN, _S.RESOLVED),
    ]
)
"""Every transition there is. What is not in it is refused, with the reason that `refusal_of` names."""

NEEDS_NOTHING_FIRING = frozenset(
    {
        _O.ALL_RESOLVED,
        _O.ALL_RESOLVED_IN_CUT_LIST,
        _O.ALL_RESOLVED_WHILE_FLAPPING,
        _O.SILENT,
        _O.CALM,
        _O.RESOLVED_AT_SENDER,
        _O.MERGED_AT_SENDER,
        _O.RESOLVE,
    }
)
"""Occasions on which nothing is done while an alert of the incident fires."""

NEEDS_REOPEN_WINDOW = frozenset({_O.FIRES_AGAIN, _O.NEW_ALERT, _O.REOPENED_AT_SENDER, _O.MERGE})
"""Occasions that find a resolved incident only for as long as its tenant's reopen window."""


def refusal_of(state: IncidentState, occasion: Occasion) -> Refusal:
    """Why an occasion that is not in the table for this state leads nowhere."""
    targets = {
        rule.to for (before, rule_for), rule in TABLE.items() if rule_for is occasion and rule.to is not before
    }
    if state in targets:
        return Refusal.ALREADY_SO
    if state in {IncidentState.LEARNED, IncidentState.INCONCLUSIVE}:
        return Refusal.CLOSED_FOR_GOOD
    if not state.is_open:
        return Refusal.IS_CLOSED
    if occasion in {Occasion.LEARN, Occasion.REOPEN, Occasion.REOPENED_AT_SENDER}:
        return Refusal.IS_OPEN
    return Refusal.PEOPLE_WENT_FURTHER
