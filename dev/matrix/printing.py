"""What the matrix says: a line a case as it goes, the table at the end, and the same as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dev.matrix.judging import Result, Share, are_met, by_fault, shares_of


def line_of(result: Result, played: int, of: int) -> str:
    """One case, when it is over."""
    mark = "ok  " if result.is_good else "MISS"
    paged = f", paged after {result.paged_after_seconds:g} s" if result.paged_after_seconds is not None else ""
    why = f" ({result.why})" if result.why else ""
    return f"[{played}/{of}] {mark} {result.case.name}: {result.outcome}{why}{paged}, {result.seconds:.0f} s in all"


def print_report(seed: int, results: Sequence[Result], seconds: float, console: Console | None = None) -> None:
    """The shares with their goals, the table of faults, each miss with what was said instead."""
    console = console or Console()
    console.print(f"Matrix of seed {seed}: {len(results)} cases in {seconds / 60:.1f} min")
    table = Table()
    for column in ("fault", "good", "of"):
        table.add_column(column)
    for name, good, of in by_fault(results):
        table.add_row(name, str(good), str(of))
    console.print(table)
    for result in results:
        if not result.is_good:
            console.print(_miss(result), soft_wrap=True, highlight=False)
    for share in shares_of(results):
        console.print(_share(share))
    waited = [one.answered_after_seconds for one in results if one.answered_after_seconds is not None]
    if waited:
        console.print(f"From fault to answer: {median(waited):.1f} s in the middle, {max(waited):.1f} s at most.")
    console.print("[bold green]The goals are met.[/]" if are_met(results) else "[bold red]The goals are missed.[/]")


def as_json(seed: int, results: Sequence[Result], seconds: float) -> str:
    """All of it, with every case in the order of the seed."""
    return json.dumps(
        {
            "seed": seed,
            "seconds": seconds,
            "met": are_met(results),
            "shares": [{**asdict(one), "value": one.value, "met": one.is_met} for one in shares_of(results)],
            "by_fault": [{"fault": name, "good": good, "of": of} for name, good, of in by_fault(results)],
            "cases": [_case(one) for one in sorted(results, key=lambda one: one.case.number)],
        },
        indent=2,
    )


def _case(result: Result) -> dict[str, Any]:
    return {**asdict(result), "name": result.case.name, "good": result.is_good}


def _share(share: Share) -> str:
    wanted = f"{'at most' if share.at_most else 'at least'} {share.goal:g}"
    if share.value is None:
        return f"{share.name}: none played ({wanted})"
    colour = "green" if share.is_met else "red"
    return f"[{colour}]{share.name}: {share.count} of {share.of} = {share.value:.2f}[/] ({wanted})"


def _miss(result: Result) -> str:
    lines = [f"[bold red]✗[/] #{result.case.number} {result.case.name}: {result.outcome} {escape(result.why)}"]
    for at, one in enumerate(result.told, start=1):
        change = f" [change of {one.change_of}]" if one.change_of else ""
        lines.append(f"    {at}. {escape(f'{one.service} ({one.score:.2f}): {one.claim}{change}')}")
    if not result.told and result.conclusion:
        lines.append(f"    no hypotheses: {result.conclusion}")
    return "\n".join(lines)
