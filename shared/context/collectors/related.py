"""What else fires: our other incidents and the tenant's Alertmanagers, and which silences hide something."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.context.look import Collected, View
from shared.context.related import RELATED_FROM, Elsewhere, Ours, factors_of, score_of, service_named, telling
from shared.errors import CopilotError
from shared.models.evidence import Origin, RelatedEvidence, SilenceEvidence
from shared.models.incidents import IncidentSummary
from shared.models.signals import AlertStatus, Severity
from shared.ports.alert_sources import FiringAlert
from shared.ports.listing import IncidentQuery
from shared.ports.silencing import Silence, SilencingSource
from shared.redaction import safe_text

MAX_RELATED, MAX_SILENCES = 20, 10
MAX_TEXT_CHARS = 300
MAX_MATCHERS, MAX_HIDDEN = 8, 5
BEFORE = timedelta(hours=1)
_PAGE = 100


@dataclass(frozen=True)
class Heard:
    """What one Alertmanager said, or why it said nothing."""

    related: tuple[RelatedEvidence, ...] = ()
    silences: tuple[SilenceEvidence, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: str | None = None


async def collect_related(view: View) -> Collected:
    """Alerts outside the incident that may belong to its trouble, the likeliest first; raises StoreUnavailable."""
    ours, sources, recent = await asyncio.gather(_ours(view), _sources(view), _recent(view))
    heard = [sources] if isinstance(sources, Heard) else await _all_heard(view, ours, sources)
    related = [*_of_incidents(ours, recent), *(piece for one in heard for piece in one.related)]
    best = sorted(_told_once(related), key=lambda one: (-one.score, one.service, one.name))
    silences = [piece for one in heard for piece in one.silences]
    # Waited for already: without it, what calls and is called cannot be told from what is far off.
    _, untold = await view.around(patience_seconds=0)
    return Collected(
        evidence=(*best[:MAX_RELATED], *silences[:MAX_SILENCES]),
        warnings=(
            *(warning for one in heard for warning in one.warnings),
            *untold,
            *_left_out("related alerts", len(best) - MAX_RELATED),
            *_left_out("silences", len(silences) - MAX_SILENCES),
        ),
        failure=next((one.failure for one in heard if one.failure), None),
        why_empty="nothing_related",
    )


def _left_out(what: str, count: int) -> list[str]:
    return [f"{count} more {what} are left out"] if count > 0 else []


async def _sources(view: View) -> Sequence[SilencingSource] | Heard:
    """The tenant's Alertmanagers; or why none of them can be asked, which takes nothing from what we know."""
    try:
        return await view.services.silencing.of_tenant(view.tenant_id)
    except CopilotError as exc:
        return Heard(failure=exc.reason, warnings=(f"no Alertmanager could be asked: {exc.reason}",))


async def _all_heard(view: View, ours: Ours, sources: Sequence[SilencingSource]) -> list[Heard]:
    return list(await asyncio.gather(*(_heard(view, ours, source) for source in sources)))


async def _ours(view: View) -> Ours:
    around = await view.neighbourhood_in_time()
    labels = [telling(one.normalized_data.labels) for one in view.signals]
    return Ours(view.service, view.reference, around.neighbours, frozenset().union(*labels))


async def _recent(view: View) -> Sequence[IncidentSummary]:
    """The tenant's other incidents that are open or began around the same time."""
    since = IncidentQuery(detected_from=view.reference - BEFORE)
    began, still_open = await asyncio.gather(
        view.services.incident_list.page(view.tenant_id, limit=_PAGE, query=since),
        view.services.incident_list.open_ones(view.tenant_id),
    )
    found = {one.id: one for one in (*still_open, *began.items)}
    return [one for one in found.values() if one.id != view.incident.incident_id and one.merged_into is None]


