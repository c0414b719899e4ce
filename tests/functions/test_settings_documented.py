"""Every setting the product reads is in the docs and in the example, and nothing else is."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dev.ports import Ports
from dev.stack import Layout, product_environment
from shared.settings import SettingMissing, Settings, SettingUnusable

ROOT = Path(__file__).resolve().parents[2]
READ_BY_THE_HOST = {"FUNCTIONS_WORKER_RUNTIME", "AZURE_FUNCTIONS_ENVIRONMENT"}


class Recording(Mapping[str, str]):
    """An environment in which everything is set, to a number, and which remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return "100"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def settings_read() -> set[str]:
    environment = Recording()
    Settings.from_environment(environment)
    return environment.asked


def test_the_docs_list_exactly_what_is_read() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(settings_read())


def test_the_example_sets_exactly_what_is_read() -> None:
    example = set(json.loads((ROOT / "local.settings.example.json").read_text())["Values"])
    # Local storage is reached by connection string; the account's name is for managed identity.
    assert example - READ_BY_THE_HOST == settings_read() - {"AzureWebJobsStorage__accountName"}


def test_the_local_stack_sets_nothing_that_nobody_reads() -> None:
    assert set(product_environment(Ports(), Layout(Path(".local")))) <= settings_read() | READ_BY_THE_HOST


@pytest.mark.parametrize("missing", ["COSMOS_ENDPOINT", "ENTRA_AUDIENCE"])
def test_a_required_setting_that_is_missing_is_named(missing: str) -> None:
    there = {"COSMOS_ENDPOINT": "https://c", "ENTRA_AUDIENCE": "a"}
    del there[missing]
    with pytest.raises(SettingMissing, match=missing):
        Settings.from_environment(there)


def test_an_authority_is_read_without_its_last_slash() -> None:
    there = {"COSMOS_ENDPOINT": "https://c", "ENTRA_AUDIENCE": "a", "ENTRA_AUTHORITY": "https://login.example/"}
    assert Settings.from_environment(there).entra_authority == "https://login.example"


def test_all_that_is_wrong_is_named_at_once() -> None:
    wrong = {"MODEL_CALLS_AT_ONCE": "many", "MODEL_CURRENCY": "euro", "AUDIT_RETENTION_DAYS": "1"}
    with pytest.raises(SettingMissing) as refused:
        Settings.from_environment(wrong)
    for name in ("COSMOS_ENDPOINT", "ENTRA_AUDIENCE", *wrong):
        assert str(refused.value).count(f"the setting {name} ") == 1


def test_what_a_setting_holds_is_not_repeated() -> None:
    there = {**SOUND, "COSMOS_ENDPOINT": "key=hunter2"}
    with pytest.raises(SettingUnusable, match="COSMOS_ENDPOINT is not a URL") as refused:
        Settings.from_environment(there).require_complete()
    assert "hunter2" not in str(refused.value)


SOUND = {
    "COSMOS_ENDPOINT": "https://c",
    "ENTRA_AUDIENCE": "a",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "DATA_KEY_FILE": "k",
}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"AzureWebJobsStorage": ""}, "AzureWebJobsStorage__accountName"),
        ({"DATA_KEY_FILE": ""}, "WRAPPED_DATA_KEY"),
        ({"DATA_KEY_FILE": "", "KEY_VAULT_KEY_ID": "https://v/keys/k"}, "WRAPPED_DATA_KEY"),
        ({"AZURE_OPENAI_ENDPOINT": "https://o"}, "AZURE_OPENAI_DEPLOYMENT"),
        ({"PUBLIC_BASE_URL": "copilot.example.com"}, "PUBLIC_BASE_URL"),
        ({"ENTRA_AUTHORITY": "http://[broken"}, "ENTRA_AUTHORITY"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "127.0.0.1:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ],
)
def test_settings_that_need_each_other_are_looked_at_together(changes: dict[str, str], named: str) -> None:
    Settings.from_environment(SOUND).require_complete()
    with pytest.raises((SettingMissing, SettingUnusable), match=named):
        Settings.from_environment({**SOUND, **changes}).require_complete()


@pytest.mark.parametrize("written", ["0", "-1", "1.5", "many", " 1", "1" * 10])
def test_a_limit_that_is_no_number_is_named(written: str) -> None:
    there = {"COSMOS_ENDPOINT": "https://c", "ENTRA_AUDIENCE": "a", "API_MAX_BODY_BYTES": written}
    with pytest.raises(SettingUnusable, match="API_MAX_BODY_BYTES"):
        Settings.from_environment(there)
