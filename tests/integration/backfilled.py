"""The real Prometheus for tests, with a history that a test writes."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.backfilled import a_free_port
from dev.backfilled import backfilled as running

__all__ = ["a_free_port", "backfilled", "needs_prometheus"]

needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")


@contextlib.contextmanager
def backfilled(openmetrics: str, home: Path) -> Iterator[str]:
    """The base URL of a Prometheus that holds this text."""
    history = home / "history.om"
    history.write_text(openmetrics, encoding="utf-8")
    with running(history, home) as url:
        yield url
