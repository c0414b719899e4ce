"""Checks what the model said against the frozen snapshot. What cannot be checked is not shown.

In this order: cited ids exist; the hypothesis is grounded in evidence of its own service; what it asserts is
recomputed; its words say what the evidence tells; what speaks against it is added; its score is the ranker's, within
caps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.hypotheses.assertions import recompute
from shared.hypotheses.caps import UNRANKED_SCORE, Cap, against, capped, caps_of, own_change
from shared.hypotheses.checks import MAX_SHOWN, proposed
from shared.hypotheses.claims import NO_MECHANISM, clean, composed, safe_steps, unsupported
from shared.hypotheses.index import EvidenceIndex
from shared.hypotheses.paths import POINTS
from shared.hypotheses.proposal import ModelCheck, ModelHypotheses, ModelHypothesis
from shared.hypotheses.wording import plain
from shared.models.evidence import PastIncidentEvidence
from shared.models.hypotheses import Assertion, Held, Hypothesis, HypothesisSet
from shared.models.snapshots import SnapshotBody

MAX_CLAIM_CHARS, MAX_MECHANISM_CHARS, MAX_STEP_CHARS = 400, 800, 400


@dataclass(frozen=True)
class Verified:
    """What is left of an answer, and how much was taken from it."""

    hypotheses: tuple[Hypothesis, ...]
    dropped_hypotheses: int
    dropped_citations: int
    struck_assertions: int = 0
    reworded: int = 0
    """Claims and mechanisms that code wrote anew, of the hypotheses that were kept."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How much was taken, by the fields of a HypothesisSet."""
        return {
            "dropped_hypotheses": self.dropped_hypotheses,
            "dropped_citations": self.dropped_citations,
            "struck_assertions": self.struck_assertions,
            "reworded": self.reworded,
        }


@dataclass(frozen=True)
class _Cited:
    """What a hypothesis cites, without what does not exist and what did not hold."""

    service: str
    supporting: tuple[str, ...]
    contradicting: tuple[str, ...]
    similar: tuple[str, ...]
    assertions: tuple[Assertion, ...]
    dropped: int

    @property
    def held(self) -> list[str]:
        """The evidence of which something holds."""
        return [one.evidence_id for one in self.assertions if one.held is Held.TRUE]

    @property
    def held_of_points(self) -> list[str]:
        """The evidence of whose points something holds."""
        return [one.evidence_id for one in self.assertions if one.held is Held.TRUE and one.path in POINTS]

    @property
    def struck(self) -> int:
        """How much that was asserted does not hold."""
        return len(self.assertions) - len(self.held)


@dataclass(frozen=True)
class _Worded:
    claim: str
    mechanism: str
    reworded: int


def verify(answer: ModelHypotheses, body: SnapshotBody, ranked: HypothesisSet) -> Verified:
    """Keep the hypotheses that cite evidence of this snapshot about the very service that they suspect.

    Dropped is what says nothing, says what was said already, cites nothing of its own service, or asserts and nothing
    of that holds. The ranker's score, within caps, decides the order, and the model's order between equals: a model
    that is talked into accusing a healthy service cannot put it above one that moved. Nor can it pass over the
    ranker's first suspect: where nothing is left of it, the ranker's own hypothesis stands.
    """
    index = EvidenceIndex.of(body)
    suspects = {one.suspected_service: one for one in reversed(ranked.hypotheses)}
    kept: dict[tuple[str, str], Hypothesis] = {}
    cited = [_cited(one, index) for one in answer.hypotheses]
    asked: dict[tuple[str, str], Sequence[ModelCheck]] = {}
    reworded = 0
    for one, its in zip(answer.hypotheses, cited, strict=True):
        said = plain(one.claim, limit=MAX_CLAIM_CHARS)
        if said and _stands(its, index):
            worded = _worded(one, its, index, suspects.get(its.service))
            if (its.service, worded.claim) not in kept:
                kept[its.service, worded.claim] = _checked(one, its, worded, index, suspects.get(its.service))
                asked[its.service, worded.claim] = one.checks
                reworded += worded.reworded
    return Verified(
        hypotheses=_in_order(list(kept.values()), asked, ranked),
        dropped_hypotheses=len(answer.hypotheses) - len(kept),
        dropped_citations=sum(its.dropped for its in cited),
        struck_assertions=sum(its.struck for its in cited),
        reworded=reworded,
    )


