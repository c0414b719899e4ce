"""The text of Prometheus' and Alertmanager's configuration, and the commands that start them: pure functions."""

from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import yaml

from dev.ports import Ports
from dev.shop.topology import ServiceName, service_port

RUNBOOKS_URL = "https://runbooks.example.com/shop"


class RulesTemplate(Template):
    """A template whose marker is `@`, because `$` belongs to Prometheus' own templates."""

    delimiter = "@"


def alert_rules(
    *,
    for_seconds: int = 20,
    window_seconds: int = 15,
    baseline_seconds: int = 60,
    error_ratio: float = 0.05,
    latency_seconds: float = 0.5,
    runbooks_url: str = RUNBOOKS_URL,
) -> str:
    """The shop's alert rules; the window must hold at least four scrapes for a rate to be steady."""
    template = RulesTemplate(files(__package__).joinpath("rules.yml").read_text(encoding="utf-8"))
    return template.substitute(
        hold=f"{for_seconds}s",
        window=f"{window_seconds}s",
        baseline=f"{baseline_seconds}s",
        long_baseline=f"{5 * baseline_seconds}s",
        error_ratio=error_ratio,
        error_ratio_percent=f"{error_ratio:.0%}",
        latency_seconds=latency_seconds,
        jobs="|".join(ServiceName),
        runbooks=runbooks_url,
    )


def prometheus_config(ports: Ports, rules_path: Path, *, scrape_seconds: int = 1, evaluation_seconds: int = 1) -> str:
    """Prometheus scraping each service as a job of its own and sending alerts to this stack's Alertmanager."""
    return _yaml(
        {
            "global": {
                "scrape_interval": f"{scrape_seconds}s",
                "scrape_timeout": f"{scrape_seconds}s",
                "evaluation_interval": f"{evaluation_seconds}s",
            },
            "rule_files": [str(rules_path.absolute())],
            "alerting": {"alertmanagers": [_targets(ports.alertmanager)]},
            "scrape_configs": [
                {"job_name": str(service), "static_configs": [_target(service_port(ports, service))]}
                for service in ServiceName
            ],
        }
    )


def _target(port: int) -> dict[str, list[str]]:
    return {"targets": [f"127.0.0.1:{port}"]}


def _targets(port: int) -> dict[str, list[dict[str, list[str]]]]:
    return {"static_configs": [_target(port)]}


def webhook_url(ports: Ports, integration_id: str) -> str:
    """Where this stack's function app takes Alertmanager's webhooks for one integration."""
    return f"http://127.0.0.1:{ports.functions}/api/webhooks/alertmanager/{integration_id}"


def alertmanager_config(
    *,
    webhook_url: str,
    token_file: Path,
    group_wait_seconds: int = 1,
    group_interval_seconds: int = 5,
    repeat_interval_seconds: int = 3600,
) -> str:
    """Alertmanager with one receiver, one notification a service, and a bearer token read from a file."""
    webhook = {
        "url": webhook_url,
        "send_resolved": True,
        "http_config": {
            "authorization": {"type": "Bearer", "credentials_file": str(token_file.absolute())},
            # A redirect would turn the POST into a GET and lose the alert; this way it shows as a failure.
            "follow_redirects": False,
        },
    }
    return _yaml(
        {
            "route": {
                "receiver": "sre-copilot",
                # Errors and latency of one service are one page; two services are two.
                "group_by": ["service"],
                "group_wait": f"{group_wait_seconds}s",
                "group_interval": f"{group_interval_seconds}s",
                "repeat_interval": f"{repeat_interval_seconds}s",
            },
            "receivers": [{"name": "sre-copilot", "webhook_configs": [webhook]}],
        }
    )


def prometheus_command(binary: str, config_path: Path, data_dir: Path, port: int) -> list[str]:
    """The arguments that start Prometheus on loopback; alerts link to it under the same address."""
    return [
        binary,
        f"--config.file={config_path}",
        f"--storage.tsdb.path={data_dir}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.external-url=http://127.0.0.1:{port}",
    ]


def alertmanager_command(binary: str, config_path: Path, data_dir: Path, port: int) -> list[str]:
    """The arguments that start a single Alertmanager on loopback, without the cluster's gossip port."""
    return [
        binary,
        f"--config.file={config_path}",
        f"--storage.path={data_dir}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.external-url=http://127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False)
