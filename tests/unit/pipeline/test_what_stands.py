"""Which answer of an incident is shown: a later look that finds nobody does not hide what an earlier one found."""

from typing import Any

import pytest

from shared.hypotheses.answer import ranked_set
from shared.hypotheses.refine import fallen_back, meanwhile_id
from shared.models.base import SnapshotId
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident
from shared.pipeline.context import with_snapshot
from shared.pipeline.hypothesise import with_answer
from shared.ports.stores import Versioned
from tests.builders import NOON, an_incident
from tests.unit.hypotheses.scenes import World, a_snapshot_of

CALLS = {"checkout": {"payment": 10.0}}
ILL = a_snapshot_of(World("checkout", CALLS).errors("payment", 0.4).body())
WELL = a_snapshot_of(World("checkout", CALLS).body())
SUSPECTS, NOBODY = ranked_set(ILL, now=NOON), ranked_set(WELL, now=NOON)


def held(**changes: Any) -> Versioned[Incident]:
    return Versioned(an_incident(context_trigger="alert-2", **changes), "etag")


@pytest.mark.parametrize(
    ("ranked", "trigger", "before", "stands"),
    [
        (SUSPECTS, "alert-2", "hyp-older", SUSPECTS.id),
        (NOBODY, "alert-2", "hyp-older", "hyp-older"),
        (NOBODY, "alert-2", None, NOBODY.id),
        (NOBODY, "asked-7", "hyp-older", NOBODY.id),
    ],
    ids=["it suspects somebody", "it suspects nobody", "nothing stands yet", "a person asked for it"],
)
def test_what_a_new_look_ranks_stands_when_it_says_more(
    ranked: HypothesisSet, trigger: str, before: str | None, stands: str
) -> None:
    snapshot = ILL if ranked is SUSPECTS else WELL
    incident = held(latest_hypotheses_id=before, latest_snapshot_id=SnapshotId("snap-older") if before else None)
    asked = Versioned(incident.value.model_copy(update={"context_trigger": trigger}), "etag")
    after = with_snapshot(asked, snapshot, ranked, trigger, now=NOON).incident
    assert (after.latest_snapshot_id, after.latest_hypotheses_id) == (snapshot.id, stands)


@pytest.mark.parametrize("before", [NOBODY.id, meanwhile_id(SnapshotId(WELL.id)), None])
def test_a_final_answer_that_names_nobody_takes_the_place_of_its_own_looks(before: str | None) -> None:
    final = fallen_back(NOBODY, reason="model_not_configured", now=NOON)
    incident = held(latest_hypotheses_id=before, latest_snapshot_id=SnapshotId(WELL.id))
    assert with_answer(incident, final, now=NOON).incident.latest_hypotheses_id == final.id


def test_a_final_answer_that_names_nobody_does_not_hide_an_earlier_looks() -> None:
    final = fallen_back(NOBODY, reason="model_silent", now=NOON)
    incident = held(latest_hypotheses_id="hyp-older", latest_snapshot_id=SnapshotId(WELL.id))
    assert with_answer(incident, final, now=NOON).incident.latest_hypotheses_id == "hyp-older"


def test_a_final_answer_that_names_somebody_stands_whatever_stood() -> None:
    final = fallen_back(SUSPECTS, reason="verified", now=NOON)
    incident = held(latest_hypotheses_id="hyp-older", latest_snapshot_id=SnapshotId(ILL.id))
    assert with_answer(incident, final, now=NOON).incident.latest_hypotheses_id == final.id
