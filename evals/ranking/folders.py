"""Recorded cases in folders: `metrics.csv`, `graph.json` and `meta.json` each, with a fault-free reference beside.

Nothing outside of the folder that was given is read, and nothing is written. What a case says of its own truth
(`root_*`, `fault`, `split`) stays here; the ranker gets the rest.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from evals.ranking.cases import Case
from evals.ranking.nodes import kind_of
from evals.ranking.tables import Table, Unreadable, read_table
from shared.hypotheses.naming import typed
from shared.hypotheses.observation import Observation, ObservedSeries
from shared.models.evidence import NodeKind

META, METRICS, GRAPH = "meta.json", "metrics.csv", "graph.json"
MAX_JSON_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 6
USUAL_STEP = 60.0


class Meta(BaseModel):
    """What a case says of itself; further keys are left alone."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True, extra="ignore")

    target_service: str = Field(min_length=1)
    target_metric: str = ""
    inject_time: FiniteFloat
    window_end: FiniteFloat | None = None
    columns: Mapping[str, tuple[str, str]] = Field(min_length=1)
    """Column → (service, metric)."""
    normal_csv: str | None = None
    dataset: str | None = None
    scenario: str | None = None
    fault: str | None = None
    root_service: str | Sequence[str] | None = None
    root_services: Sequence[str] = ()

    @property
    def truth(self) -> frozenset[str]:
        """Every service that is a right answer."""
        one = self.root_service
        return frozenset((*([one] if isinstance(one, str) else one or ()), *self.root_services)) - {""}


@dataclass(frozen=True)
class Recorded:
    """A case as it was read. `normal` is its fault-free reference, `normal_path` the file that cases share."""

    name: str
    data_set: str
    meta: Meta
    table: Table
    normal: Table | None
    normal_path: Path | None
    edges: Sequence[tuple[str, str]]
    kinds: Mapping[str, NodeKind]
    notes: tuple[str, ...] = ()

    @property
    def ends_at(self) -> float:
        """Epoch seconds; the last sample's where the case does not say."""
        last = float(self.table.times[-1])
        return last if self.meta.window_end is None else self.meta.window_end

    @cached_property
    def step(self) -> float:
        """Seconds between two samples, as most of them are apart."""
        return float(np.median(np.diff(self.table.times))) if len(self.table.times) > 1 else USUAL_STEP


@dataclass(frozen=True)
class Found:
    """What a folder holds: cases, and why others could not be read, by their path below the folder."""

    cases: Sequence[Recorded] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)


def read_folder(root: Path) -> Found:
    """Every case in or below a folder, in the order of their paths."""
    reader = _Reader(root.resolve())
    cases, unreadable = [], {}
    for folder in _folders(reader.root):
        name = folder.relative_to(reader.root).as_posix()
        try:
            cases.append(reader.case(folder))
        except Unreadable as exc:
            unreadable[name] = str(exc)
    return Found(cases, unreadable)


def case_of(recorded: Recorded) -> Case:
    """The case with its truth beside what the ranker may look at."""
    meta = recorded.meta
    return Case(
        name=recorded.name,
        data_set=recorded.data_set,
        scenario=meta.scenario or "-",
        fault=meta.fault or "-",
        observation=observation_of(recorded),
        truth=meta.truth,
    )


def observation_of(recorded: Recorded) -> Observation:
    """What the ranker may look at: the alert and its time, the series until the window's end, and the graph."""
    meta, kinds = recorded.meta, recorded.kinds
    shown = recorded.table.part(recorded.table.times <= recorded.ends_at)
    nothing = np.zeros(0)
    normal = _reference(recorded)
    series = []
    for column, (service, metric) in meta.columns.items():
        if column not in shown.columns:
            continue
        name = typed(metric)
        earlier = normal.columns.get(column, nothing) if normal else nothing
        series.append(
            ObservedSeries(
                service, name.kind, metric, shown.times, shown.columns[column], earlier, name.peer, name.statistic
            )
        )
    calls: dict[str, list[str]] = {}
    for caller, callee in recorded.edges:
        calls.setdefault(caller, []).append(callee)
    return Observation(
        target=meta.target_service,
        target_kind=typed(meta.target_metric).kind,
        began_at=meta.inject_time,
        ends_at=recorded.ends_at,
        series=series,
        calls=calls,
        kinds=kinds,
        step=recorded.step,
    )


def _reference(recorded: Recorded) -> Table | None:
    """The fault-free reference without what falls into the window itself."""
    if recorded.normal is None:
        return None
    times = recorded.normal.times
    return recorded.normal.part((times < recorded.meta.inject_time) | (times > recorded.ends_at))


