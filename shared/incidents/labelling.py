"""What people said, as labels: which hypotheses turned out right. Confidence is calibrated with them."""

from collections.abc import Sequence
from datetime import datetime

from shared.models.feedback import Feedback, FeedbackVerdict, Label, Resolution
from shared.models.hypotheses import Hypothesis, HypothesisSet


def labels_of(
    answers: Sequence[HypothesisSet], resolution: Resolution | None, feedback: Sequence[Feedback]
) -> list[Label]:
    """One label a hypothesis that something is said of, and whose raw confidence is known.

    The latest verdict counts. Where the cause was named, that decides for every hypothesis of the answer that stood
    then, whatever the verdicts are.
    """
    by_id = {one.id: one for one in answers}
    found: dict[str, Label] = {}
    for given in sorted(feedback, key=lambda one: (one.given_at, one.id)):
        answer = by_id.get(given.hypotheses_id)
        judged = next((one for one in answer.hypotheses if one.rank == given.rank), None) if answer else None
        if answer and judged:
            _note(found, answer, judged, given.verdict is FeedbackVerdict.CONFIRMED, given.given_at)
    answer = by_id.get(resolution.hypotheses_id or "") if resolution and resolution.is_known else None
    if resolution and answer:
        for one in answer.hypotheses:
            _note(found, answer, one, _is_right(one, answer, resolution), resolution.given_at)
    return list(found.values())


def unlabelled(answers: Sequence[HypothesisSet], labels: Sequence[Label]) -> list[str]:
    """The ids that labels of these answers would have and that none has: what may be kept there was taken back."""
    wanted = {one.id for one in labels}
    ids = [Label.id_for(answer.id, one.rank) for answer in answers for one in answer.hypotheses]
    return [one for one in ids if one not in wanted]


def _note(found: dict[str, Label], answer: HypothesisSet, one: Hypothesis, was_right: bool, at: datetime) -> None:
    raw, label_id = one.raw_confidence, Label.id_for(answer.id, one.rank)
    if raw is None:
        return
    found[label_id] = Label(
        id=label_id,
        tenant_id=answer.tenant_id,
        incident_id=answer.incident_id,
        raw_confidence=raw,
        confidence=one.confidence,
        was_right=was_right,
        ranker_version=answer.ranker_version,
        labelled_at=at,
    )


def _is_right(one: Hypothesis, answer: HypothesisSet, resolution: Resolution) -> bool:
    """The right service; and not another change than the one that was named, where both are of one snapshot."""
    if one.suspected_service != resolution.root_service:
        return False
    named = resolution.root_change
    is_same_look = answer.snapshot_id == resolution.snapshot_id
    return named is None or one.suspected_change is None or not is_same_look or one.suspected_change == named
