"""What was changed lately, by everybody who tells of it: metrics, reports to us, code hosts, annotations."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.context.changes.alone import Part, alone, together
from shared.context.changes.hosted import hosted
from shared.context.changes.joining import joined, rolled_back
from shared.context.changes.kubernetes import reconfigured, rollouts
from shared.context.changes.metrics import Asked, series_of, starts, versions
from shared.context.changes.names import Around
from shared.context.changes.noted import noted
from shared.context.changes.queries import births, running
from shared.context.changes.reported import reported
from shared.context.changes.running import Grid
from shared.context.changes.told import SKEW, nearness
from shared.context.look import PATIENCE_SECONDS, Collected, Look, NotConfigured, View
from shared.errors import CopilotError
from shared.models.conventions import ServiceNames
from shared.models.evidence import ChangeEvidence
from shared.ports.annotations import AnnotationSource
from shared.ports.deployments import DeploymentSource
from shared.ports.metrics import Answer

LOOK_BACK = timedelta(hours=24)
COARSE_STEP_SECONDS = 300.0
"""Prometheus finds a sample up to five minutes old, so that nothing that ran so long is missed."""
MANY_SERVICES = 15
MAX_CHANGES = 50
MAX_OWN, MAX_REPORTED, MAX_NOTES = 50, 200, 100
TOTAL_SECONDS, SPARE_SECONDS = 9.0, 0.2
"""Below the deadline of a snapshot, so that what came in time is shown; the spare is for putting it together."""


@dataclass(frozen=True)
class Question:
    """What everybody is asked."""

    view: View
    around: Around
    since: datetime
    until: datetime

    def labels(self, *names: str) -> frozenset[str]:
        """What the incident's alerts say under these labels."""
        held = (one.normalized_data.labels for one in self.view.signals)
        return frozenset(labels[name] for labels in held for name in names if labels.get(name))

    @property
    def environments(self) -> frozenset[str]:
        """The environments that the alerts name."""
        return self.labels("env", "environment", "deployment_environment", "stage")


async def collect_changes(
    view: View, *, patience_seconds: float = PATIENCE_SECONDS, total_seconds: float = TOTAL_SECONDS
) -> Collected:
    """Changes of the service and those around it in the day before the alert, the nearest to it first.

    Each source fails for itself. At most three queries. Raises NotConfigured where nothing is connected that could
    tell, and nothing was reported.
    """
    ends = asyncio.get_running_loop().time() + total_seconds
    around, warnings = await _around(view, patience_seconds)
    question = Question(view, around, view.reference - LOOK_BACK, view.now + SKEW)
    measured, kept, *connected = await together(
        alone("Prometheus", _measured(question, ends), ends + SPARE_SECONDS),
        alone("what was reported", _reported(question), ends),
        alone("GitHub", _hosts(question, ends), ends + SPARE_SECONDS),
        alone("Grafana", _systems(question, ends), ends + SPARE_SECONDS),
    )
    whole = measured.beside(kept, *connected)
    changes = rolled_back(joined(whole.told))
    if measured.missing and not changes and not whole.failure and not any(one.is_connected for one in connected):
        raise NotConfigured("nobody is connected who could tell of changes", reason=measured.missing)
    return _collected(view, changes, whole, warnings)


def _collected(view: View, changes: Sequence[ChangeEvidence], whole: Part, warnings: Sequence[str]) -> Collected:
    nearest = sorted(changes, key=lambda one: nearness(one, view.reference))
    left_out = len(nearest) - MAX_CHANGES
    more = [f"{left_out} more changes are left out"] if left_out > 0 else []
    blind = ["no Prometheus is connected: which versions run was not looked at"] if whole.missing else []
    return Collected(
        evidence=tuple(nearest[:MAX_CHANGES]),
        warnings=(*whole.warnings, *warnings, *blind, *more),
        failure=whole.failure,
        why_empty="no_changes",
    )


async def _around(view: View, patience_seconds: float) -> tuple[Around, list[str]]:
    """The services around, and what the tenant calls them; with neither known, the service alone."""
    services, warnings = await view.around(patience_seconds=patience_seconds)
    try:
        held = await view.services.records.read(view.tenant_id, ServiceNames, ServiceNames.id_for())
    except CopilotError as exc:
        return Around(services), [*warnings, f"the service names of the tenant could not be read: {exc.reason}"]
    return Around(services, held.value if held else None), warnings


