"""`python -m evals replay`: what passes, what is worse, and that an evaluation of nothing fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from evals.case_scores import Exit, Places, Scored, Summary, places_of
from evals.replay import run
from shared.adapters.memory.services import services_in_memory
from shared.errors import ModelUnavailable
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.propose import PROMPT_VERSION
from shared.models.audit import month_of
from shared.models.base import IncidentId, SnapshotId, document_id
from shared.models.feedback import KnownCause, RegressionCase
from shared.models.hypotheses import Hypothesis, HypothesisSet
from shared.models.incidents import IncidentState
from shared.pipeline.replaying import Replayed
from shared.pipeline.telling import tell_list
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, GLOBEX, NOON, a_hypothesis_set, a_tenant, an_incident
from tests.unit.hypotheses.answering import SNAPSHOT, Answering, claims

BY_PROMPT = Replayed(None, PROMPT_VERSION, None)
RANKING = Replayed()


def a_case(**changes: Any) -> RegressionCase:
    fields: dict[str, Any] = {
        "id": "case-1",
        "tenant_id": ACME,
        "incident_id": IncidentId("inc-1"),
        "snapshot_id": SnapshotId("snap-1"),
        "root_service": "payment",
        "source_version": 1,
        "created_at": NOON,
    }
    return RegressionCase(**{**fields, **changes})


def an_answer(*suspects: tuple[str, str | None]) -> HypothesisSet:
    found = [
        Hypothesis(
            rank=rank,
            claim="It is broken",
            suspected_service=service,
            suspected_change=change,
            mechanism="It fails.",
            supporting=("E1",),
            score=0.5,
        )
        for rank, (service, change) in enumerate(suspects, start=1)
    ]
    return a_hypothesis_set(hypotheses=tuple(found))


def scored(*pairs: tuple[int | None, int | None]) -> Summary:
    return Summary([Scored(a_case(), Places(before, None), Places(after, None)) for before, after in pairs])


def test_a_cause_stands_where_its_service_and_its_change_are_first_named() -> None:
    answer = an_answer(("catalog", "E3"), ("payment", None), ("payment", "E7"))
    assert places_of(answer, a_case(root_change="E7")) == Places(2, 3)
    assert places_of(answer, a_case()) == Places(2, None)
    assert places_of(answer, a_case(root_service="search", root_change="E9")) == Places(None, None)


def test_shares_count_the_first_and_the_first_three_and_changes_where_one_is_named() -> None:
    with_change = Scored(a_case(root_change="E7"), Places(1, 1), Places(1, 4))
    summary = Summary([*scored((2, 1), (None, 3)).scored, with_change])
    assert (summary.before.service_top1, summary.before.service_top3) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert (summary.after.service_top1, summary.after.service_top3) == (pytest.approx(2 / 3), 1.0)
    assert (summary.before.change_top1, summary.after.change_top3) == (1.0, 0.0)
    assert scored((1, 1)).before.change_top1 is None


@pytest.mark.parametrize(
    ("summary", "at_least", "expected", "says"),
    [
        (scored((1, 1), (2, 1)), None, Exit.PASSED, "no worse"),
        (scored((1, 2), (1, 1)), None, Exit.WORSE, "service top-1"),
        (scored((3, None), (1, 1)), None, Exit.WORSE, "service top-3"),
        (scored((1, 2), (1, 1)), 0.5, Exit.PASSED, "0.500, at least 0.500"),
        (scored((2, 2), (2, 1)), 0.6, Exit.WORSE, "0.500, less than 0.600"),
        (Summary([]), None, Exit.NOTHING_EVALUATED, "no regression cases"),
        (Summary([Scored(a_case(), skipped="no_snapshot")]), 0.0, Exit.NOTHING_EVALUATED, "no_snapshot"),
        (
            Summary([*scored((1, 1)).scored, *[Scored(a_case(), skipped="model_throttled")] * 2]),
            None,
            Exit.NOTHING_EVALUATED,
            "too little was evaluated: 1 of 3 cases (model_throttled)",
        ),
    ],
)
def test_what_passes_what_is_worse_and_what_says_nothing(
    summary: Summary, at_least: float | None, expected: Exit, says: str
) -> None:
    code, why = summary.ends(at_least)
    assert code is expected
    assert says in why


@dataclass
class Installation:
    """Stores with Acme's cases, and what the command prints of them."""

    services: Services

    def run(self, wanted: Replayed, *, tenant: str = "acme", at_least: float | None = None) -> tuple[Exit, Any]:
        @asynccontextmanager
        async def wiring() -> AsyncIterator[Services]:
            yield self.services

        code, words = run(tenant, wanted, wiring, at_least=at_least, as_json=True)
        return code, json.loads(words) if words.startswith("{") else words


def with_cases(
    *roots: str,
    model: Answering | None = None,
    over: bool = True,
    altered: bool = False,
    recorded: HypothesisSet | None = None,
) -> Installation:
    services = services_in_memory(model=model)
    asyncio.run(_filled(services, roots, over=over, altered=altered, recorded=recorded))
    return Installation(services)


