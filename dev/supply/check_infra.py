"""Checks infra/ as far as that is possible without Azure: syntax, parameters of modules, policies.

Runs in the environment of requirements-infra.txt, not in the product's. Exit 1 with a line for each thing wrong.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tree_sitter
import tree_sitter_bicep
from pycep import BicepParser

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"


def main() -> int:
    """0 when nothing is wrong."""
    files = sorted(INFRA.rglob("*.bicep"))
    wrong = [line for file in files for line in syntax_errors(file)]
    if not wrong:
        wrong = [line for file in files for line in wrong_parameters(file)]
    for line in wrong:
        print(f"infra: {line}", file=sys.stderr)
    if wrong or not files:
        return 1
    policies = subprocess.run(
        [Path(sys.executable).parent / "checkov", "-d", str(INFRA), "--config-file", str(INFRA / ".checkov.yaml")],
        check=False,
        capture_output=True,
        text=True,
        cwd=INFRA,
    )
    # A file that its parser does not understand is only counted, and nothing scanned is no pass.
    if policies.returncode or "Parsing errors" in policies.stdout or "Passed checks: 0," in policies.stdout:
        print(policies.stdout, policies.stderr[-2000:], file=sys.stderr)
        return policies.returncode or 1
    print(f"infra: {len(files)} Bicep files parse, their modules get the parameters that they take, policies pass")
    return 0


def syntax_errors(file: Path) -> Iterator[str]:
    """Where the grammar of Bicep does not fit."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))
    waiting = [parser.parse(file.read_bytes()).root_node]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            yield f"{file.relative_to(ROOT)}:{node.start_point.row + 1}: not Bicep"
        waiting += node.children


def wrong_parameters(file: Path) -> Iterator[str]:
    """Parameters that a module does not take, and those that it needs and does not get."""
    parsed = BicepParser().parse(text=file.read_text(encoding="utf-8"))
    for name, module in parsed.get("modules", {}).items():
        target = file.parent / module["detail"]["path"]
        if not target.exists():
            yield f"{file.relative_to(ROOT)}: the module {name} is not there"
            continue
        taken = BicepParser().parse(text=target.read_text(encoding="utf-8")).get("parameters", {})
        given = set(_plain(module["config"]).get("params", {}))
        needed = {one for one, parameter in taken.items() if parameter.get("default") is None}
        yield from (f"{file.relative_to(ROOT)}: {name} takes no {one}" for one in sorted(given - set(taken)))
        yield from (f"{file.relative_to(ROOT)}: {name} needs {one}" for one in sorted(needed - given))


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """A module's own part, without the loop or the condition around it."""
    while "config" in config:
        config = config["config"]
    return config


if __name__ == "__main__":
    raise SystemExit(main())
