"""Which rows of the table a Prometheus follows, and under which label it names its services."""

from collections.abc import Iterable, Sequence
from string import Template

from shared.context.conventions.expressions import BINDING, labelled, offset
from shared.context.conventions.rows import SERVICE_LABELS, Binding, Family
from shared.context.conventions.subjects import SUBJECTS
from shared.context.conventions.table import BINDINGS, CONVENTIONS
from shared.context.promql import one_of
from shared.ports.metrics import Sample


def detection(services: Sequence[str], *, seconds_ago: float) -> str:
    """One query that tells which binding carries which service, now or when the alert began.

    Asking about now only would lose a service that has since stopped being scraped.
    """
    return " or ".join(_present(binding, services, seconds_ago) for binding in BINDINGS)


def with_subjects(services: Sequence[str], *, seconds_ago: float, spelled: Sequence[str] = ()) -> str:
    """The same, and which of these names have limits: as workloads, autoscalers, consumer groups, processes.

    `spelled` are more names that these may have there, and there alone.
    """
    limited = (
        _counted(f"{one.series}{{{one_of(label, [*services, *spelled])}}}", label, one.listed_as(label), seconds_ago)
        for one in SUBJECTS
        for label in one.labels
    )
    return " or ".join((detection(services, seconds_ago=seconds_ago), *limited))


def _present(binding: Binding, services: Sequence[str], seconds_ago: float) -> str:
    return _counted(_series_of(binding, services), binding.label, binding.name, seconds_ago)


def _counted(series: str, label: str, listed_as: str, seconds_ago: float) -> str:
    either = f"{series} or {series}{offset(seconds_ago)}" if seconds_ago >= 1 else series
    return labelled(f"count by ({label}) ({either})", BINDING, listed_as)


def _series_of(binding: Binding, services: Sequence[str]) -> str:
    return Template(binding.convention.present).substitute(of=one_of(binding.label, services))


def bindings_of(samples: Iterable[Sample], services: Sequence[str]) -> dict[Binding, list[str]]:
    """Each service under the first row and label of the table that carries it."""
    found = {(sample.labels.get(BINDING), label) for sample in samples for label in sample.labels.values()}
    chosen: dict[Binding, list[str]] = {}
    for service in services:
        binding = next((one for one in BINDINGS if (one.name, service) in found), None)
        if binding is not None:
            chosen.setdefault(binding, []).append(service)
    return chosen


def paces(service: str) -> list[list[str]]:
    """Selectors of series that show how often this service is sampled, those that will be measured first.

    Its neighbours may be scraped more often, and a rate over too short a window would be empty, so they come last.
    """
    own = [
        [
            _series_of(Binding(row, label), [service])
            for row in CONVENTIONS
            if row.family is family
            for label in row.service_labels
        ]
        for family in Family
    ]
    return [*own, [f"up{{{one_of(label, [service])}}}" for label in SERVICE_LABELS], ["up"]]
