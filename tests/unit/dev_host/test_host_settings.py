from pathlib import Path

import pytest

from dev.host.delivery import MessageEncoding
from dev.host.errors import HostRefused
from dev.host.settings import HostSettings, load_host_settings, load_local_settings, parse_time_span


def settings(folder: Path, host_json: str = "{}", **environ: str) -> HostSettings:
    (folder / "host.json").write_text(host_json)
    return load_host_settings(folder, environ)


def test_without_host_json_the_defaults_of_azure_apply(tmp_path: Path) -> None:
    found = load_host_settings(tmp_path, {})
    assert (found.route_prefix, found.function_timeout_seconds, found.max_body_bytes) == ("api", 1800, 104857600)
    assert (found.queues.batch_size, found.queues.max_dequeue_count, found.queues.retry_delay_seconds) == (16, 5, 0)
    assert found.queues.encoding is MessageEncoding.BASE64
    assert found.queues.max_polling_seconds == 60


def test_development_polls_at_least_every_two_seconds(tmp_path: Path) -> None:
    found = settings(tmp_path, AZURE_FUNCTIONS_ENVIRONMENT="Development")
    assert found.queues.max_polling_seconds == 2


def test_host_json_applies_and_the_environment_overrides_it_in_any_case(tmp_path: Path) -> None:
    host_json = (
        '{"functionTimeout": "-1", "extensions": {"queues": {"batchSize": 4, "visibilityTimeout": "00:00:30"}}}'
    )
    found = settings(tmp_path, host_json, AZUREFUNCTIONSJOBHOST__EXTENSIONS__QUEUES__BATCHSIZE="8")
    assert found.function_timeout_seconds is None
    assert (found.queues.batch_size, found.queues.retry_delay_seconds) == (8, 30)


@pytest.mark.parametrize(
    "host_json",
    [
        "{",
        "[]",
        '{"functionTimeout": "soon"}',
        '{"extensions": {"queues": {"batchSize": 33}}}',
        '{"extensions": {"queues": {"messageEncoding": "rot13"}}}',
        '{"extensions": {"queues": 1}}',
    ],
)
def test_an_unusable_host_json_is_refused(tmp_path: Path, host_json: str) -> None:
    with pytest.raises(HostRefused):
        settings(tmp_path, host_json)


def test_local_settings_fill_only_what_the_environment_leaves_open(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"Values": {"A": "file", "B": "file"}}')
    environ = {"B": "environment"}
    load_local_settings(tmp_path, environ)
    assert environ == {"A": "file", "B": "environment", "AZURE_FUNCTIONS_ENVIRONMENT": "Development"}


@pytest.mark.parametrize(("text", "seconds"), [("00:00:30", 30), ("1.00:00:01", 86401), ("00:05:00.5", 300.5)])
def test_time_spans_are_read_as_dotnet_writes_them(text: str, seconds: float) -> None:
    assert parse_time_span(text) == seconds
