"""Which faults a storm has, where and when: six, two of which begin together on different branches."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from evals.estate import Estate
from evals.faults import POINT_FAULTS, Fault, Kind, hit_directly, make_fault, places

GAP_SECONDS = (240.0, 540.0)
"""Between one fault and the next."""
TWINS_APART_SECONDS = 45.0
LEAST_SHARED = 10
"""Of all pairs of places the tenth that shares the fewest services above them are on different branches."""


def draw_faults(estate: Estate, random: Random, *, share_a_caller: bool) -> tuple[list[Fault], list[Fault]]:
    """All faults in the order in which they begin, and the two of them that begin together and are unrelated."""
    twins = _twins(estate, random, share_a_caller=share_a_caller)
    others = [_Place(kind) for kind in Kind if kind not in {twin.kind for twin in twins}]
    random.shuffle(others)
    spared = twins[0].direct | twins[1].direct
    faults: list[Fault] = []
    for began, place in _turns(twins, others, random):
        suffering = frozenset(hit.service for fault in faults for hit in fault.hits)
        if place not in twins:
            suffering |= spared
        faults.append(make_fault(place.kind, estate, random, began=began, at=place.name, suffering=suffering))
    return faults, [fault for fault in faults if fault.kind in {twin.kind for twin in twins}]


@dataclass(frozen=True)
class _Place:
    kind: Kind
    name: str | None = None
    direct: frozenset[str] = frozenset()
    """What a fault there hits by itself, as far as that is known before."""


def _twins(estate: Estate, random: Random, *, share_a_caller: bool) -> tuple[_Place, _Place]:
    """Two places on different branches: neither is above the other, and little is above both.

    Where wanted and possible, somebody calls both.
    """
    all_places = [
        _Place(kind, name, hit_directly(kind, estate, name)) for kind in POINT_FAULTS for name in places(kind, estate)
    ]
    unrelated = [
        (one, other)
        for one, other in combinations(all_places, 2)
        if one.kind is not other.kind and not _touch(estate, one, other)
    ]
    shared = [(one, other) for one, other in unrelated if _callers(estate, one) & _callers(estate, other)]
    pairs = shared if share_a_caller and shared else unrelated
    above_both = {pair: len(estate.above(pair[0].direct) & estate.above(pair[1].direct)) for pair in pairs}
    least = sorted(above_both.values())[len(pairs) // LEAST_SHARED]
    return random.choice([pair for pair in pairs if above_both[pair] <= least])


def _callers(estate: Estate, place: _Place) -> frozenset[str]:
    return frozenset(caller for name in place.direct for caller in estate.callers(name)) - place.direct


def _touch(estate: Estate, one: _Place, other: _Place) -> bool:
    """Whether trouble of one could reach what the other hits by itself."""
    return bool(estate.above(one.direct) & other.direct or estate.above(other.direct) & one.direct)


def _turns(twins: tuple[_Place, _Place], others: Sequence[_Place], random: Random) -> list[tuple[float, _Place]]:
    """When each begins: one after the other, and the twins together at one of the turns."""
    gaps = [random.uniform(*GAP_SECONDS) for _ in range(len(others) + 1)]
    turns = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    together = turns.pop(random.randrange(len(turns)))
    first, second = (together, twins[0]), (together + random.uniform(0, TWINS_APART_SECONDS), twins[1])
    return sorted([first, second, *zip(turns, others, strict=True)], key=lambda turn: turn[0])
