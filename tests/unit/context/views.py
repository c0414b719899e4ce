"""A view for one collector alone: the window and the neighbourhood are found already."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shared.adapters.memory.services import services_in_memory
from shared.context.look import Look, NotConfigured, View
from shared.context.neighbourhood import Neighbour, Neighbourhood
from shared.context.window import Window, window_for
from shared.models.incidents import Incident
from shared.models.signals import Signal
from shared.ports.metrics import MetricsSource
from shared.ports.services import Services
from tests.builders import NOON, a_signal, an_incident


def a_view(
    source: MetricsSource | None,
    *,
    neighbours: Mapping[str, Neighbour] | None = None,
    incident: Incident | None = None,
    signals: Sequence[Signal] | None = None,
    services: Services | None = None,
    reference: datetime = NOON,
    now: datetime = NOON + timedelta(minutes=2),
    scrape_seconds: float = 15,
) -> View:
    """The view of an incident that began at the reference; needs a running loop."""
    subject = incident or an_incident()
    heard = [a_signal()] if signals is None else signals
    view = View(subject, heard, services or services_in_memory(), reference, now)
    view.looking = asyncio.ensure_future(
        _look(source, subject.service_name, window_for(reference, now, scrape_seconds))
    )
    view.finding = asyncio.ensure_future(_found(Neighbourhood(neighbours or {}, ())))
    return view


async def _look(source: MetricsSource | None, service: str, window: Window) -> Look:
    if source is None:
        raise NotConfigured("no Prometheus is connected", reason="no_prometheus")
    return Look(source=source, service=service, window=window)


async def _found(found: Neighbourhood) -> Neighbourhood:
    return found
