"""The rendered Prometheus and Alertmanager files, judged by the tools that will read them."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from dev.ports import Ports
from dev.prometheus.render import (
    alert_rules,
    alertmanager_command,
    alertmanager_config,
    prometheus_command,
    prometheus_config,
    webhook_url,
)
from dev.shop.topology import ServiceName, service_port

PORTS = Ports(30000)


def accepted_by(tool: str, *arguments: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    ran = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_promtool_accepts_the_rules_and_the_configuration_that_loads_them(tmp_path: Path) -> None:
    rules = written(tmp_path / "rules.yml", alert_rules())
    config = written(tmp_path / "prometheus.yml", prometheus_config(PORTS, rules))
    accepted_by("promtool", "check", "config", str(config))


def test_the_rules_alert_on_symptoms_and_stay_quiet_otherwise(tmp_path: Path) -> None:
    written(tmp_path / "rules.yml", alert_rules(for_seconds=20, window_seconds=15, baseline_seconds=60))
    cases = Path(__file__).with_name("shop_rules_test.yml")
    shutil.copy(cases, tmp_path / cases.name)
    accepted_by("promtool", "test", "rules", str(tmp_path / cases.name))


def test_amtool_accepts_the_alertmanager_configuration(tmp_path: Path) -> None:
    token = written(tmp_path / "token", "secret")
    text = alertmanager_config(webhook_url=webhook_url(PORTS, "int_1"), token_file=token)
    accepted_by("amtool", "check-config", str(written(tmp_path / "alertmanager.yml", text)))


def test_the_hold_time_and_the_rate_window_are_the_callers_choice() -> None:
    rules = yaml.safe_load(alert_rules(for_seconds=7, window_seconds=9))["groups"][0]["rules"]
    assert {rule["for"] for rule in rules} == {"7s"}
    assert "[9s]" in rules[0]["expr"]


def test_prometheus_scrapes_every_service_as_a_job_of_its_own(tmp_path: Path) -> None:
    config = yaml.safe_load(prometheus_config(PORTS, tmp_path / "rules.yml"))
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert targets == {str(name): [f"127.0.0.1:{service_port(PORTS, name)}"] for name in ServiceName}


def test_the_webhook_goes_to_the_function_app_with_a_token_that_is_not_in_the_configuration(tmp_path: Path) -> None:
    token = written(tmp_path / "token", "very-secret")
    text = alertmanager_config(webhook_url=webhook_url(PORTS, "int_1"), token_file=token)
    webhook = yaml.safe_load(text)["receivers"][0]["webhook_configs"][0]
    assert webhook["url"] == f"http://127.0.0.1:{PORTS.functions}/api/webhooks/alertmanager/int_1"
    assert webhook["http_config"]["authorization"]["credentials_file"] == str(token)
    assert "very-secret" not in text


def test_both_servers_listen_on_loopback_only(tmp_path: Path) -> None:
    prometheus = prometheus_command("prometheus", tmp_path / "p.yml", tmp_path, PORTS.prometheus)
    alertmanager = alertmanager_command("alertmanager", tmp_path / "a.yml", tmp_path, PORTS.alertmanager)
    assert f"--web.listen-address=127.0.0.1:{PORTS.prometheus}" in prometheus
    assert f"--web.listen-address=127.0.0.1:{PORTS.alertmanager}" in alertmanager
    assert "--cluster.listen-address=" in alertmanager