def _of_incidents(ours: Ours, incidents: Iterable[IncidentSummary]) -> list[RelatedEvidence]:
    found = []
    for incident in incidents:
        for node in incident.services:
            labels = frozenset((name, value) for name, values in node.labels.items() for value in values)
            factors = factors_of(ours, Elsewhere(node.service_name, node.last_started_at, labels))
            if score_of(factors) < RELATED_FROM:
                continue
            found.append(
                RelatedEvidence(
                    origin=Origin.RECORDS,
                    name=safe_text(node.names[0] if node.names else incident.title, MAX_TEXT_CHARS),
                    service=node.service_name,
                    severity=Severity(node.severity),
                    status=AlertStatus.FIRING if incident.is_open else AlertStatus.RESOLVED,
                    starts_at=node.last_started_at,
                    incident_id=incident.id,
                    score=score_of(factors),
                    factors=factors,
                )
            )
    return found


async def _heard(view: View, ours: Ours, source: SilencingSource) -> Heard:
    """One that does not answer costs what it would have said, and is named."""
    try:
        firing, silenced = await asyncio.gather(
            source.firing(now=view.now), source.silences(since=view.reference - BEFORE)
        )
    except CopilotError as exc:
        return Heard(failure=exc.reason, warnings=(f"{source.integration_id} could not be asked: {exc.reason}",))
    near = frozenset({view.service, *ours.neighbours})
    known = {(one.normalized_data.name, one.service_name) for one in view.signals}
    named = [(service_named(one.labels, near), one) for one in firing.alerts]
    around = [(service, one) for service, one in named if service and (_name(one), service) not in known]
    beside = [one for service, one in named if service]
    return Heard(
        related=tuple(piece for service, one in around if (piece := _related(ours, service, one))),
        silences=tuple(found for one in silenced.items if (found := _silence(one, near, beside))),
        warnings=silenced.warnings,
    )


def _related(ours: Ours, service: str, alert: FiringAlert) -> RelatedEvidence | None:
    factors = factors_of(ours, Elsewhere(service, alert.starts_at, telling(alert.labels)))
    if score_of(factors) < RELATED_FROM:
        return None
    severity = alert.labels.get("severity", "").lower()
    return RelatedEvidence(
        origin=Origin.ALERTMANAGER,
        name=_name(alert),
        service=service,
        severity=Severity(severity) if severity in list(Severity) else None,
        status=AlertStatus.FIRING,
        starts_at=alert.starts_at,
        score=score_of(factors),
        factors=factors,
        is_silenced=bool(alert.silenced_by),
    )


def _silence(silence: Silence, near: frozenset[str], alerts: Sequence[FiringAlert]) -> SilenceEvidence | None:
    """A silence that hides an alert of the services around, or that names one of them."""
    hidden = [one for one in alerts if silence.silence_id in one.silenced_by]
    exact = {one.name: one.value for one in silence.matchers if one.is_equal and not one.is_regex}
    named = (service_named(labels, near) for labels in (exact, *(one.labels for one in hidden)))
    service = next((name for name in named if name), None)
    if service is None:
        return None
    return SilenceEvidence(
        origin=Origin.ALERTMANAGER,
        silence_id=safe_text(silence.silence_id, MAX_TEXT_CHARS),
        service=service,
        matchers=tuple(safe_text(str(one), MAX_TEXT_CHARS) for one in silence.matchers[:MAX_MATCHERS]),
        created_by=safe_text(silence.created_by, MAX_TEXT_CHARS) if silence.created_by else None,
        comment=safe_text(silence.comment or "", MAX_TEXT_CHARS),
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        hides=tuple(sorted({_name(one) for one in hidden}))[:MAX_HIDDEN],
    )


def _told_once(related: Iterable[RelatedEvidence]) -> list[RelatedEvidence]:
    """Each alert once; what we have an incident of stands before what an Alertmanager also says."""
    found: dict[tuple[str, str], RelatedEvidence] = {}
    for one in related:
        found.setdefault((one.service, one.name), one)
    return list(found.values())


def _name(alert: FiringAlert) -> str:
    return safe_text(alert.labels.get("alertname", "alert"), MAX_TEXT_CHARS)
