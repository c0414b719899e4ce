"""The app as it would be deployed, under Microsoft's own Python worker library."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.host.errors import HostRefused
from dev.host.indexing import find_app, import_app, index
from dev.worker.session import HttpCall, QueueCall, WorkerRefused, WorkerRun, run_worker
from tests.functions.deployment import ROOT, deployed_files
from tests.functions.function_table import declared_functions, documented_functions
from tests.integration.faulty_apps import FAULTY_APPS, QUEUES, SOUND, FaultyApp

pytestmark = pytest.mark.integration

WEBHOOK = {"source": "alertmanager", "integration_id": "nobody"}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> WorkerRun:
    """One life of the worker with a copy of what is deployed, so that nothing else of the checkout can help it."""
    copy = tmp_path_factory.mktemp("wwwroot")
    for path in deployed_files():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, copy / path)
    return run_worker(copy, HttpCall("health"), HttpCall("webhook", method="GET", params=WEBHOOK))


@contextmanager
def imported_alone() -> Iterator[None]:
    """Undo what importing a sample app does to this process, which may hold the real one."""
    path, real = [*sys.path], sys.modules.pop("function_app", None)
    try:
        yield
    finally:
        sys.path[:] = path
        sys.modules.pop("function_app", None)
        if real is not None:
            sys.modules["function_app"] = real


def an_app(folder: Path, source: str) -> Path:
    (folder / "function_app.py").write_text(source, encoding="utf-8")
    return folder


def test_the_worker_finds_exactly_the_documented_functions(product: WorkerRun) -> None:
    assert declared_functions(product.functions) == documented_functions()


def test_health_answers_200_through_the_worker(product: WorkerRun) -> None:
    health, _ = product.answers
    assert (health.failure, health.status) == (None, 200)
    assert json.loads(health.body or "") == {"status": "ok"}
    assert health.headers["content-type"] == "application/json"


def test_a_webhook_that_is_not_posted_answers_405_through_the_worker(product: WorkerRun) -> None:
    _, webhook = product.answers
    assert (webhook.failure, webhook.status) == (None, 405)
    assert {name.lower(): value for name, value in webhook.headers.items()}["allow"] == "POST"


def test_the_worker_and_our_host_take_a_sound_app(tmp_path: Path) -> None:
    app = an_app(tmp_path, SOUND)
    assert list(run_worker(app).functions) == ["ask"]
    with imported_alone():
        assert [function.name for function in index(find_app(import_app(app)), {})] == ["ask"]


@pytest.mark.parametrize("faulty", FAULTY_APPS, ids=lambda faulty: faulty.fault)
def test_the_worker_and_our_host_refuse_an_app_with(faulty: FaultyApp, tmp_path: Path) -> None:
    app = an_app(tmp_path, faulty.source)
    with pytest.raises(WorkerRefused, match=faulty.worker_says):
        run_worker(app)
    with imported_alone(), pytest.raises(HostRefused, match=faulty.host_says):
        index(find_app(import_app(app)), {})


def test_a_queue_message_reaches_its_function_with_its_metadata(tmp_path: Path) -> None:
    (answer,) = run_worker(an_app(tmp_path, QUEUES), QueueCall("passing_on", "hello", dequeue_count=3)).answers
    assert (answer.failure, answer.outputs) == (None, {"out": "hello, delivery 3"})


def test_a_queue_function_that_returns_something_or_raises_has_failed(tmp_path: Path) -> None:
    calls = [QueueCall("returning", "hello"), QueueCall("raising", "broken")]
    returning, raising = run_worker(an_app(tmp_path, QUEUES), *calls).answers
    assert "returned a non-None value" in str(returning.failure)
    assert raising.failure == "ValueError: broken"
