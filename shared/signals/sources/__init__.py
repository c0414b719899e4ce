"""One file a sender; the table below is where a new one is registered."""

from collections.abc import Callable, Mapping
from datetime import datetime

from shared.models.signals import ParsedDelivery, Source
from shared.signals.sources import alertmanager, changes, generic, github, grafana, grafana_legacy, pagerduty

Parser = Callable[[bytes, datetime], ParsedDelivery]

PARSERS: Mapping[Source, Parser] = {
    Source.ALERTMANAGER: alertmanager.parse,
    Source.GRAFANA: grafana.parse,
    Source.GRAFANA_LEGACY: grafana_legacy.parse,
    Source.PAGERDUTY: pagerduty.parse,
    Source.GENERIC: generic.parse,
    Source.CHANGES: changes.parse,
    Source.GITHUB: github.parse,
}


def parse(source: Source, body: bytes, *, received_at: datetime) -> ParsedDelivery:
    """Read a delivery; raises Malformed when not even its alerts can be found."""
    return PARSERS[source](body, received_at)
