"""Hypotheses in words: a testable claim with numbers and times, how it would come about, what to look at next."""

from collections.abc import Sequence
from datetime import timedelta

from shared.hypotheses.scene import Scene, got_worse
from shared.hypotheses.suspects import Suspected
from shared.hypotheses.suspicion import suspicion_of
from shared.models.changes import ChangeKind, ChangeStatus
from shared.models.evidence import ChangeEvidence, EdgeEvidence, SeriesEvidence
from shared.models.hypotheses import Hypothesis
from shared.models.measures import Metric
from shared.models.quantities import clock, latency, number, percent

MAX_NAME_CHARS = 120
MAX_CITED = 8
MAX_STEP_CHARS = 400
LONG_AGO = timedelta(minutes=5)
_SETTINGS = {
    ChangeKind.CONFIG: "configuration",
    ChangeKind.FEATURE_FLAG: "a feature flag",
    ChangeKind.INFRASTRUCTURE: "infrastructure",
}
_SUBJECTS = {
    ChangeKind.CONFIG: "{name} with its changed configuration",
    ChangeKind.FEATURE_FLAG: "{name} with its changed feature flag",
    ChangeKind.INFRASTRUCTURE: "{name} on its changed infrastructure",
    ChangeKind.ROLLBACK: "The version of {name} that was brought back",
}


def plain(text: str, *, limit: int = MAX_NAME_CHARS) -> str:
    """Text from outside, safe in one line: without control characters, capped."""
    printable = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    return printable[:limit].strip()


def _quoted(text: str, *, limit: int) -> str:
    """What somebody outside wrote, as it may be quoted: nothing of it where it speaks to a model."""
    return "" if suspicion_of(text) else plain(text, limit=limit)


def hypothesis(scene: Scene, suspect: Suspected, rank: int) -> Hypothesis:
    """A suspect as a hypothesis with its evidence."""
    return Hypothesis(
        rank=rank,
        claim=_claim(suspect, scene.slack)[:400],
        suspected_service=plain(suspect.service),
        suspected_change=suspect.deploy.id if suspect.deploy else None,
        mechanism=_mechanism(scene, suspect)[:800],
        supporting=tuple(_supporting(scene, suspect)),
        contradicting=tuple(_contradicting(scene, suspect)),
        score=suspect.score,
        factors=suspect.factors,
        next_steps=tuple(_next_steps(suspect)),
    )


def _claim(suspect: Suspected, slack: timedelta) -> str:
    name = plain(suspect.service)
    if suspect.kind == "dead":
        worst = max(suspect.dead_edges, key=lambda edge: edge.failed_ratio or 0.0)
        caller = plain(worst.caller)
        return (
            f"{name} does not answer: {percent(worst.failed_ratio)} of {caller}'s calls to it fail{_since(suspect)}."
        )
    if suspect.symptom is None:
        return f"{name} is ill."
    if suspect.kind == "surge":
        return f"A surge of traffic at {name}: {_moved(suspect.symptom)}{_since(suspect)}."
    return f"{name} {_moved(suspect.symptom)}{_since(suspect)}{_after_deploy(suspect, slack)}."


def _moved(piece: SeriesEvidence) -> str:
    now, before = piece.movement.current, piece.movement.baseline_median
    match piece.metric:
        case Metric.ERROR_RATIO:
            return f"answers {percent(now)} of its requests with errors ({percent(before)} before)"
        case Metric.LATENCY_P50 | Metric.LATENCY_P95 | Metric.LATENCY_P99:
            quantile = piece.metric.value.removeprefix("latency_p")
            return f"takes {latency(now)} at the {quantile}th percentile ({latency(before)} before)"
        case Metric.REQUEST_RATE:
            return f"gets {number(now)} requests/s instead of {number(before)}"
        case Metric.SATURATION:
            return f"is {percent(now)} full ({percent(before)} before)"


def _since(suspect: Suspected) -> str:
    return f" since {clock(suspect.onset_at)}" if suspect.onset_at else ""


def _after_deploy(suspect: Suspected, slack: timedelta) -> str:
    deploy = suspect.deploy
    if deploy is None or suspect.onset_at is None:
        return ""
    version = _what_happened(deploy)
    gap = suspect.onset_at - deploy.at
    if gap <= slack:
        # Closer than two samples: the order of the two cannot be told.
        return f", as {version}"
    if gap > LONG_AGO:
        return f", {round(gap.total_seconds() / 60)} min after {version}"
    return f", {round(gap.total_seconds())} s after {version}"


def _what_happened(change: ChangeEvidence) -> str:
    if change.status is ChangeStatus.FAILED:
        return f"a {_kind(change)} that failed{_titled(change)}"
    if change.change in _SETTINGS:
        return f"a change of {_SETTINGS[change.change]}{_titled(change)}"
    if not change.version:
        return f"a {change.change.value}{_titled(change)}"
    version, previous = _quoted(change.version, limit=40), _quoted(change.previous_version or "", limit=40)
    if change.change is ChangeKind.ROLLBACK:
        return f"version {version} came back{f' for {previous}' if previous else ''}"
    return f"version {version} {f'replaced {previous}' if previous else 'came in'}"