async def _measured(question: Question, ends: float) -> Part:
    """What metrics tell. A query that fails costs its own part of it."""
    look = await question.view.look()
    # Of many services more seldom, as an answer has a bounded number of points.
    coarse = COARSE_STEP_SECONDS * (1 if len(question.around.asked) <= MANY_SERVICES else 2)
    answers = await _answers(question, look, coarse, ends)
    failures = [one for one in answers if isinstance(one, Part)]
    if len(failures) == len(answers):
        return Part(failure=failures[0].failure, warnings=(f"Prometheus could not be asked: {failures[0].failure}",))
    day, near, births_of = (one if isinstance(one, Answer) else Answer() for one in answers)
    asked = Asked(
        around=question.around,
        grid=Grid(look.window.start.timestamp(), look.window.step_seconds, coarse),
        since=question.since,
        until=question.until,
        ranges=(day, near),
        births=births_of,
        namespaces=question.labels("namespace", "exported_namespace", "kubernetes_namespace"),
    )
    warned = tuple(dict.fromkeys((*day.warnings, *near.warnings, *births_of.warnings)))
    return Part(warnings=warned).beside(_read(asked), *failures)


async def _answers(question: Question, look: Look, coarse: float, ends: float) -> list[Answer | Part]:
    """Three queries: seldom over the day, often around the alert, and when things came into being."""
    window, names, since = look.window, question.around.asked, question.since.timestamp()
    query = running(names)
    # On multiples of the step, so that the next look asks the same.
    begins = datetime.fromtimestamp(since // coarse * coarse, UTC)
    day = look.source.query_range(query, start=begins, end=window.start, step_seconds=coarse)
    near = look.source.query_range(query, start=window.start, end=window.end, step_seconds=window.step_seconds)
    born = look.source.query(births(names, since=since, started_since=window.start.timestamp()), at=window.end)
    return await together(
        alone("versions of the last day", day, ends),
        alone("versions around the alert", near, ends),
        alone("ages of ReplicaSets and processes", born, ends),
    )


def _read(asked: Asked) -> Part:
    """Everything that these answers tell."""
    series = series_of(asked)
    found = [versions(asked, series), rollouts(asked, series), reconfigured(asked, series), (list(starts(asked)), [])]
    lately = (one for told, _ in found for one in told if asked.since <= one.piece.at < asked.until)
    return Part(tuple(lately), tuple(dict.fromkeys(warning for _, warnings in found for warning in warnings)))


async def _reported(question: Question) -> Part:
    """The service's own by its name, as those of a large tenant may fill the day before its are reached."""
    view, since, until = question.view, question.since, question.until
    store = view.services.changes
    own, lately = await asyncio.gather(
        store.page(view.tenant_id, since, until, limit=MAX_OWN, service=view.service),
        store.between(view.tenant_id, since, until, limit=MAX_REPORTED),
    )
    held = {change.id: change for change in (*own.items, *lately)}
    cut = (f"only the latest {MAX_REPORTED} reported changes were looked at",) if len(lately) >= MAX_REPORTED else ()
    return Part(tuple(reported(held.values(), question.around, question.environments)), cut)


async def _hosts(question: Question, ends: float) -> Part:
    sources = await question.view.services.deployments.of_tenant(question.view.tenant_id)
    parts = await together(*(alone(one.integration_id, _host(question, one), ends) for one in sources))
    return Part(is_connected=bool(sources)).beside(*parts)


async def _host(question: Question, source: DeploymentSource) -> Part:
    found = await source.look(question.around.services, since=question.since, until=question.until)
    told = hosted(found, question.around, question.environments, host=source.integration_id)
    warnings = tuple(f"{source.integration_id}: {warning}" for warning in found.warnings)
    return Part(tuple(told), warnings, failure=found.failure)


async def _systems(question: Question, ends: float) -> Part:
    sources = await question.view.services.annotations.of_tenant(question.view.tenant_id)
    parts = await together(*(alone(one.integration_id, _system(question, one), ends) for one in sources))
    return Part(is_connected=bool(sources)).beside(*parts)


async def _system(question: Question, source: AnnotationSource) -> Part:
    found = await source.between(question.since, question.until, limit=MAX_NOTES)
    lately = [one for one in found.items if question.since <= one.at <= question.until]
    warnings = tuple(f"{source.integration_id}: {warning}" for warning in found.warnings)
    return Part(tuple(noted(lately, question.around, system=source.integration_id)), warnings)
