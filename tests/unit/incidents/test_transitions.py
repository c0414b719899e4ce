"""The table of transitions, whole: every state with every occasion is either in it or refused by name."""

import re
from itertools import product
from pathlib import Path

import pytest

from shared.incidents.transitions import (
    NEEDS_NOTHING_FIRING,
    NEEDS_REOPEN_WINDOW,
    TABLE,
    Occasion,
    Reason,
    Refusal,
    refusal_of,
)
from shared.models.incidents import IncidentState

S, R = IncidentState, Refusal
PAIRS = list(product(IncidentState, Occasion))
OPEN = (S.DETECTED, S.ACKNOWLEDGED, S.INVESTIGATING, S.MITIGATED)

LEADS_TO: dict[Occasion, tuple[IncidentState | Refusal, ...]] = {
    # detected, acknowledged, investigating, mitigated, resolved, learned, inconclusive
    Occasion.ALL_RESOLVED: (*[S.RESOLVED] * 4, R.ALREADY_SO, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.ALL_RESOLVED_IN_CUT_LIST: (*OPEN, R.IS_CLOSED, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.ALL_RESOLVED_WHILE_FLAPPING: (*OPEN, R.IS_CLOSED, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.FIRES_AGAIN: (*OPEN[:3], S.INVESTIGATING, S.DETECTED, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.NEW_ALERT: (*OPEN, S.DETECTED, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.SILENT: (*[S.RESOLVED] * 4, R.ALREADY_SO, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.CALM: (*[S.RESOLVED] * 4, R.ALREADY_SO, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.ACKNOWLEDGED_AT_SENDER: (
        S.ACKNOWLEDGED,
        R.ALREADY_SO,
        *[R.PEOPLE_WENT_FURTHER] * 2,
        R.IS_CLOSED,
        *[R.CLOSED_FOR_GOOD] * 2,
    ),
    Occasion.UNACKNOWLEDGED_AT_SENDER: (
        R.ALREADY_SO,
        S.DETECTED,
        *[R.PEOPLE_WENT_FURTHER] * 2,
        R.IS_CLOSED,
        *[R.CLOSED_FOR_GOOD] * 2,
    ),
    Occasion.RESOLVED_AT_SENDER: (*[S.RESOLVED] * 4, R.ALREADY_SO, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.REOPENED_AT_SENDER: (R.ALREADY_SO, *[R.IS_OPEN] * 3, S.DETECTED, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.MERGED_AT_SENDER: (*[S.INCONCLUSIVE] * 5, R.CLOSED_FOR_GOOD, R.ALREADY_SO),
    Occasion.ACKNOWLEDGE: (
        S.ACKNOWLEDGED,
        R.ALREADY_SO,
        *[R.PEOPLE_WENT_FURTHER] * 2,
        R.IS_CLOSED,
        *[R.CLOSED_FOR_GOOD] * 2,
    ),
    Occasion.INVESTIGATE: (
        *[S.INVESTIGATING] * 2,
        R.ALREADY_SO,
        S.INVESTIGATING,
        R.IS_CLOSED,
        *[R.CLOSED_FOR_GOOD] * 2,
    ),
    Occasion.MITIGATE: (*[S.MITIGATED] * 3, R.ALREADY_SO, R.IS_CLOSED, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.RESOLVE: (*[S.RESOLVED] * 4, R.ALREADY_SO, *[R.CLOSED_FOR_GOOD] * 2),
    Occasion.LEARN: (*[R.IS_OPEN] * 4, S.LEARNED, R.ALREADY_SO, R.CLOSED_FOR_GOOD),
    Occasion.REOPEN: (*[R.IS_OPEN] * 2, R.ALREADY_SO, R.IS_OPEN, S.INVESTIGATING, R.CLOSED_FOR_GOOD, S.INVESTIGATING),
    Occasion.GIVE_UP: (*[S.INCONCLUSIVE] * 5, R.CLOSED_FOR_GOOD, R.ALREADY_SO),
    Occasion.MERGE: (*OPEN, S.RESOLVED, *[R.CLOSED_FOR_GOOD] * 2),
}


def test_the_expectations_cover_every_occasion_in_every_state() -> None:
    assert set(LEADS_TO) == set(Occasion)
    assert {len(row) for row in LEADS_TO.values()} == {len(IncidentState)}


@pytest.mark.parametrize(("state", "occasion"), PAIRS)
def test_every_pair_leads_where_it_should_or_is_refused_by_name(state: IncidentState, occasion: Occasion) -> None:
    expected = LEADS_TO[occasion][list(IncidentState).index(state)]
    rule = TABLE.get((state, occasion))
    assert (rule.to if rule else refusal_of(state, occasion)) is expected


def test_every_reason_and_only_those_that_are_used_are_named() -> None:
    guards = {
        R.OUTSIDE_REOPEN_WINDOW,
        R.ALERTS_STILL_FIRE,
        R.NOT_CALM_YET,
        R.NOT_HELD_FOR_FLAPPING,
        R.MERGED_AWAY,
        R.OLDER_THAN_FOLLOWED,
    }
    assert {rule.why for rule in TABLE.values()} == set(Reason)
    assert {refusal_of(*pair) for pair in PAIRS if pair not in TABLE} | guards == set(Refusal)


@pytest.mark.parametrize("state", [S.LEARNED, S.INCONCLUSIVE])
def test_nothing_but_a_person_leads_out_of_a_state_that_is_closed_for_good(state: IncidentState) -> None:
    ways_out = {occasion for (before, occasion), rule in TABLE.items() if before is state and rule.to is not state}
    assert ways_out <= {Occasion.REOPEN}


def test_every_state_can_be_reached_from_the_first() -> None:
    reached = {S.DETECTED}
    for _ in S:
        reached |= {rule.to for (before, _), rule in TABLE.items() if before in reached}
    assert reached == set(S)


def test_whatever_opens_what_is_closed_by_itself_asks_for_the_reopen_window() -> None:
    reopening = {o for (before, o), rule in TABLE.items() if not before.is_open and rule.to.is_open}
    assert reopening - {Occasion.REOPEN} <= NEEDS_REOPEN_WINDOW


def test_only_a_person_who_gives_up_closes_what_still_fires() -> None:
    closing = {o for (before, o), rule in TABLE.items() if before.is_open and not rule.to.is_open}
    assert closing - NEEDS_NOTHING_FIRING == {Occasion.GIVE_UP}


DOCUMENTED = (Path(__file__).parents[3] / "docs" / "lifecycle.md").read_text()


def documented_row(occasion: Occasion) -> str:
    cells = []
    for state in IncidentState:
        rule = TABLE.get((state, occasion))
        cells.append(("stays" if rule.to is state else f"**{rule.to.value}**") if rule else refused(state, occasion))
    return f"| {occasion.value.replace('_', ' ')} | {' | '.join(cells)} |"


def refused(state: IncidentState, occasion: Occasion) -> str:
    return f"*{refusal_of(state, occasion).name.lower().replace('_', ' ')}*"


@pytest.mark.parametrize("occasion", Occasion)
def test_the_documented_table_is_the_table(occasion: Occasion) -> None:
    assert documented_row(occasion) in DOCUMENTED.splitlines()


def test_the_documented_diagram_has_every_change_of_state_and_no_other() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+):", DOCUMENTED, re.MULTILINE))
    assert drawn == {(before.value, rule.to.value) for (before, _), rule in TABLE.items() if rule.to is not before}


@pytest.mark.parametrize("why", [*Reason, *Refusal])
def test_every_reason_is_documented_under_the_name_that_is_shown(why: Reason | Refusal) -> None:
    assert f"`{why.value}`" in DOCUMENTED