def _kind(change: ChangeEvidence) -> str:
    return f"change of {_SETTINGS[change.change]}" if change.change in _SETTINGS else change.change.value


def _titled(change: ChangeEvidence) -> str:
    title = _quoted(change.title, limit=80)
    return f" ({title})" if title else ""


def _mechanism(scene: Scene, suspect: Suspected) -> str:
    name, hurt = plain(suspect.service), plain(scene.service)
    reaches = suspect.service != scene.service and suspect.service in scene.cone()
    path = f" {hurt} shows it because its requests reach {name}." if reaches else ""
    if suspect.kind == "dead":
        return (
            f"Calls to {name} fail while it reports little or nothing itself: it is down or cannot be reached.{path}"
        )
    if suspect.kind == "surge":
        return f"More requests than usual enter at {name}, and what serves them slows down or sheds load."
    if suspect.deploy is not None:
        known = _SUBJECTS.get(suspect.deploy.change, "The new version of {name}")
        failed = f"{{name}} after a {_kind(suspect.deploy)} that failed"
        subject = (failed if suspect.deploy.status is ChangeStatus.FAILED else known).format(name=name)
        return f"{subject} misbehaves; what it calls does not account for the change.{path}"
    if suspect.explained > 0:
        share = percent(suspect.explained)
        return f"What {name} calls accounts for {share} of its change; the rest is its own.{path}"
    return f"Nothing that {name} calls accounts for its change, so it begins there.{path}"


def _supporting(scene: Scene, suspect: Suspected) -> list[str]:
    cited: list[str] = [suspect.symptom.id] if suspect.symptom else []
    cited += [suspect.deploy.id] if suspect.deploy else []
    cited += [edge.id for edge in suspect.dead_edges]
    for metric in (Metric.ERROR_RATIO, Metric.LATENCY_P95):
        piece = scene.of(suspect.service, metric)
        if piece is not None and got_worse(piece):
            cited.append(piece.id)
    if suspect.service != scene.service:
        cited += [edge.id for edge in scene.callers_of(suspect.service)]
    return list(dict.fromkeys(cited))[:MAX_CITED]


def _contradicting(scene: Scene, suspect: Suspected) -> list[str]:
    """What speaks against: ill callees that may explain it, and a healthy measure of the same service."""
    against: list[str] = []
    for edge in scene.calls.get(suspect.service, ()):
        callee = [scene.of(edge.callee, metric) for metric in (Metric.ERROR_RATIO, Metric.LATENCY_P95)]
        against += [piece.id for piece in callee if piece is not None and got_worse(piece)]
    if suspect.kind == "dead":
        errors = scene.of(suspect.service, Metric.ERROR_RATIO)
        against += [errors.id] if errors is not None and not got_worse(errors) else []
    return list(dict.fromkeys(against))[:MAX_CITED]


def _next_steps(suspect: Suspected) -> list[str]:
    steps: list[str] = []
    if suspect.deploy is not None:
        steps.append(_rollback(suspect.deploy))
    if suspect.symptom is not None:
        whole = f"Watch it: {suspect.symptom.query}"
        # Half a query cannot be run: the evidence has all of it.
        steps.append(whole if len(whole) <= MAX_STEP_CHARS else f"Watch it: the query of {suspect.symptom.id}.")
    if suspect.kind == "dead":
        steps.append(f"Check that {plain(suspect.service)} runs and that its callers can reach it.")
    return steps


def _rollback(deploy: ChangeEvidence) -> str:
    name = plain(deploy.service)
    if deploy.status is ChangeStatus.FAILED:
        return f"See what the {_kind(deploy)} that failed left of {name}{_titled(deploy)}."
    if deploy.change in _SETTINGS:
        return (
            f"Undo the change of {_SETTINGS[deploy.change]} of {name}{_titled(deploy)} and see whether it recovers."
        )
    if deploy.change is ChangeKind.ROLLBACK:
        return (
            f"See why {name} was rolled back{_titled(deploy)}, and whether the version it has now is known to work."
        )
    back = _quoted(deploy.previous_version or "", limit=40) or "the version before"
    return f"Roll {name} back to {back} and see whether it recovers."


def queries_to_try(scene: Scene, edges: Sequence[EdgeEvidence] = ()) -> tuple[str, ...]:
    """What to look at when the evidence does not decide."""
    named = [one.expression for one in scene.alerts if one.expression and not suspicion_of(one.expression)]
    again = "Run the alert's own expression over a longer range"
    asked = [f"{again}: {expression}" for expression in named[:1]]
    steps = [step if len(step) <= MAX_STEP_CHARS else f"{again}." for step in asked]
    callees = sorted({plain(edge.callee) for edge in edges if edge.caller == scene.service})
    if callees:
        steps.append(f"Look at what {plain(scene.service)} calls: {', '.join(callees[:5])}")
    steps.append(f"Look at the logs of {plain(scene.service)} since the alert started.")
    return tuple(steps)
