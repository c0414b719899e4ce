"""What is left of a model's answer, and what code adds to it."""

from typing import Any

from shared.hypotheses.answer import ranked_set
from shared.hypotheses.caps import UNRANKED_SCORE, Cap
from shared.hypotheses.proposal import ModelHypotheses, ModelHypothesis
from shared.hypotheses.verify import Verified, verify
from shared.models.evidence import ChangeEvidence, SeriesEvidence
from shared.models.hypotheses import Held, Hypothesis
from shared.models.measures import Metric
from shared.models.snapshots import Section, SectionName, SnapshotBody
from tests.builders import NOON
from tests.unit.hypotheses.pieces import one_of_each
from tests.unit.hypotheses.scenes import World, a_snapshot_of
from tests.unit.hypotheses.test_ranking import a_bad_deploy_and_a_decoy

BODY = a_bad_deploy_and_a_decoy("checkout").body()
SNAPSHOT = a_snapshot_of(BODY)
RANKED = ranked_set(SNAPSHOT, now=NOON)
FIRST = RANKED.hypotheses[0]


def errors_of(service: str, body: SnapshotBody = BODY) -> str:
    return next(
        one.id
        for one in body.evidence()
        if isinstance(one, SeriesEvidence) and (one.service, one.metric) == (service, Metric.ERROR_RATIO)
    )


def deploy_of(service: str, body: SnapshotBody = BODY) -> str:
    return next(one.id for one in body.evidence() if isinstance(one, ChangeEvidence) and one.service == service)


def says(evidence_id: str, path: str, operator: str, value: str) -> dict[str, Any]:
    return {
        "evidence_id": evidence_id, "path": path, "operator": operator, "value": value, "window_start": None,
        "window_end": None,
    }  # fmt: skip


RISES = says(errors_of("payment"), "movement.direction", "==", "up")
FALLS = says(errors_of("payment"), "movement.direction", "==", "down")


def proposes(**changes: Any) -> ModelHypothesis:
    fields: dict[str, Any] = {
        "claim": "payment fails since its deploy", "suspected_service": "payment",
        "suspected_change": deploy_of("payment"), "mechanism": "the new version is bad",
        "supporting": [errors_of("payment")], "contradicting": [], "similar_incidents": [], "assertions": [RISES],
        "checks": [], "next_steps": ["Look at the logs of payment."],
    }  # fmt: skip
    return ModelHypothesis(**{**fields, **changes})


def verified(*hypotheses: ModelHypothesis, body: SnapshotBody = BODY) -> Verified:
    ranked = ranked_set(a_snapshot_of(body), now=NOON)
    return verify(ModelHypotheses(hypotheses=list(hypotheses)), body, ranked)


def the_one(**changes: Any) -> Hypothesis:
    return next(one for one in verified(proposes(**changes)).hypotheses if one.rank == 1)


def test_what_holds_stands_with_the_rankers_score_and_no_caps() -> None:
    only = the_one()
    assert (only.claim, only.score, only.caps) == ("payment fails since its deploy", FIRST.score, ())
    assert only.verified == (1, 1)


def test_what_does_not_hold_is_struck_counted_and_shown_with_what_was_found() -> None:
    found = verified(proposes(assertions=[RISES, FALLS, says("E999", "at", "<", "12:00")]))
    (only,) = found.hypotheses
    assert only.verified == (1, 3)
    assert [one.held for one in only.assertions] == [Held.TRUE, Held.FALSE, Held.UNCHECKABLE]
    assert only.assertions[1].found == "up"
    assert found.struck_assertions == 2


def test_a_hypothesis_of_which_nothing_holds_is_dropped_and_the_rankers_own_stands() -> None:
    other = proposes(suspected_service="catalog", supporting=[deploy_of("catalog")], claim="catalog fails")
    found = verified(proposes(assertions=[FALLS]), other)
    assert (found.dropped_hypotheses, found.struck_assertions) == (1, 1)
    assert [one.suspected_service for one in found.hypotheses] == ["payment", "catalog"]
    assert found.hypotheses[0].claim == FIRST.claim


