"""Checks what the model said against the frozen snapshot. What cannot be checked is not shown."""

from dataclasses import dataclass

from shared.hypotheses.proposal import ModelHypotheses, ModelHypothesis
from shared.hypotheses.scene import CAUSES, Scene, got_worse, onset_of, scene_of
from shared.hypotheses.wording import plain
from shared.models.evidence import ChangeEvidence, EdgeEvidence, Evidence
from shared.models.hypotheses import Hypothesis, HypothesisSet
from shared.models.measures import RED
from shared.models.snapshots import SnapshotBody

MAX_SHOWN = 5
MAX_CLAIM_CHARS, MAX_MECHANISM_CHARS, MAX_STEP_CHARS = 400, 800, 400
UNRANKED_SCORE = 0.05
"""For a service that our ranker does not suspect: below all that it does."""


@dataclass(frozen=True)
class Verified:
    """What is left of an answer, and how much was taken from it."""

    hypotheses: tuple[Hypothesis, ...]
    dropped_hypotheses: int
    dropped_citations: int


def verify(answer: ModelHypotheses, body: SnapshotBody, ranked: HypothesisSet) -> Verified:
    """Keep the hypotheses that cite evidence of this snapshot about the very service that they suspect.

    Unknown citations are removed; a hypothesis that says nothing, says what was said already, or is left without a
    citation about its own service is dropped. The ranker's score decides the order, the model's order decides between
    equals: a model that is talked into accusing a healthy service cannot put it above one that moved.
    """
    scene = scene_of(body)
    known = {piece.id: piece for piece in body.evidence()}
    scores = {one.suspected_service: one for one in reversed(ranked.hypotheses)}
    kept: dict[tuple[str, str], Hypothesis] = {}
    dropped_citations = 0
    for one in answer.hypotheses:
        supporting = [cited for cited in dict.fromkeys(one.supporting) if cited in known]
        contradicting = [cited for cited in dict.fromkeys(one.contradicting) if cited in known]
        dropped_citations += len(set(one.supporting)) - len(supporting)
        dropped_citations += len(set(one.contradicting)) - len(contradicting)
        service, claim = plain(one.suspected_service), plain(one.claim, limit=MAX_CLAIM_CHARS)
        is_grounded = any(service in _services_of(known[cited]) for cited in supporting)
        if service and claim and is_grounded and (service, claim) not in kept:
            change = _change(one, service, known, scene)
            kept[service, claim] = _checked(one, supporting, contradicting, change, scores.get(service))
    ordered = sorted(kept.values(), key=lambda hypothesis: -hypothesis.score)[:MAX_SHOWN]
    ranked_again = tuple(one.model_copy(update={"rank": at}) for at, one in enumerate(ordered, start=1))
    return Verified(ranked_again, len(answer.hypotheses) - len(kept), dropped_citations)


def _checked(
    one: ModelHypothesis,
    supporting: list[str],
    contradicting: list[str],
    change: str | None,
    suspect: Hypothesis | None,
) -> Hypothesis:
    steps = [plain(step, limit=MAX_STEP_CHARS) for step in one.next_steps]
    return Hypothesis(
        rank=1,
        claim=plain(one.claim, limit=MAX_CLAIM_CHARS),
        suspected_service=plain(one.suspected_service),
        suspected_change=change,
        mechanism=plain(one.mechanism, limit=MAX_MECHANISM_CHARS),
        supporting=tuple(supporting),
        contradicting=tuple(contradicting),
        score=suspect.score if suspect else UNRANKED_SCORE,
        factors=suspect.factors if suspect else {"not_suspected_by_the_ranker": 1.0},
        next_steps=tuple(step for step in steps if step),
    )


def _change(one: ModelHypothesis, service: str, known: dict[str, Evidence], scene: Scene) -> str | None:
    """The suspected change, if it is of this service, can be a cause, and was under way before the trouble began."""
    deploy = known.get(one.suspected_change or "")
    if not isinstance(deploy, ChangeEvidence) or plain(deploy.service) != service or deploy.change not in CAUSES:
        return None
    moved = [scene.of(deploy.service, metric) for metric in RED]
    onsets = [onset_of(piece) for piece in moved if piece is not None and got_worse(piece)]
    latest = max(onsets, default=scene.onset_at) + scene.slack
    return deploy.id if deploy.effective_from <= latest else None


def _services_of(piece: Evidence) -> set[str]:
    match piece:
        case EdgeEvidence():
            return {plain(piece.caller), plain(piece.callee)}
        case _:
            return {plain(piece.service)}
