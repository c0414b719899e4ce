"""Freezes what was collected: one order, one id a piece, bounded in size, the same bytes for the same input."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.context.first_movers import first_movers
from shared.context.identity import identified
from shared.context.limit import within_limit
from shared.context.prepare import prepared, service_text
from shared.context.window import Window
from shared.models.evidence import SeriesEvidence
from shared.models.measures import RED, Direction, Relation
from shared.models.snapshots import Blind, Coverage, Section, SectionName, SnapshotBody
from shared.redaction import masks_in


def freeze(service: str, window: Window, sections: Sequence[Section]) -> SnapshotBody:
    """The body of a snapshot: `Snapshot.sha256` is the `digest` of it."""
    onset = onset_of(sections, window.reference)
    by_name = {section.name: prepared(section, (window.start, window.end), onset) for section in sections}
    ordered = [by_name[name] for name in SectionName if name in by_name]
    body = within_limit(
        SnapshotBody(
            service=service_text(service),
            window_start=window.start,
            onset_at=onset,
            window_end=window.end,
            step_seconds=window.step_seconds,
            sections=identified(ordered),
            coverage=coverage_of(ordered),
        )
    )
    # Afterwards, so that it names only what was kept.
    movers = first_movers(body.evidence(), step_seconds=body.step_seconds)
    return counted(body.model_copy(update={"first_movers": movers}))


def counted(body: SnapshotBody) -> SnapshotBody:
    """The body with how many masks of each kind its texts hold."""
    return body.model_copy(update={"redacted": masks_in(body.model_dump_json(include={"sections"}))})


def coverage_of(sections: Sequence[Section]) -> Coverage:
    """The share of the questions that were answered. A part that could not be asked makes its section no answer,
    and what the tenant has connected nothing for is not known either.
    """
    unknown = [one for one in sections if not one.status.is_known]
    blind = [Blind(section=one.name, reason=one.reason or one.status.value) for one in unknown]
    return Coverage(share=round(1 - len(blind) / len(sections), 3) if sections else 0.0, blind=tuple(blind))


def onset_of(sections: Iterable[Section], reference: datetime) -> datetime:
    """When the alerting service's trouble began: at the alert, or before it where its own series say so.

    Errors and latency going up decide. Traffic drifts by the hour, so it is asked only when they are steady.
    """
    own = [
        piece
        for section in sections
        for piece in section.evidence
        if isinstance(piece, SeriesEvidence)
        and piece.relation is Relation.SELF
        # Further quantiles say the same thing less steadily.
        and piece.metric in RED
        and piece.movement.onset_at
    ]
    symptoms = [one for one in own if one.metric.propagates and one.movement.direction is Direction.UP]
    onsets = [one.movement.onset_at for one in symptoms or own if one.movement.onset_at]
    return min([*onsets, reference])
