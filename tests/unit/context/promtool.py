"""Runs promtool's rule tests, many expressions in one process."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from shared.context.promql import quoted


@dataclass(frozen=True)
class Case:
    """An expression and the samples (labels, value) that it must answer, at a time in minutes."""

    name: str
    promql: str
    expected: Sequence[tuple[Mapping[str, str], float]]
    minutes: int


def spelled(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"


def rule_test(series: Mapping[str, str], cases: Sequence[Case]) -> str:
    """The test file for series that are sampled once a minute."""
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": case.promql,
                "eval_time": f"{case.minutes}m",
                "exp_samples": [{"labels": spelled(labels), "value": value} for labels, value in case.expected],
            }
            for case in cases
        ],
    }
    return yaml.dump({"rule_files": [], "tests": [test]}, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))


def judged(home: Path, series: Mapping[str, str], cases: Sequence[Case]) -> dict[str, str]:
    """What promtool has against each case, by its name; one run when it has nothing."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    if not _objections(home, series, cases):
        return {}
    each = {case.name: _objections(home, series, [case]) for case in cases}
    return {name: told for name, told in each.items() if told}


def _objections(home: Path, series: Mapping[str, str], cases: Sequence[Case]) -> str:
    path = home / "test.yml"
    path.write_text(rule_test(series, cases), encoding="utf-8")
    ran = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else f"{ran.stdout}{ran.stderr}" or "failed without a word"
