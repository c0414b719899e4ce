"""Small recorded cases, written to a folder as the evaluation reads them."""

import json
from pathlib import Path
from random import Random
from typing import Any

BEGAN, STEP = 1_700_000_000, 60
SERVICES = ("front", "cart", "store")
METRICS = ("latency_p95", "error_rate", "cpu")
USUAL = {"latency_p95": 0.1, "error_rate": 0.01, "cpu": 0.3}


def write_case(
    folder: Path,
    *,
    root: str = "cart",
    before: int = 30,
    after: int = 5,
    graph: dict[str, Any] | None = None,
    **meta: Any,
) -> Path:
    """A case in which the cart got slow and everybody above it; keys of `meta` that are None are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    times = [BEGAN + STEP * step for step in range(-before, after)]
    write_table(folder / "metrics.csv", times, slow=root)
    said = {
        "dataset": "shop",
        "scenario": "quiet",
        "fault": "cpu",
        "target_service": "front",
        "target_metric": "latency_p95",
        "inject_time": BEGAN,
        "window_end": BEGAN + STEP * after,
        "root_service": root,
        "columns": columns(),
    } | meta
    known = {key: value for key, value in said.items() if value is not None}
    (folder / "meta.json").write_text(json.dumps(known), encoding="utf-8")
    edges = {"edges": [["front", "cart"], ["cart", "store"]]} if graph is None else graph
    (folder / "graph.json").write_text(json.dumps(edges), encoding="utf-8")
    return folder


def columns() -> dict[str, list[str]]:
    """Column → service and metric."""
    return {f"{service}_{metric}": [service, metric] for service in SERVICES for metric in METRICS}


def write_table(path: Path, times: list[int], slow: str | None = None, seed: int = 1) -> Path:
    """Usual values with a little noise; from `BEGAN` on one service is slow, and those above it follow."""
    random = Random(seed)
    lines = [",".join(["time", *columns()])]
    for time in times:
        row = [str(time)]
        for service, metric in columns().values():
            value = USUAL[metric] * random.uniform(0.95, 1.05)
            if slow and time >= BEGAN:
                value *= _factor(service, metric, slow)
            row.append(f"{value:.6f}")
        lines.append(",".join(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _factor(service: str, metric: str, slow: str) -> float:
    if metric == "latency_p95" and SERVICES.index(service) <= SERVICES.index(slow):
        return 8.0
    return 3.0 if metric == "cpu" and service == slow else 1.0
