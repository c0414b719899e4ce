"""Asking and explaining over HTTP: who may, what is refused, and for whom it is not there at all."""

from typing import Any

import httpx
import pytest

from shared.models.base import IncidentId, document_id
from shared.ports.stores import IncidentChange
from tests.builders import ACME, an_incident
from tests.unit.access.issuer import GLOBEX_TID, a_token
from tests.unit.api.serving import ANSWER, INCIDENT, SNAPSHOT, Served, Untouched, answer_of, bearer

NEW = IncidentId(document_id("inc", "new"))
ASKED = {"question": "What fires?"}
EXPLANATION = f"/incidents/{INCIDENT}/hypotheses/{ANSWER}/explanation"


async def ask(
    served: Served, body: Any = ..., *, incident: str = INCIDENT, headers: dict[str, str] | None = None
) -> httpx.Response:
    async with served.client() as client:
        json = ASKED if body is ... else body
        return await client.post(f"/incidents/{incident}/questions", json=json, headers=headers)


async def get(served: Served, path: str, **headers: str) -> httpx.Response:
    async with served.client() as client:
        return await client.get(path, headers=headers)


async def test_an_engineer_asks_and_is_answered_from_the_latest_look(served: Served) -> None:
    answer = await ask(served)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["snapshot_id"], said["hypotheses_id"]) == (SNAPSHOT, ANSWER)
    assert (said["generated_by"], said["reason"]) == ("deterministic_ranker", "model_not_configured")
    assert said["ranked_first"] == {"text": "payment is broken", "cited": ["A1"]}


async def test_asking_changes_nothing(served: Served) -> None:
    before = await served.services.incidents.read(ACME, INCIDENT)
    await ask(served)
    assert await served.services.incidents.read(ACME, INCIDENT) == before


async def test_a_viewer_reads_explanations_and_does_not_ask(served: Served) -> None:
    viewer = bearer(a_token(roles=["viewer"]))
    assert (await ask(served, headers=viewer)).status_code == 403
    assert (await get(served, EXPLANATION, **viewer)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": ""},
        {"question": " \n\u0000 "},
        {"question": "x" * 1001},
        {"question": 7},
        {"question": "why?", "model": "gpt"},
        {"question": "why?", "tenant_id": "ten-globex"},
    ],
)
async def test_what_is_no_question_is_400(served: Served, body: Any) -> None:
    assert (await ask(served, body)).status_code == 400


async def test_an_incident_that_was_not_looked_at_is_a_named_409(served: Served) -> None:
    await served.services.incidents.commit(ACME, IncidentChange(an_incident(incident_id=NEW), None))
    refused = await ask(served, incident=NEW)
    assert (refused.status_code, refused.json()["reason"]) == (409, "not_looked_at")


async def test_another_tenants_incident_is_404_just_as_one_that_never_was(served: Served) -> None:
    stranger = bearer(a_token(tid=GLOBEX_TID, roles=["admin"]))
    never = document_id("inc", "never")
    foreign, unknown = await ask(served, headers=stranger), await ask(served, incident=never, headers=stranger)
    assert foreign.status_code == unknown.status_code == 404
    assert {**foreign.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert (await get(served, EXPLANATION, **stranger)).status_code == 404


async def test_an_id_that_we_never_made_does_not_reach_the_store(served: Served) -> None:
    blind = served.without(incidents=Untouched())
    assert (await ask(blind, incident="inc-1%27")).status_code == 404
    assert (await get(blind, f"/incidents/inc-1/hypotheses/{ANSWER}/explanation")).status_code == 404


async def test_an_explanation_is_a_few_sentences_of_the_hypothesis_itself(served: Served) -> None:
    said = await answer_of(served, EXPLANATION)
    assert (said["hypotheses_id"], said["rank"]) == (ANSWER, 1)
    assert said["sentences"][0] == {"text": "payment is broken", "cited": ["A1"]}
    assert len(said["sentences"]) <= 5


@pytest.mark.parametrize(
    "path",
    [
        f"{EXPLANATION}?rank=2",
        f"/incidents/{INCIDENT}/hypotheses/{document_id('hyp', 'never')}/explanation",
        f"/incidents/{INCIDENT}/hypotheses/hyp-%00/explanation",
        f"/incidents/{document_id('inc', 'never')}/hypotheses/{ANSWER}/explanation",
    ],
)
async def test_a_hypothesis_that_is_not_there_is_404(served: Served, path: str) -> None:
    assert (await get(served, path)).status_code == 404


async def test_a_rank_that_cannot_be_is_400(served: Served) -> None:
    assert (await get(served, f"{EXPLANATION}?rank=0")).status_code == 400


async def test_a_repeat_with_the_same_key_is_answered_as_the_first_was(served: Served) -> None:
    headers = {**bearer(a_token()), "Idempotency-Key": "ask-1"}
    first, again = await ask(served, headers=headers), await ask(served, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    other = await ask(served, {"question": "Why?"}, headers=headers)
    assert other.status_code == 422
