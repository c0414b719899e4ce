"""What was deployed: versions that appeared in a service's build information."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from shared.context.conventions import VERSION_LABEL, build_service_of, build_versions
from shared.context.look import Collected, View
from shared.models.evidence import ChangeEvidence
from shared.ports.metrics import Series
from shared.redaction import safe_text

MAX_DEPLOYS = 50
MAX_VERSION_CHARS = 120

Seen = Mapping[str, Sequence[float]]
"""By version: the times at which it was running, ascending."""


async def collect_changes(view: View) -> Collected:
    """Deploys around the service over the window, of it alone when the topology failed; raises as the source does."""
    look = await view.look()
    services, warnings = await view.around()
    window = look.window
    answer = await look.source.query_range(
        build_versions(sorted(services)), start=window.start, end=window.end, step_seconds=window.step_seconds
    )
    # Each metric is told for itself: a library's build information that comes with a new version is no deploy.
    told = [
        deploy
        for service, metrics in _by_service(answer.series).items()
        for seen in metrics.values()
        for deploy in deploys(service, seen)
    ]
    found: dict[tuple[str, str | None], ChangeEvidence] = {}
    for deploy in sorted(told, key=lambda one: (one.at, one.service, one.version or "", one.previous_version or "")):
        found.setdefault((deploy.service, deploy.version), deploy)
    newest = sorted(found.values(), key=lambda one: one.at, reverse=True)[:MAX_DEPLOYS]
    left_out = len(found) - len(newest)
    more = [f"{left_out} older deploys are left out"] if left_out else []
    return Collected(evidence=tuple(newest), warnings=(*answer.warnings, *warnings, *more), why_empty="no_deploys")


def deploys(service: str, seen: Seen) -> list[ChangeEvidence]:
    """The versions that appeared where another one had run before; a restart of the same version is none."""
    begins = min((times[0] for times in seen.values() if times), default=0.0)
    return [
        ChangeEvidence(
            service=service,
            version=safe_text(version, MAX_VERSION_CHARS),
            previous_version=_previous(seen, version),
            at=datetime.fromtimestamp(times[0], UTC),
            seconds_before_onset=None,
        )
        for version, times in sorted(seen.items())
        if times and times[0] > begins
    ]


def _previous(seen: Seen, version: str) -> str | None:
    """The version that ended as this one began: the last that ran before it, and of those the first to go."""
    at = seen[version][0]
    last_before = {
        name: max((time for time in times if time < at), default=None)
        for name, times in seen.items()
        if name != version
    }
    running = {name: last for name, last in last_before.items() if last is not None}
    if not running:
        return None
    chosen = min(running, key=lambda name: (-running[name], seen[name][-1], name))
    return safe_text(chosen, MAX_VERSION_CHARS)


def _by_service(series: Sequence[Series]) -> Mapping[str, Mapping[str, Seen]]:
    """Times by service, metric and version, from the likeliest of the labels under which the service is known."""
    found: dict[str, dict[int, dict[str, dict[str, list[float]]]]] = {}
    for one in series:
        likelihood, service = build_service_of(one.labels)
        if service and one.points:
            metrics = found.setdefault(service, {}).setdefault(likelihood, {})
            versions = metrics.setdefault(one.labels.get("__name__", ""), {})
            versions[one.labels.get(VERSION_LABEL, "")] = sorted(at for at, _ in one.points)
    return {service: by_label[min(by_label)] for service, by_label in found.items()}
