"""The deterministic ranker: which service moved first and most by itself, and what was changed there before it did.

What a series is decides, never what a service is called. Latency and errors propagate from callee to caller, so what
a callee's change accounts for of a caller's is explained away; what a service runs on is its own; traffic is weak
evidence. A change counts only where something moved after it, so a harmless one of a healthy service does not.
Scores order; they are no probabilities.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from shared.hypotheses.canonical import in_canonical_order
from shared.hypotheses.clues import Clue, clues_of
from shared.hypotheses.explain import slack
from shared.hypotheses.observation import Observation, ObservedChange, Ranking, SeriesKind, Suspect
from shared.hypotheses.picture import FAILURES, LATENCIES, PROPAGATING, Picture, loudness, picture_of

RANKER_VERSION = "2"
LEAST = 0.25
"""Below, the best of hundreds of series is what chance makes of them."""
UNSEEN = 0.7
"""What counts of evidence of which the service that alerted shows nothing."""
OUTSIDE_CONE = 0.5
"""The graph is never complete, so what lies outside of it is doubted, not excluded."""
SECOND_VOICE = 0.5
"""Of the next kind of series of the same service: it need not be independent."""
LATE_STEPS = 4.0
"""An onset as many steps after the first, beyond those that make a tie, is late."""
RECENT_SECONDS = 900.0
LOOK_BACK_SECONDS = 3600.0
ORDER_SHARE, CHANGE_SHARE = 0.15, 0.25


def rank(observation: Observation) -> Ranking:
    """Suspects, the likeliest first; none, and the reason why, when nothing exceeds normal."""
    picture = picture_of(in_canonical_order(observation))
    found = [_suspect(picture, service, clues) for service, clues in clues_of(picture).items()]
    if not found:
        return Ranking((), "nothing measured")
    evident = [one for one in found if one.factors["own_movement"] * one.factors["seen_by_target"] >= LEAST]
    if not evident:
        return Ranking((), "no evidence")
    earliest = min((one.onset for one in evident if one.onset is not None), default=observation.began_at)
    scored = [_scored(picture, one, earliest) for one in found]
    return Ranking(tuple(sorted((one for one in scored if one.score > 0), key=_order)), "ranked")


def _suspect(picture: Picture, service: str, clues: Sequence[Clue]) -> Suspect:
    voices = sorted(clues, key=lambda clue: (clue.own, *loudness(clue.weighed)), reverse=True)
    best = voices[0]
    second = voices[1].own if len(voices) > 1 else 0.0
    one = best.weighed
    within = picture.cone is None or service in picture.cone | picture.surges
    return Suspect(
        service=service,
        kind=one.series.kind,
        series=one.series.name,
        onset=None if one.onset is None else picture.seen.began_at + one.onset,
        goes_up=one.goes_up,
        score=0.0,
        factors={
            "own_movement": 1.0 - (1.0 - best.own) * (1.0 - SECOND_VOICE * second),
            "strength": best.strength,
            "rarity": one.rarity,
            "second_voice": second,
            "explained_by_callees": best.explained,
            "within_reach": 1.0 if within else OUTSIDE_CONE,
            "seen_by_target": 1.0 if _is_seen(picture, one.series.kind) else UNSEEN,
        },
        change=one.change,
        deviations=one.z,
        is_surge=one.series.kind is SeriesKind.TRAFFIC and service in picture.surges,
        evidence_id=one.series.evidence_id,
    )


def _is_seen(picture: Picture, kind: SeriesKind) -> bool:
    """Whether the service that alerted shows a symptom itself; of what propagates, one of the same family."""
    family = next((one for one in (LATENCIES, FAILURES) if kind in one), PROPAGATING)
    return any(one.series.kind in family for one in picture.symptoms_of(picture.seen.target))


def _scored(picture: Picture, one: Suspect, earliest: float) -> Suspect:
    """The suspect with its place in time: whether it moved first, and soon after something was changed there."""
    first, changed, cause = 0.0, 0.0, None
    if one.onset is not None:
        late = max(0.0, one.onset - earliest - slack(picture))
        first = max(0.0, 1.0 - late / (LATE_STEPS * picture.seen.step))
        cause = None if one.kind is SeriesKind.TRAFFIC else change_before(picture, one.service, one.onset)
        changed = math.exp(-max(0.0, one.onset - cause.at) / RECENT_SECONDS) if cause else 0.0
    timing = 1.0 - ORDER_SHARE * (1.0 - first) - CHANGE_SHARE * (1.0 - changed)
    place = one.factors["within_reach"] * one.factors["seen_by_target"]
    factors = {**one.factors, "moved_first": first, "recent_change": changed}
    return replace(
        one,
        score=round(float(place * one.factors["own_movement"] * timing), 6),
        factors={name: round(float(value), 6) for name, value in factors.items()},
        change_evidence_id=cause.evidence_id if cause else "",
    )


def change_before(picture: Picture, service: str, onset: float) -> ObservedChange | None:
    """The last change of a service that can have caused what began at `onset`; a later one cannot."""
    fit = [
        one
        for one in picture.seen.changes
        if one.service == service
        and one.effective_from <= onset + slack(picture)
        and onset - one.at <= LOOK_BACK_SECONDS
    ]
    return max(fit, key=lambda one: one.at, default=None)


def _order(one: Suspect) -> tuple[float, float, float, float]:
    """Of equals, who moved first, then furthest; never a name."""
    return (-one.score, math.inf if one.onset is None else one.onset, -one.deviations, -one.change)
