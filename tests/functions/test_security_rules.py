"""Ruff's security rules hold for all that ships; whoever leaves one out says why on the same line."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [ROOT / "function_app.py", *(ROOT / "functions").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]


def test_no_security_rule_is_left_out_without_a_reason() -> None:
    bare = [
        f"{path.name}: {line.strip()}"
        for path in SHIPPED
        for line in path.read_text().splitlines()
        if re.search(r"noqa(?!: \w+(, \w+)* -- \w)", line)
    ]
    assert bare == []


def test_no_security_rule_is_left_out_for_whole_folders_that_ship() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert not [rule for rule in lint["ignore"] if re.fullmatch(r"S\d*", rule)]
    ignored = lint["per-file-ignores"].items()
    assert {where for where, rules in ignored if any(rule.startswith("S") for rule in rules)} <= {
        "tests/**", "bench/**", "dev/**",
    }  # fmt: skip
