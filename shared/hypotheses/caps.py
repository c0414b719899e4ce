"""Why a hypothesis cannot score as the ranker scores its service, and how much it may at most.

A cap lowers and never lifts. None is below what a service that the ranker does not suspect gets: whatever a model
says, a healthy service does not come before one that moved.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from shared.hypotheses.index import EvidenceIndex
from shared.hypotheses.scene import CAUSES
from shared.hypotheses.wording import plain
from shared.models.evidence import EVERYWHERE, ChangeEvidence, SeriesEvidence
from shared.models.measures import Direction, Metric

UNRANKED_SCORE = 0.05
"""For a service that our ranker does not suspect: below all that it does."""
MAX_AGAINST = 5


class Cap(StrEnum):
    """What lowers a score."""

    LATER_THAN_SYMPTOM = "later_than_symptom"
    """What is suspected began after the alerting service's trouble had."""
    NO_DEPENDENCY_PATH = "no_dependency_path"
    """The alerting service does not call it, directly or not, and it sends that one no surge of requests."""
    NOT_SUSPECTED = "not_suspected_by_the_ranker"
    CHANGE_NO_CAUSE = "change_is_no_cause"
    """The suspected change is unknown, another service's, or of a kind that causes nothing."""
    NO_ASSERTIONS = "no_assertions"
    """Nothing about its own service was asserted that holds."""
    CHECK_REFUTED = "check_refuted"


AT_MOST: Mapping[str, float] = {
    Cap.LATER_THAN_SYMPTOM: 0.15,
    Cap.NO_DEPENDENCY_PATH: 0.15,
    Cap.NOT_SUSPECTED: UNRANKED_SCORE,
    Cap.CHANGE_NO_CAUSE: 0.5,
    Cap.NO_ASSERTIONS: 0.5,
    Cap.CHECK_REFUTED: 0.2,
}


def capped(score: float, caps: Sequence[str]) -> float:
    """The score, or the least that one of the caps allows."""
    return min([score, *(AT_MOST.get(one, score) for one in caps)])


def caps_of(index: EvidenceIndex, service: str, change_id: str | None, *, is_suspected: bool) -> tuple[Cap, ...]:
    """The caps of suspecting a service (named plainly) and a change, whatever is asserted of them."""
    caps: list[Cap] = []
    change = own_change(index, service, change_id)
    if change_id is not None and change is None and not _is_anybodys(index, change_id):
        caps.append(Cap.CHANGE_NO_CAUSE)
    if _is_later(index, service, change):
        caps.append(Cap.LATER_THAN_SYMPTOM)
    if not _has_path(index, service):
        caps.append(Cap.NO_DEPENDENCY_PATH)
    if not is_suspected:
        caps.append(Cap.NOT_SUSPECTED)
    return tuple(caps)


def own_change(index: EvidenceIndex, service: str, change_id: str | None) -> ChangeEvidence | None:
    """The change, where it is one of this very service and of a kind that can be a cause."""
    piece = index.known.get(change_id or "")
    if not isinstance(piece, ChangeEvidence) or plain(piece.service) != service or piece.change not in CAUSES:
        return None
    return piece


def _is_anybodys(index: EvidenceIndex, change_id: str) -> bool:
    """Whether nobody said whose the change is, so that it may be any service's."""
    piece = index.known.get(change_id)
    return isinstance(piece, ChangeEvidence) and piece.service == EVERYWHERE and piece.change in CAUSES


def _is_later(index: EvidenceIndex, service: str, change: ChangeEvidence | None) -> bool:
    began = [change.effective_from] if change is not None else []
    if service != index.service and (onset := index.onset_of(service)) is not None:
        began.append(onset)
    return any(at > index.symptom_at + index.frame.slack for at in began)


def _has_path(index: EvidenceIndex, service: str) -> bool:
    if not index.knows_graph or service in index.reached:
        return True
    # Trouble travels from callee to caller, and requests the other way.
    return _sends_surge(index.series.get(service, ())) and service in index.reaching


def _sends_surge(series: Sequence[SeriesEvidence]) -> bool:
    return any(piece.metric is Metric.REQUEST_RATE and piece.movement.direction is Direction.UP for piece in series)


def against(index: EvidenceIndex, service: str) -> tuple[str, ...]:
    """Evidence that speaks against a service, whoever suspects it: its health, and ill callees that explain it."""
    own = [piece for piece in index.series.get(service, ()) if piece.metric is not Metric.REQUEST_RATE]
    is_ill = any(piece.is_worse for piece in own)
    healthy = [] if is_ill else [piece.id for piece in own if piece.movement.current is not None]
    return tuple(dict.fromkeys((*healthy[:MAX_AGAINST], *_ill_callees(index, service)[:MAX_AGAINST])))


def _ill_callees(index: EvidenceIndex, service: str) -> list[str]:
    """What got worse no later than it did, of the services that it calls."""
    onset = index.onset_of(service)
    limit = None if onset is None else onset + index.frame.slack
    return [
        piece.id
        for callee in index.callees.get(service, ())
        if callee != service
        for piece in index.series.get(callee, ())
        if piece.metric is not Metric.REQUEST_RATE
        and piece.is_worse
        and piece.movement.onset_at is not None
        and (limit is None or piece.movement.onset_at <= limit)
    ]
