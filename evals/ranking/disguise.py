"""The same case under other names: a ranking must rest on what series are, not on what anything is called.

Services get opaque names wherever they stand, columns and edges another order, and all times move by the same
offset. What stands at a name (its kind) was decided before and goes along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from evals.ranking.folders import Recorded, case_of
from evals.ranking.outcomes import Ranker
from evals.ranking.tables import Table
from shared.hypotheses.naming import typed
from shared.hypotheses.observation import Ranking

MOST_SHIFT_SECONDS = 400 * 24 * 3600
DIGITS = 9
"""Sums in another order differ in the last bits, which is no difference in what is found."""


@dataclass(frozen=True)
class Disguised:
    """A case in disguise, and the true name of each of its services."""

    recorded: Recorded
    true_name: Mapping[str, str]


def disguised(recorded: Recorded, seed: int) -> Disguised:
    """The disguise that a seed gives a case."""
    random = Random(f"{seed}-{recorded.name}")  # noqa: S311 -- a repeatable disguise, no secret
    meta = recorded.meta
    services = sorted(
        {meta.target_service, *meta.truth, *recorded.kinds}
        | {service for service, _ in meta.columns.values()}
        | {name for edge in recorded.edges for name in edge}
        | {peer for _, metric in meta.columns.values() if (peer := typed(metric).peer)}
    )
    opaque = random.sample(range(10**7), len(services))
    names = {service: f"n{number:07d}" for service, number in zip(services, opaque, strict=True)}
    offset = random.randint(-MOST_SHIFT_SECONDS, MOST_SHIFT_SECONDS)
    order = random.sample(list(meta.columns), len(meta.columns))
    columns = {column: f"c{number}" for number, column in enumerate(order)}
    edges = [(names[caller], names[callee]) for caller, callee in recorded.edges]
    return Disguised(
        replace(
            recorded,
            meta=meta.model_copy(
                update={
                    "target_service": names[meta.target_service],
                    "inject_time": meta.inject_time + offset,
                    "window_end": recorded.ends_at + offset,
                    "root_service": None,
                    "root_services": tuple(names[one] for one in meta.truth),
                    "columns": {
                        columns[column]: (names[meta.columns[column][0]], _metric(meta.columns[column][1], names))
                        for column in order
                    },
                }
            ),
            table=_table(recorded.table, columns, offset),
            normal=_table(recorded.normal, columns, offset) if recorded.normal else None,
            edges=random.sample(edges, len(edges)),
            kinds={names[name]: kind for name, kind in recorded.kinds.items()},
        ),
        {name: service for service, name in names.items()},
    )


def differences(recorded: Recorded, ranker: Ranker, seed: int) -> list[str]:
    """What differs between the rankings of a case and of its disguise, in words; empty when they are identical."""
    other = disguised(recorded, seed)
    here = _told(ranker(case_of(recorded).observation), {})
    there = _told(ranker(case_of(other.recorded).observation), other.true_name)
    found = [
        f"at {place}: {one} became {two}"
        for place, (one, two) in enumerate(zip(here, there, strict=False), 1)
        if one != two
    ]
    if len(here) != len(there):
        found.append(f"{len(here)} suspects became {len(there)}")
    return found


def _told(ranking: Ranking, true_name: Mapping[str, str]) -> list[tuple[str, float]]:
    return [(true_name.get(one.service, one.service), round(one.score, DIGITS)) for one in ranking.suspects]


def _metric(metric: str, names: Mapping[str, str]) -> str:
    """A metric of an edge names the other end."""
    peer = typed(metric).peer
    return metric.removesuffix(peer) + names[peer] if peer else metric


def _table(table: Table, columns: Mapping[str, str], offset: int) -> Table:
    return Table(
        table.times + offset, {columns[name]: table.columns[name] for name in columns if name in table.columns}
    )
