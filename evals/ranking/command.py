"""`python -m evals rank`: cases from a folder or a seed, ranked and reported."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evals.ranking.baseline import rank_by_robust_z
from evals.ranking.cases import Case
from evals.ranking.disguise import differences
from evals.ranking.folders import Found, Recorded, case_of, read_folder
from evals.ranking.outcomes import Ranker, outcomes_of
from evals.ranking.report import Report, as_plain, as_text, report_of
from evals.ranking.synthetic import DATA_SET, faulty_case, normal_case
from evals.ranking.windows import normal_windows
from shared.hypotheses.rank import rank as product_rank

FAILED, MISUSED = 1, 2


class Which(StrEnum):
    """Whose ranking is measured."""

    PRODUCT = "product"
    ROBUST_Z = "robust-z"


_RANKERS: dict[Which, Ranker] = {Which.PRODUCT: product_rank, Which.ROBUST_Z: rank_by_robust_z}


@dataclass(frozen=True)
class _Asked:
    """How to rank and what to say of it."""

    ranker: Ranker
    without_kinds: bool
    as_json: bool
    gate: bool

    def case(self, recorded: Recorded) -> Case:
        return case_of(replace(recorded, kinds={}) if self.without_kinds else recorded)


def rank(
    data: Annotated[
        Path | None, typer.Option(help="A case, a data set, or a folder of them; nothing outside is read.")
    ] = None,
    synthetic: Annotated[int | None, typer.Option(help="The seed of made-up cases, instead of a folder.")] = None,
    cases: Annotated[int, typer.Option(min=1, help="How many made-up cases; a third as many normal windows.")] = 120,
    anonymise: Annotated[
        int | None, typer.Option(help="Seed of other names, orders and times: every ranking has to stay the same.")
    ] = None,
    ranker: Annotated[
        Which, typer.Option(help="The product's ranker, or a simple one for comparison.")
    ] = Which.PRODUCT,
    *,
    without_kinds: Annotated[bool, typer.Option(help="Hide what stands at a name: service, database, …")] = False,
    gate: Annotated[bool, typer.Option(help="Exit 1 when a goal is missed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """How often the right service stands first: exit 1 when a case could not be read or nothing was evaluated."""
    asked = _Asked(_RANKERS[ranker], without_kinds, as_json, gate)
    if (data is None) == (synthetic is None):
        _stop("give either a folder (--data) or a seed (--synthetic)", MISUSED)
    if data is None:
        if anonymise is not None:
            _stop("--anonymise is about recorded cases: give --data", MISUSED)
        raise SystemExit(_synthetic(asked, synthetic or 0, cases))
    found = _read(data)
    raise SystemExit(_recorded(asked, found) if anonymise is None else _disguised(asked, found, anonymise))


def _read(data: Path) -> Found:
    if not data.is_dir():
        _stop(f"there is no folder {str(data)!r}", MISUSED)
    found = read_folder(data)
    for name, why in found.unreadable.items():
        typer.echo(f"case {name} could not be read: {why}", err=True)
    if not found.cases:
        _stop(f"nothing was evaluated: no case could be read in {str(data)!r}", FAILED)
    return found


def _recorded(asked: _Asked, found: Found) -> int:
    sets: dict[str, list[Recorded]] = defaultdict(list)
    for one in found.cases:
        sets[one.data_set].append(one)
    reports = [_reported(asked, name, sets[name]) for name in sorted(sets)]
    notes = [f"{one.name}: {note}" for one in found.cases for note in one.notes]
    return _said(asked, reports, unreadable=len(found.unreadable), notes=notes)


def _reported(asked: _Asked, name: str, recorded: Sequence[Recorded]) -> Report:
    cut = normal_windows([replace(one, kinds={}) for one in recorded] if asked.without_kinds else recorded)
    outcomes = outcomes_of((asked.case(one) for one in recorded), asked.ranker)
    return report_of(name, outcomes, outcomes_of(cut.windows, asked.ranker), cut.how)


def _synthetic(asked: _Asked, seed: int, cases: int) -> int:
    made = (_kindless(asked, faulty_case(seed, number)) for number in range(cases))
    normal = (_kindless(asked, normal_case(seed, number)) for number in range(max(1, cases // 3)))
    outcomes, quiet = outcomes_of(made, asked.ranker), outcomes_of(normal, asked.ranker)
    report = report_of(DATA_SET, outcomes, quiet, "of systems without a fault")
    return _said(asked, [report], unreadable=0, notes=[])


def _kindless(asked: _Asked, case: Case) -> Case:
    return replace(case, observation=replace(case.observation, kinds={})) if asked.without_kinds else case


def _disguised(asked: _Asked, found: Found, seed: int) -> int:
    differing = {}
    for one in found.cases:
        recorded = replace(one, kinds={}) if asked.without_kinds else one
        if said := differences(recorded, asked.ranker, seed):
            differing[one.name] = said
    n = len(found.cases)
    if asked.as_json:
        typer.echo(json.dumps({"cases": n, "identical": n - len(differing), "differences": differing}))
    else:
        typer.echo(f"identical on {n - len(differing)} of {n}")
        for name, said in differing.items():
            typer.echo(f"{name}: {'; '.join(said)}")
    return FAILED if differing or found.unreadable else 0


def _said(asked: _Asked, reports: Sequence[Report], *, unreadable: int, notes: Sequence[str]) -> int:
    if asked.as_json:
        plain = {"unreadable": unreadable, "notes": notes, "data_sets": [as_plain(one) for one in reports]}
        typer.echo(json.dumps(plain))
    else:
        typer.echo("\n\n".join(as_text(one) for one in reports))
        for note in notes:
            typer.echo(f"note {note}")
    missed = asked.gate and not all(goal.met for one in reports for goal in one.goals)
    return FAILED if unreadable or missed else 0


def _stop(why: str, code: int) -> None:
    typer.echo(why, err=True)
    raise SystemExit(code)
