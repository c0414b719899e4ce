"""The demo, once: real Prometheus, real Alertmanager, and the right answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.ports import a_free_base

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_names_the_bad_deploy_first_and_not_the_decoy(tmp_path: Path) -> None:
    base, data = str(a_free_base()), str(tmp_path / "data")
    played = subprocess.run(
        [sys.executable, "-m", "dev", "demo", "--once", "--own-host", "--port-base", base, "--data", data],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    first = played.stdout.split("#1 ")[1].split("#2 ")[0]
    assert first.startswith("payment")
    assert "version 1.5.0 replaced 1.4.0" in first
    assert "catalog" not in first
    assert "named first in every incident" in played.stdout
