"""The restore drill, once, as the documents tell an operator to run it."""

import subprocess
import sys
from pathlib import Path

import pytest

from dev.ports import a_free_base

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


def test_a_tenant_comes_back_whole_after_everything_was_lost(tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, "-m", "dev", "drill", "--port-base", str(a_free_base()), "--data", str(tmp_path / "drill")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "everything is there again" in played.stdout
