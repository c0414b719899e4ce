"""What the hooks of a deployment say and refuse, with stand-ins for Azure's programs on the path."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.functions.function_table import documented_functions

ROOT = Path(__file__).resolve().parents[3]
HOW_MANY = len(documented_functions())
DEPLOYED = {
    "AZURE_RESOURCE_GROUP": "rg", "FUNCTION_APP_NAME": "func", "PUBLIC_BASE_URL": "https://copilot.example.com",
    "WRAPPED_DATA_KEY": "wrapped",
}  # fmt: skip


def run(script: str, folder: Path, environment: dict[str, str], **programs: str) -> tuple[int, str]:
    for name, body in programs.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", f"infra/{script}"], check=False, cwd=ROOT, env={**path, **environment}, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_a_deployment_with_all_its_functions_that_is_ready_passes(tmp_path: Path) -> None:
    code, said = run("smoke-test.sh", tmp_path, DEPLOYED, az=f"echo {HOW_MANY}", curl="echo 200")
    assert (code, said.strip()) == (0, f"smoke test: {HOW_MANY} functions, ready")


def test_an_app_that_deployed_no_function_fails_although_the_deployment_succeeded(tmp_path: Path) -> None:
    code, said = run("smoke-test.sh", tmp_path, DEPLOYED, az="echo 0", curl="echo 200", sleep="exit 0")
    assert code == 1
    assert f"0 functions are deployed, {HOW_MANY} were expected" in said


def test_an_app_that_is_not_ready_fails_once_it_could_be(tmp_path: Path) -> None:
    code, said = run("smoke-test.sh", tmp_path, DEPLOYED, az=f"echo {HOW_MANY}", curl="echo 503")
    assert (code, "answered 503" in said) == (1, True)
    without_key = {**DEPLOYED, "WRAPPED_DATA_KEY": ""}
    code, said = run("smoke-test.sh", tmp_path, without_key, az=f"echo {HOW_MANY}", curl="echo 503")
    assert (code, "no data key yet" in said) == (0, True)


def test_everything_that_is_not_set_is_named_at_once(tmp_path: Path) -> None:
    code, said = run("check-parameters.sh", tmp_path, {"AZURE_ENV_NAME": "prod"}, azd="exit 0")
    assert (code, "not set: AZURE_LOCATION ENTRA_AUDIENCE" in said) == (1, True)


def test_the_budgets_first_month_is_remembered_and_never_chosen_anew(tmp_path: Path) -> None:
    there = {"AZURE_ENV_NAME": "prod", "AZURE_LOCATION": "westeurope", "ENTRA_AUDIENCE": "app"}
    code, said = run("check-parameters.sh", tmp_path, there, azd='echo "azd $*"', date="echo 2026-11-01")
    assert (code, said.strip()) == (0, "azd env set COPILOT_BUDGET_FROM 2026-11-01")
    code, said = run("check-parameters.sh", tmp_path, {**there, "COPILOT_BUDGET_FROM": "2026-01-01"}, azd="exit 9")
    assert (code, said) == (0, "")


@pytest.mark.parametrize("arguments", [[], ["SRE Copilot"], ["SRE Copilot", "http://plain.example.com"]])
def test_the_registration_refuses_an_address_that_is_not_https(arguments: list[str]) -> None:
    done = subprocess.run(["sh", "infra/entra/register.sh", *arguments], check=False, cwd=ROOT, capture_output=True)
    assert done.returncode == 2
