"""What is uploaded: all that the product reads at run time, and nothing of the tooling around it."""

import json

import pytest

from tests.functions.deployment import ROOT, deployed_files, funcignore


@pytest.fixture(scope="module")
def deployed() -> set[str]:
    return deployed_files()


def in_tree(*patterns: str) -> set[str]:
    found = {file.relative_to(ROOT).as_posix() for pattern in patterns for file in ROOT.glob(pattern)}
    assert found, f"nothing matches {patterns}, so nothing would be checked"
    return found


@pytest.mark.parametrize(
    "pattern",
    [
        "function_app.py",
        "host.json",
        "requirements.txt",
        "functions/*.py",
        "shared/**/*.py",
        "shared/hypotheses/prompts/*.md",
        "shared/hypotheses/calibration.json",
    ],
)
def test_what_the_product_needs_is_deployed(deployed: set[str], pattern: str) -> None:
    assert in_tree(pattern) <= deployed


@pytest.mark.parametrize(
    "path",
    [
        "tests/functions/test_package.py",
        "dev/__main__.py",
        "docs/functions.md",
        "evals/a.json",
        "bench/a.py",
        "infra/main.bicep",
        ".venv/bin/python",
        ".venv-worker/a.py",
        "node_modules/azurite/package.json",
        ".local/host-keys.json",
        ".git/config",
        ".gitignore",
        ".ci/run",
        "local.settings.json",
        "local.settings.example.json",
        "constraints.txt",
        "requirements-dev.txt",
        "dev/worker/requirements-worker.txt",
        "shared/__pycache__/settings.cpython-311.pyc",
    ],
)
def test_what_serves_only_the_developer_stays_at_home(path: str) -> None:
    assert funcignore().match_file(path)


def test_nothing_is_deployed_by_accident(deployed: set[str]) -> None:
    at_the_root = {path.split("/")[0] for path in deployed}
    product = {"function_app.py", "functions", "host.json", "requirements.txt", "shared"}
    assert at_the_root - {".funcignore", "LICENSE"} == product


def test_the_host_does_not_log_requests_whose_query_may_hold_a_token() -> None:
    levels = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["logging"]["logLevel"]
    assert levels["Microsoft.AspNetCore"] == "Warning"