def _folders(root: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(root):
        here = Path(folder)
        deep = len(here.relative_to(root).parts)
        below[:] = sorted(one for one in below if not one.startswith(".")) if deep < MAX_DEPTH else []
        if META in files:
            yield here


class _Reader:
    """Reads below one root, and what several cases share only once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tables: dict[Path, Table] = {}

    def case(self, folder: Path) -> Recorded:
        meta = self._meta(folder)
        table = read_table(self._inside(folder, METRICS))
        normal_path, notes = self._normal(folder, meta)
        known = {service for service, _ in meta.columns.values()}
        unknown = len(table.columns.keys() - meta.columns.keys())
        if unknown:
            notes.append(f"{unknown} columns that {META} does not name were left out")
        if not table.columns.keys() & meta.columns.keys():
            raise Unreadable(f"none of the columns that {META} names is in {METRICS}")
        ends_at = table.times[-1] if meta.window_end is None else meta.window_end
        if not ((table.times >= meta.inject_time) & (table.times <= ends_at)).any():
            raise Unreadable("there is no sample between `inject_time` and the window's end")
        edges, said = self._graph(folder)
        names = known | {name for edge in edges for name in edge} | {meta.target_service}
        return Recorded(
            name=folder.relative_to(self.root).as_posix() if folder != self.root else folder.name,
            data_set=meta.dataset or folder.parent.name,
            meta=meta,
            table=table,
            normal=self._shared(normal_path) if normal_path else None,
            normal_path=normal_path,
            edges=edges,
            kinds={name: kind for name in sorted(names) if (kind := said.get(name) or kind_of(name))},
            notes=tuple(notes),
        )

    def _meta(self, folder: Path) -> Meta:
        try:
            meta = Meta.model_validate(self._json(folder, META))
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"][:2])
            raise Unreadable(f"{META}: {where or 'it'}: {first['msg']}") from exc
        if not meta.truth:
            raise Unreadable(f"{META} names no root_service, so no answer could be right")
        return meta

    def _normal(self, folder: Path, meta: Meta) -> tuple[Path | None, list[str]]:
        if meta.normal_csv is None:
            return None, []
        try:
            return self._inside(folder, meta.normal_csv), []
        except Unreadable:
            if folder != self.root:
                raise
            # One case alone is worth looking at, without the reference that it shares with its neighbours.
            return None, [f"its reference {meta.normal_csv!r} lies outside of the folder and was not read"]

    def _shared(self, path: Path) -> Table:
        if path not in self._tables:
            self._tables[path] = read_table(path)
        return self._tables[path]

    def _graph(self, folder: Path) -> tuple[list[tuple[str, str]], dict[str, NodeKind]]:
        if not (folder / GRAPH).exists():
            return [], {}
        read = self._json(folder, GRAPH)
        edges = read.get("edges") if isinstance(read, dict) else None
        if not isinstance(edges, list):
            raise Unreadable(f"{GRAPH} has no list of edges")
        if not all(isinstance(edge, list) and len(edge) == 2 and _are_names(edge) for edge in edges):
            raise Unreadable(f"{GRAPH}: an edge is a pair of names")
        kinds = read.get("kinds")
        said = kinds.items() if isinstance(kinds, dict) else ()
        return [(caller, callee) for caller, callee in edges], {
            name: NodeKind(kind) for name, kind in said if kind in list(NodeKind)
        }

    def _json(self, folder: Path, name: str) -> Any:
        path = self._inside(folder, name)
        if path.stat().st_size > MAX_JSON_BYTES:
            raise Unreadable(f"{name} is larger than {MAX_JSON_BYTES} bytes")
        try:
            return json.loads(path.read_text(encoding="utf-8-sig", errors="replace"))
        except (ValueError, RecursionError) as exc:
            raise Unreadable(f"{name} is no JSON") from exc

    def _inside(self, folder: Path, name: str) -> Path:
        """A file below the root; links are followed first."""
        try:
            path = (folder / name).resolve()
        except (OSError, ValueError) as exc:
            raise Unreadable(f"{name!r} is no path") from exc
        if not path.is_relative_to(self.root):
            raise Unreadable(f"{name!r} lies outside of the folder that was given")
        if not path.is_file():
            raise Unreadable(f"there is no {name}")
        return path


def _are_names(edge: Sequence[object]) -> bool:
    return all(isinstance(name, str) for name in edge)