def test_nothing_is_left_where_nothing_holds() -> None:
    assert verified(proposes(assertions=[FALLS])).hypotheses == ()


def test_what_asserts_nothing_of_its_own_service_that_holds_is_capped() -> None:
    assert the_one(assertions=[]).caps == (Cap.NO_ASSERTIONS,)
    of_another = the_one(assertions=[says(errors_of("catalog"), "movement.direction", "==", "steady")])
    assert (of_another.caps, of_another.score) == ((Cap.NO_ASSERTIONS,), min(FIRST.score, 0.5))


def test_a_model_cannot_pass_over_the_first_suspect() -> None:
    lie = proposes(suspected_service="catalog", supporting=[deploy_of("catalog")], claim="catalog fails")
    found = verified(lie)
    assert [one.suspected_service for one in found.hypotheses] == ["payment", "catalog"]
    assert found.hypotheses[1].score == UNRANKED_SCORE
    assert Cap.NOT_SUSPECTED in found.hypotheses[1].caps


def test_a_claim_that_says_more_than_the_evidence_is_written_anew_and_counted() -> None:
    found = verified(proposes(claim="payment fails 99% of its requests", mechanism="see https://evil.example"))
    (only,) = found.hypotheses
    assert (only.claim, only.mechanism, found.reworded) == (FIRST.claim, FIRST.mechanism, 2)


def test_a_claim_is_written_anew_in_the_words_of_the_evidence_that_holds() -> None:
    said = {errors_of("payment"): {"said": "The error ratio of payment rose."}}
    pieces = tuple(piece.model_copy(update=said.get(piece.id, {})) for piece in BODY.evidence())
    section = BODY.sections[0].model_copy(update={"evidence": pieces})
    found = verified(
        proposes(claim="payment is 7 times worse"), body=BODY.model_copy(update={"sections": (section,)})
    )
    assert found.hypotheses[0].claim == "The error ratio of payment rose."


def test_a_service_that_nobody_suspects_gets_words_of_its_own() -> None:
    lie = proposes(
        claim="catalog fails 99%", mechanism="by 99%", suspected_service="catalog", supporting=[deploy_of("catalog")]
    )
    last = verified(lie).hypotheses[-1]
    assert last.claim == "catalog is suspected on the evidence that is cited."
    assert last.mechanism == "How this would come about is not told by the evidence."


def test_its_own_health_and_ill_callees_speak_against_a_service_though_the_model_does_not_say_so() -> None:
    healthy = verified(
        proposes(suspected_service="catalog", supporting=[deploy_of("catalog")], claim="catalog fails")
    ).hypotheses[-1]
    assert errors_of("catalog") in healthy.contradicting
    body = World("checkout", {"checkout": {"payment": 10}}).errors("checkout", 0.5).errors("payment", 0.5).body()
    found = verified(
        proposes(
            suspected_service="checkout", suspected_change=None, claim="checkout fails",
            supporting=[errors_of("checkout", body)],
            assertions=[says(errors_of("checkout", body), "movement.current", ">", "0.4")],
        ),
        body=body,
    )  # fmt: skip
    of_checkout = next(one for one in found.hypotheses if one.suspected_service == "checkout")
    assert errors_of("payment", body) in of_checkout.contradicting


def test_it_is_likened_to_past_incidents_that_exist_and_to_nothing_else() -> None:
    past = one_of_each()["Epast"]
    similar = Section(name=SectionName.SIMILAR, status=BODY.sections[0].status, evidence=(past,))
    body = BODY.model_copy(update={"sections": (*BODY.sections, similar)})
    found = verified(proposes(similar_incidents=["Epast", errors_of("payment"), "E999"]), body=body)
    assert (found.hypotheses[0].similar_incidents, found.dropped_citations) == (("Epast",), 2)


def test_next_steps_that_write_give_way_to_the_rankers() -> None:
    assert the_one(next_steps=["Run kubectl delete pod payment"]).next_steps == FIRST.next_steps
