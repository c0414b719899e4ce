"""What an incident looked like, so short that a list can keep it, and how alike two incidents look. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from shared.models.evidence import Evidence, SeriesEvidence
from shared.models.incidents import IncidentSummary
from shared.models.measures import Direction

MAX_SYMPTOMS = 20
MAX_SYMPTOM_CHARS = 160
BY_SYMPTOMS, BY_SERVICES, BY_ALERTS, BY_LABELS = 0.45, 0.2, 0.25, 0.1
ALIKE_FROM = 0.35
_MOSTLY = 0.5
_CLEAR = 1.0
"""A movement with a lower score is not kept as a symptom: log1p of less than two deviations."""


def symptoms_of(pieces: Iterable[Evidence]) -> tuple[str, ...]:
    """`service|metric|direction` of the series that moved, the clearest MAX_SYMPTOMS of them, in a stable order."""
    moved = [
        one
        for one in pieces
        if isinstance(one, SeriesEvidence)
        and one.movement.direction is not Direction.STEADY
        and one.movement.score >= _CLEAR
    ]
    clearest = sorted(moved, key=lambda one: (-one.movement.score, one.service, one.metric.value))[:MAX_SYMPTOMS]
    told = (f"{one.service}|{one.metric.value}|{one.movement.direction.value}" for one in clearest)
    return tuple(sorted(text[:MAX_SYMPTOM_CHARS] for text in told))


@dataclass(frozen=True)
class Pattern:
    """What two incidents are compared by."""

    service: str
    symptoms: frozenset[str]
    services: frozenset[str]
    alert_names: frozenset[str]
    labels: frozenset[str]
    """`name=value` of what their alerts say of where they are from."""


@dataclass(frozen=True)
class Likeness:
    """How alike two incidents look (0 to 1), and in what."""

    similarity: float
    because: tuple[str, ...]


def pattern_of(summary: IncidentSummary) -> Pattern:
    """The pattern of an incident that is in the list."""
    return Pattern(
        service=summary.service_name,
        symptoms=frozenset(summary.symptoms),
        services=frozenset(summary.service_names),
        alert_names=frozenset(name for node in summary.services for name in node.names),
        labels=frozenset(
            f"{label}={value}" for node in summary.services for label, found in node.labels.items() for value in found
        ),
    )


def likeness(one: Pattern, other: Pattern) -> Likeness:
    """Shares of what both have, weighed; what neither knows of counts for nothing, neither for nor against."""
    shares = [
        ("the same symptoms", BY_SYMPTOMS, _shared(one.symptoms, other.symptoms)),
        ("the same services", BY_SERVICES, _shared(one.services, other.services)),
        ("the same alerts", BY_ALERTS, _shared(one.alert_names, other.alert_names)),
        ("the same place", BY_LABELS, _shared(one.labels, other.labels)),
    ]
    known = [(why, worth, share) for why, worth, share in shares if share is not None]
    whole = sum(worth for _, worth, _ in known)
    similarity = sum(worth * share for _, worth, share in known) / whole if whole else 0.0
    return Likeness(round(similarity, 3), tuple(why for why, _, share in known if share >= _MOSTLY))


def _shared(ours: Collection[str], theirs: Collection[str]) -> float | None:
    """The share of all that both have (Jaccard); None where one side knows nothing."""
    if not ours or not theirs:
        return None
    both, any_ = set(ours) & set(theirs), set(ours) | set(theirs)
    return len(both) / len(any_)


def most_alike(
    ours: Pattern, past: Sequence[IncidentSummary], *, limit: int
) -> list[tuple[IncidentSummary, Likeness]]:
    """The incidents that look most like ours, best first; of equal ones the latest."""
    compared = [(one, likeness(ours, pattern_of(one))) for one in past]
    alike = [found for found in compared if found[1].similarity >= ALIKE_FROM and found[1].because]
    return sorted(alike, key=lambda found: (-found[1].similarity, -found[0].detected_at.timestamp(), found[0].id))[
        :limit
    ]
