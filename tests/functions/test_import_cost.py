"""A cold start pays for every import, so indexing must not load the packages that only some invocations need."""

import subprocess
import sys

import pytest

from tests.functions.function_table import ROOT

HEAVY = [
    "aiohttp",
    "azure.core",
    "azure.cosmos",
    "azure.identity",
    "azure.keyvault",
    "azure.monitor",
    "azure.storage",
    "cryptography",
    "fastapi",
    "httpx",
    "msal",
    "numpy",
    "openai",
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "pydantic",
    "scipy",
]


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules of a fresh interpreter after importing the app."""
    script = "import sys, function_app; print(*sorted(sys.modules), sep='\\n')"
    command = [sys.executable, "-c", script]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    return set(output.split())


def test_the_app_itself_was_imported(loaded: set[str]) -> None:
    assert {"function_app", "functions.webhooks", "azure.functions"} <= loaded


@pytest.mark.parametrize("package", HEAVY)
def test_importing_the_app_does_not_load(package: str, loaded: set[str]) -> None:
    assert not {module for module in loaded if module == package or module.startswith(f"{package}.")}
