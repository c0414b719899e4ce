"""A hypothesis in five short sentences for who was woken at three: what, since when, why, how sure, what first."""

from datetime import timedelta

from shared.hypotheses.prose import MAX_SENTENCE_CHARS, Sentence
from shared.hypotheses.wording import plain
from shared.models.evidence import AlertEvidence, ChangeEvidence, Evidence, SeriesEvidence
from shared.models.hypotheses import CheckVerdict, Hypothesis, HypothesisSet
from shared.models.quantities import clock, length, number, percent, several
from shared.models.snapshots import SnapshotBody

MAX_REASONS = 2
_AT_ONCE = timedelta(seconds=5)


def explanation(hypothesis: Hypothesis, answer: HypothesisSet, body: SnapshotBody) -> tuple[Sentence, ...]:
    """At most five sentences. Each tells what its hypothesis and the cited evidence say, and nothing else."""
    known = {piece.id: piece for piece in body.evidence()}
    supporting = [known[cited] for cited in hypothesis.supporting if cited in known]
    sentences = (
        Sentence(text=_capped(hypothesis.claim), cited=tuple(one.id for one in supporting[:1])),
        _since(supporting, body),
        _why(supporting),
        _how_sure(hypothesis, answer, known),
        _first_step(hypothesis, answer),
    )
    return tuple(one for one in sentences if one is not None)


def _since(supporting: list[Evidence], body: SnapshotBody) -> Sentence | None:
    """When the first of what supports it departed from normal, and how long before the first alert that was."""
    moved = [one for one in supporting if isinstance(one, SeriesEvidence) and one.movement.onset_at]
    if not moved:
        return None
    first = min(moved, key=lambda one: one.movement.onset_at or body.onset_at)
    began = first.movement.onset_at
    alerts = [one for one in body.evidence() if isinstance(one, AlertEvidence)]
    alert = min(alerts, key=lambda one: one.starts_at, default=None)
    if alert is None or began is None:
        return Sentence(text=f"It began at {clock(began)}.", cited=(first.id,))
    gap = alert.starts_at - began
    when = f"{length(abs(gap.total_seconds()))} {'before' if gap > timedelta(0) else 'after'} the first alert"
    when = "as the first alert began" if abs(gap) <= _AT_ONCE else when
    return Sentence(text=f"It began at {clock(began)}, {when}.", cited=(first.id, alert.id))


def _why(supporting: list[Evidence]) -> Sentence | None:
    """A change, where one is suspected, and what moved most: what a reader would want to see first."""
    order = sorted(supporting, key=lambda one: (not isinstance(one, ChangeEvidence), -_moved(one)))
    told = [one for one in order if one.said][:MAX_REASONS]
    if not told:
        return None
    words = "; ".join(plain(one.said, limit=MAX_SENTENCE_CHARS // MAX_REASONS - 20).rstrip(".") for one in told)
    return Sentence(text=_capped(f"The evidence: {words}."), cited=tuple(one.id for one in told))


def _moved(piece: Evidence) -> float:
    return piece.movement.score if isinstance(piece, SeriesEvidence) else 0.0


def _how_sure(hypothesis: Hypothesis, answer: HypothesisSet, known: dict[str, Evidence]) -> Sentence:
    count = len(answer.hypotheses)
    place = f"ranks {hypothesis.rank} of {count} hypotheses" if count > 1 else "is the only hypothesis"
    sure = f"It {place}, with a score of {number(hypothesis.score)}"
    if hypothesis.confidence is not None:
        sure = f"It {place}, and is {percent(hypothesis.confidence)} likely to be right"
    held, made = hypothesis.verified
    if made:
        sure += f"; {held} of {made} statements hold"
    refuted = sum(check.verdict is CheckVerdict.REFUTED for check in hypothesis.checks)
    if refuted:
        sure += f"; {several(refuted, 'check', 'checks')} against Prometheus refuted it"
    against = [known[cited] for cited in hypothesis.contradicting if cited in known]
    if not against:
        return Sentence(text=_capped(f"{sure}; nothing looked at speaks against it."))
    words = plain(against[0].said, limit=150).rstrip(".")
    return Sentence(text=_capped(f"{sure}; against it: {words}."), cited=(against[0].id,))


def _first_step(hypothesis: Hypothesis, answer: HypothesisSet) -> Sentence | None:
    step = next(iter((*hypothesis.next_steps, *answer.next_steps)), None)
    if step is None:
        return None
    cited = (hypothesis.suspected_change,) if hypothesis.suspected_change else ()
    return Sentence(text=_capped(f"First: {step}"), cited=cited)


def _capped(text: str) -> str:
    return plain(text, limit=MAX_SENTENCE_CHARS)
