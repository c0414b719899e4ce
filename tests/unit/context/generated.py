"""Series whose onset is known, as Prometheus would show them: seeded, so that a figure can be quoted."""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

EPOCH = 1_800_000_000
STEP = 15
SKEW_SECONDS = 120.0


DAY_SAMPLES, SMEAR = 260, 4


@dataclass(frozen=True)
class Days:
    """Today's points, and those of earlier days at the same clock, by seconds back."""

    points: tuple[tuple[float, float], ...]
    earlier: Mapping[int, tuple[tuple[float, float], ...]]


class Shape(StrEnum):
    """How the trouble begins."""

    STEP = "step"
    RAMP = "ramp"
    STEP_AFTER_A_SPIKE = "step after a spike"
    STEP_BACK = "step and back"


class Flaw(StrEnum):
    """What is wrong with the measuring."""

    NONE = "none"
    MISSED_SCRAPES = "missed scrapes"
    GAP = "gap"
    NAN = "not a number"
    RESETS = "counter resets"
    SKEW = "clock skew"


@dataclass(frozen=True)
class Case:
    """A series, when the alert fired by the sender's clock, and when its trouble began (None: it never did)."""

    seed: int
    shape: Shape | None
    flaw: Flaw
    smear: int
    points: tuple[tuple[float, float], ...]
    fired: datetime
    onset: datetime | None

    def samples_off(self, found: datetime | None) -> float:
        """By how many samples an onset is wrong; infinitely when there is none."""
        if found is None or self.onset is None:
            return 0.0 if found is self.onset else math.inf
        return abs((found - self.onset).total_seconds()) / STEP


def cases(seeds: range, shape: Shape | None, flaws: Iterable[Flaw] = tuple(Flaw)) -> Iterator[Case]:
    """One for each seed and flaw."""
    return (a_case(seed, shape, flaw) for seed in seeds for flaw in flaws)


def a_case(seed: int, shape: Shape | None, flaw: Flaw) -> Case:
    """One to a hundred a second, noise of a twentieth to a fifth, and a change that an alert would see."""
    chance = random.Random(f"{seed} {shape} {flaw}")
    smear, count = chance.choice((1, 4)), chance.choice((80, 160, 280))
    level = 10 ** chance.uniform(0, 2)
    noise = level * chance.uniform(0.05, 0.2)
    began = chance.randrange(count // 2, count - 16)
    height = noise * chance.uniform(8, 40) * (1 if level < 8 * noise else chance.choice((1, 1, -1)))
    raw = [level + chance.gauss(0, noise) * math.sqrt(smear) for _ in range(count + smear)]
    for at in range(began if shape else len(raw), count):
        raw[at + smear] += height * _share(shape, at - began)
    if shape is Shape.STEP_AFTER_A_SPIKE:
        raw[smear + began // 2] += 10 * height
    if flaw is Flaw.RESETS:
        # A restart loses what was counted since the last scrape.
        for at in chance.sample(range(len(raw)), k=2):
            raw[at] *= chance.random()
    values = [sum(raw[at + 1 : at + 1 + smear]) / smear for at in range(count)]
    fired = began + chance.randrange(2, 8) + smear
    skew = chance.choice((-SKEW_SECONDS, SKEW_SECONDS)) if flaw is Flaw.SKEW else 0.0
    return Case(
        seed,
        shape,
        flaw,
        smear,
        tuple((EPOCH + STEP * at, value) for at, value in _scraped(values, flaw, chance)),
        datetime.fromtimestamp(EPOCH + STEP * fired + skew, UTC),
        datetime.fromtimestamp(EPOCH + STEP * began, UTC) if shape else None,
    )


def _share(shape: Shape | None, since: int) -> float:
    """How much of the change is there, so many samples after it began."""
    match shape:
        case Shape.RAMP:
            return min(1.0, (since + 1) / 6)
        case Shape.STEP_BACK:
            return 1.0 if since < 14 else 0.0
        case _:
            return 1.0


def _scraped(values: list[float], flaw: Flaw, chance: random.Random) -> list[tuple[int, float]]:
    found = list(enumerate(values))
    match flaw:
        case Flaw.MISSED_SCRAPES:
            return [one for one in found if chance.random() > 0.1]
        case Flaw.GAP:
            start = chance.randrange(len(values) // 2 - 12)
            return [(at, value) for at, value in found if not start <= at < start + 12]
        case Flaw.NAN:
            return [(at, math.nan if chance.random() < 0.1 else value) for at, value in found]
        case _:
            return found


def days_of(
    seed: int, curve: Callable[[float], float], *, days: Sequence[int], today: Callable[[float], float]
) -> Days:
    """A window of 65 minutes today, and of earlier days: each has its own level, and noise of a twelfth.

    Both functions take 0 to 1, the place in the window; `today` is by how much today differs from the curve.
    """
    chance = random.Random(seed)
    times = [EPOCH + STEP * at for at in range(DAY_SAMPLES)]

    def a_day(factor: Callable[[float], float]) -> tuple[tuple[float, float], ...]:
        level = 1 + chance.gauss(0, 0.1)
        raw = [
            level * curve(at / DAY_SAMPLES) * factor(at / DAY_SAMPLES) * (1 + chance.gauss(0, 0.08) * SMEAR**0.5)
            for at in range(1 - SMEAR, DAY_SAMPLES)
        ]
        return tuple((at, sum(raw[n : n + SMEAR]) / SMEAR) for n, at in enumerate(times))

    earlier = {day * 86_400: a_day(lambda _: 1.0) for day in days}
    return Days(a_day(today), earlier)