async def _filled(
    services: Services, roots: tuple[str, ...], *, over: bool, altered: bool, recorded: HypothesisSet | None
) -> None:
    for tenant_id in (ACME, GLOBEX):
        slug = str(tenant_id).removeprefix("ten-")
        await services.directory.put(tenant_id, a_tenant(tenant_id=tenant_id, slug=slug))
        await services.lookups.claim_slug(slug, tenant_id)
    for number, root in enumerate(roots):
        incident_id = IncidentId(document_id("inc", str(number)))
        mine = {"incident_id": incident_id}
        snapshot = SNAPSHOT.model_copy(update={**mine, "sha256": "0" * 64 if altered else SNAPSHOT.sha256})
        cause = KnownCause(root_service=root, snapshot_id=SnapshotId(SNAPSHOT.id), named_at=NOON)
        state = IncidentState.RESOLVED if over else IncidentState.DETECTED
        incident = an_incident(incident_id=incident_id, state=state, cause=cause, said_at=NOON)
        today = ranked_set(SNAPSHOT, now=NOON)
        then = today.model_copy(update={"hypotheses": recorded.hypotheses}) if recorded else today
        ranked = then.model_copy(update=mine)
        await services.incidents.commit(
            ACME, IncidentChange(incident, None, snapshots=[snapshot], hypotheses=[ranked])
        )
        await tell_list(ACME, incident, services)


def test_todays_ranker_is_no_worse_than_itself_and_asks_no_model() -> None:
    model = Answering(claims("checkout"))
    code, told = with_cases("payment", "search", model=model).run(RANKING)
    assert (code, told["passed"], told["cases"], told["evaluated"]) == (Exit.PASSED, True, 2, 2)
    assert told["before"] == told["after"]
    found = {one["root_service"]: one["after"]["service"] is not None for one in told["each"]}
    assert found == {"payment": True, "search": False}
    assert model.prompt is None


def test_a_prompt_that_no_more_names_the_cause_first_is_worse() -> None:
    # A model cannot pass over what the ranker suspects, so what became worse is the ranker or what it was told.
    installation = with_cases("catalog", model=Answering(claims("payment")), recorded=an_answer(("catalog", None)))
    code, told = installation.run(BY_PROMPT)
    assert (code, told["passed"]) == (Exit.WORSE, False)
    assert "service top-1" in told["why"]


def test_a_prompt_that_names_it_first_passes() -> None:
    code, _ = with_cases("payment", model=Answering(claims("payment"))).run(BY_PROMPT)
    assert code is Exit.PASSED


@pytest.mark.parametrize(
    ("installation", "wanted", "says"),
    [
        (with_cases(), RANKING, "no regression cases"),
        (with_cases("payment", over=False), RANKING, "no regression cases"),
        (with_cases("payment", altered=True), RANKING, "snapshot_not_whole"),
        (with_cases("payment"), BY_PROMPT, "model_not_configured"),
        (with_cases("payment"), Replayed(None, "hypotheses-v999", None), "unknown_prompt_version"),
        (
            with_cases("payment", model=Answering(ModelUnavailable("busy", reason="model_throttled"))),
            BY_PROMPT,
            "model_throttled",
        ),
    ],
)
def test_an_evaluation_that_evaluated_nothing_fails_and_says_why(
    installation: Installation, wanted: Replayed, says: str
) -> None:
    code, told = installation.run(wanted)
    assert (code, told["passed"], told["evaluated"]) == (Exit.NOTHING_EVALUATED, False, 0)
    assert says in told["why"]


def test_another_tenants_cases_are_not_counted() -> None:
    code, told = with_cases("payment").run(RANKING, tenant="globex")
    assert (code, told["cases"]) == (Exit.NOTHING_EVALUATED, 0)


def test_a_tenant_that_is_not_there_is_said_to_be_none() -> None:
    code, words = with_cases("payment").run(RANKING, tenant="nobody")
    assert code is Exit.NOTHING_EVALUATED
    assert words == "nothing was evaluated: there is no tenant 'nobody'"


def test_a_case_whose_incident_is_open_again_is_left_out_although_the_case_does_not_know() -> None:
    installation = with_cases("payment", "payment")

    async def reopened() -> None:
        incident_id = IncidentId(document_id("inc", "0"))
        held = await installation.services.incidents.read(ACME, incident_id)
        assert held is not None
        after = held.value.model_copy(update={"state": IncidentState.DETECTED, "version": 2})
        await installation.services.incidents.commit(ACME, IncidentChange(after, held.etag))

    asyncio.run(reopened())
    _, told = installation.run(RANKING)
    assert sorted(one["skipped"] or "" for one in told["each"]) == ["", "no_case_any_more"]


def test_what_an_operator_replays_is_in_the_tenants_trail_first() -> None:
    installation = with_cases("payment")
    installation.run(RANKING)
    tail = asyncio.run(installation.services.audit.tail(ACME, month_of(datetime.now(UTC))))
    assert tail is not None
    assert (tail.event_type, tail.user_name) == ("replay_cases", "operator")


def test_the_text_says_each_case_and_both_answers() -> None:
    services = with_cases("payment").services

    @asynccontextmanager
    async def wiring() -> AsyncIterator[Services]:
        yield services

    code, words = run("acme", RANKING, wiring, at_least=0.5, as_json=False)
    assert code is Exit.PASSED
    assert "1 of 1 cases were evaluated" in words
    assert "before: service top1 1.000" in words
