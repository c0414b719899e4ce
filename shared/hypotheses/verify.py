"""Checks what the model said against the frozen snapshot. What cannot be checked is not shown."""

from dataclasses import dataclass

from shared.hypotheses.propose import ModelHypotheses, ModelHypothesis
from shared.hypotheses.wording import plain
from shared.models.evidence import DeployEvidence, EdgeEvidence, Evidence, SnapshotBody
from shared.models.hypotheses import Hypothesis, HypothesisSet

MAX_SHOWN = 5
UNRANKED_SCORE = 0.05
"""For a service that our ranker does not suspect: below all that it does."""


@dataclass(frozen=True)
class Verified:
    """What is left of an answer, and how much was taken from it."""

    hypotheses: tuple[Hypothesis, ...]
    dropped_hypotheses: int
    dropped_citations: int


def verify(answer: ModelHypotheses, body: SnapshotBody, ranked: HypothesisSet) -> Verified:
    """Keep the hypotheses that cite evidence of this snapshot about a service of this snapshot.

    Unknown citations are removed; a hypothesis left with no support, or about a service nobody measured, is dropped.
    The ranker's score decides the order, the model's order decides between equals: a model that is talked into
    accusing a healthy service cannot put it above one that moved.
    """
    known = {piece.id: piece for piece in body.evidence()}
    services = _services_of(body)
    scores = {one.suspected_service: one for one in reversed(ranked.hypotheses)}
    kept: list[Hypothesis] = []
    dropped_citations = 0
    for one in answer.hypotheses:
        supporting = [cited for cited in dict.fromkeys(one.supporting) if cited in known]
        contradicting = [cited for cited in dict.fromkeys(one.contradicting) if cited in known]
        dropped_citations += len(set(one.supporting)) - len(supporting)
        dropped_citations += len(set(one.contradicting)) - len(contradicting)
        if supporting and plain(one.suspected_service) in services:
            kept.append(_checked(one, supporting, contradicting, known, scores.get(plain(one.suspected_service))))
    ordered = sorted(kept, key=lambda hypothesis: -hypothesis.score)[:MAX_SHOWN]
    ranked_again = tuple(one.model_copy(update={"rank": at}) for at, one in enumerate(ordered, start=1))
    return Verified(ranked_again, len(answer.hypotheses) - len(kept), dropped_citations)


def _checked(
    one: ModelHypothesis,
    supporting: list[str],
    contradicting: list[str],
    known: dict[str, Evidence],
    suspect: Hypothesis | None,
) -> Hypothesis:
    service = plain(one.suspected_service)
    change = known.get(one.suspected_change or "")
    is_its_deploy = isinstance(change, DeployEvidence) and plain(change.service) == service
    return Hypothesis(
        rank=1,
        claim=plain(one.claim, limit=400),
        suspected_service=service,
        suspected_change=change.id if is_its_deploy and change else None,
        mechanism=plain(one.mechanism, limit=800),
        supporting=tuple(supporting),
        contradicting=tuple(contradicting),
        score=suspect.score if suspect else UNRANKED_SCORE,
        factors=suspect.factors if suspect else {"not_suspected_by_the_ranker": 1.0},
        next_steps=tuple(plain(step, limit=400) for step in one.next_steps),
    )


def _services_of(body: SnapshotBody) -> set[str]:
    named = {plain(body.service)}
    for piece in body.evidence():
        match piece:
            case EdgeEvidence():
                named |= {plain(piece.caller), plain(piece.callee)}
            case _:
                named.add(plain(piece.service))
    return named
