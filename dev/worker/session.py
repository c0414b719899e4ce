"""Starts the worker's process, and reads what it reports."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / ".local" / "worker"
_TIMEOUT_SECONDS = 120


class WorkerRefused(Exception):
    """The genuine worker does not take this app; the message is the worker's own."""


class WorkerUnavailable(Exception):
    """The genuine worker is not installed, or its process died; the message says what to do."""


@dataclass(frozen=True)
class HttpCall:
    """An invocation of an HTTP function; the host has matched the route, so `params` holds its parameters."""

    function: str
    method: str = "GET"
    url: str = "http://127.0.0.1/api/x"
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class QueueCall:
    """An invocation of a queue function with the text of a decoded message."""

    function: str
    message: str
    dequeue_count: int = 1


@dataclass(frozen=True)
class Answer:
    """What an invocation came to: a failure in the worker's words, or what the function returned."""

    failure: str | None
    status: int | None
    headers: Mapping[str, str]
    body: str | None
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class WorkerRun:
    """One life of the worker: every function's raw bindings, in order, and the answers to the calls."""

    worker_version: str
    functions: Mapping[str, Sequence[Mapping[str, Any]]]
    answers: Sequence[Answer]


def run_worker(app: Path, *calls: HttpCall | QueueCall, environ: Mapping[str, str] | None = None) -> WorkerRun:
    """Init, index, load and invoke the app of a folder; raises WorkerRefused with the worker's reason."""
    if not (LIBRARY / "azure_functions_runtime").is_dir():
        raise WorkerUnavailable(f"the genuine worker library is not installed in {LIBRARY}; run ./dev/setup.sh")
    finished = subprocess.run(
        [sys.executable, "-m", "dev.worker"],
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        input=json.dumps({"app": str(app), "library": str(LIBRARY), "calls": [asdict(call) for call in calls]}),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if finished.returncode != 0:
        raise WorkerUnavailable(f"the worker process ended with {finished.returncode}: {finished.stderr[-2000:]}")
    report = json.loads(finished.stdout)
    if report["refused"]:
        raise WorkerRefused(report["refused"])
    return WorkerRun(
        worker_version=report["worker_version"],
        functions=report["functions"],
        answers=[Answer(**answer) for answer in report["answers"]],
    )
