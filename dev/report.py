"""What the demo prints: the incident as an engineer would want to read it at 3 a.m."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from dev.ports import DEFAULT_BASE
from dev.stack import Stack

_VERDICTS = {"supported": "green", "refuted": "red", "not_run": "yellow"}
_COLOURS = {"ok": "green", "empty": "yellow", "stale": "yellow", "failed": "red", "not_configured": "yellow"}


def print_incident(
    console: Console,
    incident: Mapping[str, Any],
    snapshot: Mapping[str, Any],
    *,
    others: Sequence[Mapping[str, Any]],
    moments: Mapping[str, float],
) -> None:
    """Print one incident in full and the others in a line each."""
    console.print()
    console.rule(f"[bold red]{incident['severity'].upper()}[/]  {escape(incident['title'])}")
    console.print(_fired(incident))
    console.print(_looked_at(snapshot))
    by_id = {piece["id"]: piece for section in snapshot["sections"] for piece in section["evidence"]}
    for hypothesis in incident["hypotheses"]["hypotheses"][:3]:
        console.print(_hypothesis(hypothesis, by_id))
    answer = incident["hypotheses"]
    if answer.get("next_query"):
        console.print(_inconclusive(answer["next_query"]))
    console.print(f"Answered by [bold]{answer['generated_by']}[/] ({answer['reason']}).")
    if answer.get("flags"):
        console.print(f"[bold red]Not trusted with a model:[/] {escape(', '.join(answer['flags']))}")
    for other in others:
        top = (other["hypotheses"] or {}).get("hypotheses") or [{"claim": "no hypothesis"}]
        console.print(f"Also paged: [bold]{escape(other['service_name'])}[/] → {escape(top[0]['claim'])}")
    console.print(_steps(moments, snapshot, answer))


def print_where_to_look(
    console: Console, stack: Stack, incident_id: str, *, verdict: bool, culprit: str, version: str
) -> None:
    """Print whether the answer is right, and where to go on."""
    ports = stack.options.ports
    if verdict:
        console.print(f"[bold green]✓[/] The bad deploy ({culprit} {version}) is named first in every incident.")
    else:
        console.print(f"[bold red]✗[/] The bad deploy ({culprit} {version}) is not named first in every incident.")
    api = f"http://127.0.0.1:{ports.functions}/api/v1"
    base = f" --port-base {ports.base}" if ports.base != DEFAULT_BASE else ""
    token = f"$(.venv/bin/python -m dev token{base})"
    places = {
        "API docs": f"{api}/docs",
        "This incident": f'curl -H "Authorization: Bearer {token}" {api}/incidents/{incident_id}',
        "Prometheus": f"http://127.0.0.1:{ports.prometheus}/alerts",
        "Alertmanager": f"http://127.0.0.1:{ports.alertmanager}",
        "The shop": f"http://127.0.0.1:{ports.shop}/state",
        "Logs": str(stack.options.layout.logs),
    }
    console.print("\n[italic]Where to look next[/]")
    for name, place in places.items():
        # Never wrapped or cut: these lines are there to be copied.
        console.print(f"  {name:<14} {escape(place)}", soft_wrap=True, highlight=False)


def _fired(incident: Mapping[str, Any]) -> Table:
    table = Table(title="What fired", title_justify="left")
    for column in ("alert", "service", "status", "since", "summary"):
        table.add_column(column)
    for signal in incident["signals"]:
        table.add_row(
            escape(signal["name"]),
            escape(signal["service_name"]),
            signal["status"],
            _clock(signal["timestamp"]),
            escape(signal["summary"]),
        )
    return table


def _looked_at(snapshot: Mapping[str, Any]) -> Table:
    table = Table(title="What was looked at", title_justify="left")
    for column in ("question", "answer", "evidence", "seconds"):
        table.add_column(column)
    for section in snapshot["sections"]:
        colour = _COLOURS[section["status"]]
        why = f" ({escape(section['reason'])})" if section["reason"] else ""
        answer = f"[{colour}]{section['status']}[/]{why}"
        table.add_row(section["name"], answer, str(len(section["evidence"])), f"{section['elapsed_seconds']:.2f}")
    return table


def _hypothesis(hypothesis: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> Panel:
    lines = [f"[bold]{escape(hypothesis['claim'])}[/]", escape(hypothesis["mechanism"]), ""]
    lines += [f"  [green]+ {cited}[/] {escape(by_id[cited]['said'])}" for cited in hypothesis["supporting"]]
    lines += [f"  [yellow]- {cited}[/] {escape(by_id[cited]['said'])}" for cited in hypothesis["contradicting"]]
    factors = ", ".join(f"{name} {value:.2f}" for name, value in hypothesis["factors"].items())
    lines += ["", f"[dim]score {hypothesis['score']:.2f}: {escape(factors)}[/]"]
    lines += _checked(hypothesis)
    lines += [f"[dim]next: {escape(step)}[/]" for step in hypothesis["next_steps"][:2]]
    likely = f", {hypothesis['confidence']:.0%} likely" if hypothesis.get("confidence") is not None else ""
    title = f"#{hypothesis['rank']} {escape(hypothesis['suspected_service'])}{likely}"
    return Panel("\n".join(lines), title=title, title_align="left")


def _checked(hypothesis: Mapping[str, Any]) -> list[str]:
    """What code checked of it; nothing where a hypothesis is the ranker's own."""
    verified, lines = hypothesis["verified"], []
    if verified["of"]:
        lines.append(f"[bold]verified {verified['held']} of {verified['of']}[/]")
    for one in hypothesis["assertions"]:
        if one["held"] != "true":
            said = f"{one['evidence_id']} {one['path']} {one['operator']} {one['value']}"
            lines.append(f"  [red]✗[/] {escape(said)}: {escape(one['found'] or one['reason'])}")
    for check in hypothesis["checks"]:
        found = "" if check["found"] is None else f" at {check['found']:g}"
        why = f" ({check['reason']})" if check["reason"] else ""
        asked = f"{check['query']} {check['operator']} {check['value']:g}"
        lines.append(f"  [{_VERDICTS[check['verdict']]}]{check['verdict']}[/]{found}{why}: {escape(asked)}")
    if hypothesis["caps"]:
        lines.append(f"[dim]capped: {escape(', '.join(hypothesis['caps']))}[/]")
    return lines


