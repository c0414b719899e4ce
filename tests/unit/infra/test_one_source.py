"""What Bicep makes is what the product reads: containers, queues, settings and functions have one source."""

import json
import re
from pathlib import Path

import pytest

from dev.infra import GENERATED, documents
from tests.functions.test_settings_documented import READ_BY_THE_HOST, settings_read

ROOT = Path(__file__).resolve().parents[3]
INFRA = ROOT / "infra"
MAIN = (INFRA / "main.bicep").read_text(encoding="utf-8")
LOCAL_ONLY = {
    "AzureWebJobsStorage", "COSMOS_KEY", "ENTRA_CLIENT_SECRET", "ENTRA_CA_FILE", "AZURE_OPENAI_API_KEY",
    "DATA_KEY_FILE", "OTEL_EXPORTER_OTLP_ENDPOINT",
}  # fmt: skip
"""Keys and files of the local stack; in Azure the managed identity stands in for all of them."""
OF_THE_PLATFORM = READ_BY_THE_HOST | {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "AzureWebJobsStorage__credential", "AzureWebJobsStorage__clientId", "PYTHON_ENABLE_OPENTELEMETRY",
    "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
}  # fmt: skip


def settings_set() -> set[str]:
    block = re.search(r"    appSettings: \{\n(.*?)\n    \}\n", MAIN, re.DOTALL)
    assert block
    given = set(re.findall(r"^      (\w+): ", block.group(1), re.MULTILINE))
    return given | set(json.loads((INFRA / "app-settings.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", sorted(documents()))
def test_what_bicep_loads_is_what_the_products_tables_say(name: str) -> None:
    written = json.loads((GENERATED / name).read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(documents()[name])), "run: python -m dev infra"


def test_every_setting_that_is_read_is_set_in_azure_but_those_of_the_local_stack() -> None:
    assert settings_set() - OF_THE_PLATFORM == settings_read() - LOCAL_ONLY


def test_only_functions_that_exist_are_always_ready() -> None:
    functions = re.findall(
        r"^\| `(\w+)` \|", (ROOT / "docs" / "functions.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    stages = json.loads((INFRA / "stages.json").read_text(encoding="utf-8"))
    ready = {one["name"] for stage in stages.values() for one in stage["functions"]["alwaysReady"]}
    assert ready == {"http", "function:signals", "function:context", "function:hypotheses"}
    assert {name.removeprefix("function:") for name in ready - {"http"}} <= set(functions)


def test_every_parameter_without_a_default_comes_from_the_environment() -> None:
    needed = set(re.findall(r"^param (\w+) \w+$", MAIN, re.MULTILINE))
    given = set(re.findall(r"^param (\w+) = ", (INFRA / "main.bicepparam").read_text(encoding="utf-8"), re.MULTILINE))
    assert needed <= given
    assert given <= set(re.findall(r"^param (\w+) ", MAIN, re.MULTILINE))


def test_no_key_is_read_from_a_resource_and_none_leaves_as_an_output() -> None:
    for file in INFRA.rglob("*.bicep"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"list(Keys|ConnectionStrings|Secrets|AccountSas)\s*\(", text), file.name
        outputs = re.findall(r"^output (\w+) ", text, re.MULTILINE)
        assert not [one for one in outputs if re.search(r"(?i)secret|password|token|connectionString", one)] or (
            file.name == "monitoring.bicep"
        )
    # Application Insights takes no data by its connection string alone: local authentication is off.
    assert "DisableLocalAuth: true" in (INFRA / "modules" / "monitoring.bicep").read_text(encoding="utf-8")


def test_the_registration_offers_exactly_the_roles_of_the_product() -> None:
    from shared.models.tenants import Role

    registration = json.loads((INFRA / "entra" / "application.json").read_text(encoding="utf-8"))
    assert {one["value"] for one in registration["appRoles"]} == {role.value for role in Role}


def test_every_alert_has_a_runbook_under_its_name() -> None:
    alerts = json.loads((INFRA / "alerts.json").read_text(encoding="utf-8"))
    names = [one["name"] for one in [*alerts["logAlerts"], *alerts["metricAlerts"], alerts["budget"]]]
    headings = re.findall(r"^### (.+)$", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(names) <= set(headings)