def _in_order(
    kept: Sequence[Hypothesis], asked: Mapping[tuple[str, str], Sequence[ModelCheck]], ranked: HypothesisSet
) -> tuple[Hypothesis, ...]:
    """Those that are shown, ranked; only theirs are the checks that are looked at."""
    first = ranked.hypotheses[:1]
    passed_over = [one for one in first if kept and all(one.suspected_service != it.suspected_service for it in kept)]
    ordered = sorted([*passed_over, *kept], key=lambda one: -one.score)[:MAX_SHOWN]
    checks = [proposed(asked.get((one.suspected_service, one.claim), ())) for one in ordered]
    return tuple(
        one.model_copy(update={"rank": at, "checks": checks[at - 1]}) for at, one in enumerate(ordered, start=1)
    )


def _cited(one: ModelHypothesis, index: EvidenceIndex) -> _Cited:
    known = index.known
    lists = [list(dict.fromkeys(ids)) for ids in (one.supporting, one.contradicting, one.similar_incidents)]
    supporting, contradicting, similar = ([cited for cited in ids if cited in known] for ids in lists)
    past = [cited for cited in similar if isinstance(known[cited], PastIncidentEvidence)]
    return _Cited(
        service=plain(one.suspected_service),
        supporting=tuple(supporting),
        contradicting=tuple(contradicting),
        similar=tuple(past),
        assertions=recompute(one.assertions, known, index.frame),
        dropped=sum(map(len, lists)) - len(supporting) - len(contradicting) - len(past),
    )


def _stands(its: _Cited, index: EvidenceIndex) -> bool:
    """Whether it is grounded in evidence of its own service, and something holds of what it asserts, if anything."""
    is_grounded = any(its.service in index.about[cited] for cited in its.supporting)
    return bool(its.service) and is_grounded and (not its.assertions or bool(its.held))


def _worded(one: ModelHypothesis, its: _Cited, index: EvidenceIndex, suspect: Hypothesis | None) -> _Worded:
    """The model's words where the evidence that it cites tells them, and else the evidence's own."""
    change = own_change(index, its.service, one.suspected_change)
    cited = [*its.supporting, *its.contradicting, *its.held, *([change.id] if change else [])]
    facts = index.facts(cited, of_points=its.held_of_points)
    claim = plain(one.claim, limit=MAX_CLAIM_CHARS)
    is_claim_kept = unsupported(claim, facts, index.frame, services=index.services, about=its.service) is None
    mechanism = plain(one.mechanism, limit=MAX_MECHANISM_CHARS)
    is_mechanism_kept = unsupported(mechanism, facts, index.frame, services=index.services) is None
    return _Worded(
        claim=claim if is_claim_kept else _said_by_evidence(its, index, suspect),
        mechanism=mechanism if is_mechanism_kept else (suspect.mechanism if suspect else NO_MECHANISM),
        reworded=(not is_claim_kept) + (not is_mechanism_kept),
    )


def _said_by_evidence(its: _Cited, index: EvidenceIndex, suspect: Hypothesis | None) -> str:
    cited = [one for one in (*its.held, *its.supporting) if its.service in index.about[one]]
    told = composed((index.known[one].said for one in cited), limit=MAX_CLAIM_CHARS)
    if told:
        return told
    name = clean(its.service, limit=MAX_CLAIM_CHARS)
    return suspect.claim if suspect else f"{name} is suspected on the evidence that is cited."


def _checked(
    one: ModelHypothesis, its: _Cited, worded: _Worded, index: EvidenceIndex, suspect: Hypothesis | None
) -> Hypothesis:
    caps = caps_of(index, its.service, one.suspected_change, is_suspected=suspect is not None)
    if not any(its.service in index.about[cited] for cited in its.held):
        caps = (*caps, Cap.NO_ASSERTIONS)
    change = own_change(index, its.service, one.suspected_change)
    is_in_time = change is not None and change.effective_from <= index.latest_onset(its.service) + index.frame.slack
    score = suspect.score if suspect else UNRANKED_SCORE
    return Hypothesis(
        rank=1,
        claim=worded.claim,
        suspected_service=its.service,
        suspected_change=change.id if change and is_in_time else None,
        mechanism=worded.mechanism,
        supporting=its.supporting,
        contradicting=tuple(dict.fromkeys((*its.contradicting, *against(index, its.service)))),
        score=capped(score, caps),
        factors=suspect.factors if suspect else {"not_suspected_by_the_ranker": 1.0},
        next_steps=safe_steps(one.next_steps, limit=MAX_STEP_CHARS) or (suspect.next_steps if suspect else ()),
        assertions=its.assertions,
        similar_incidents=its.similar,
        caps=tuple(cap.value for cap in caps),
    )