def _inconclusive(asked: Mapping[str, Any]) -> Panel:
    """What would tell the suspects apart, where the evidence does not."""
    lines = [escape(asked["look_at"])]
    lines += [f"[bold]{escape(asked['query'])}[/]"] if asked["query"] else []
    lines += [f"  {escape(name)} if: {escape(outcome)}" for name, outcome in asked["expected"].items()]
    title = f"Inconclusive: {escape(' or '.join(asked['distinguishes']))}?"
    return Panel("\n".join(lines), title=title, title_align="left")


def _steps(moments: Mapping[str, float], snapshot: Mapping[str, Any], answer: Mapping[str, Any]) -> Table:
    table = Table(title="How long it took", title_justify="left", show_header=False)
    rows = [
        (
            "bad deploy → page (Prometheus waiting for `for:`)",
            _gap(moments, "bad version deployed", "incident opened"),
        ),
        ("page → ranked hypotheses", _gap(moments, "incident opened", "hypotheses ready")),
        ("  of that, collecting the context", f"{snapshot['elapsed_seconds']:.2f} s"),
        ("  of that, the model step", f"{answer['elapsed_seconds']:.2f} s"),
    ]
    for words, seconds in rows:
        table.add_row(words, seconds)
    return table


def _gap(moments: Mapping[str, float], earlier: str, later: str) -> str:
    return f"{moments[later] - moments[earlier]:.1f} s" if earlier in moments and later in moments else "?"


def _clock(instant: str) -> str:
    return instant[11:19]
