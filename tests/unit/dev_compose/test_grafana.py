"""What Grafana is provisioned with: it parses, points at this stack, and asks for metrics that the shop has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from dev.ports import Ports
from dev.prometheus.render import alert_rules
from dev.seed import SLUG
from dev.shop.metrics import ServiceMetrics, build_metric
from dev.shop.topology import SHOP, ServiceName
from shared.models.base import document_id
from shared.models.tenants import IntegrationType
from shared.signals.set_up import webhook_url

GRAFANA = Path(__file__).resolve().parents[3] / "dev" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "shop.json").read_text(encoding="utf-8"))
PORTS = Ports()


def provisioned(name: str) -> Any:
    return yaml.safe_load((GRAFANA / "provisioning" / name).read_text(encoding="utf-8"))


RULES = [rule for group in provisioned("alerting/shop.yml")["groups"] for rule in group["rules"]]


def queries() -> Iterator[str]:
    """Every PromQL of dashboards and rules, with Grafana's variables filled in."""
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    asked += [one["expr"] for one in DASHBOARD["annotations"]["list"]]
    asked += [part["model"]["expr"] for rule in RULES for part in rule["data"] if "expr" in part["model"]]
    for query in asked:
        yield query.replace("$__rate_interval", "15s").replace("$service", ".+")


def rules_of_prometheus() -> Iterator[str]:
    for group in yaml.safe_load(alert_rules())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def metrics_of_the_shop() -> set[str]:
    names = {"up"}
    for service in ServiceName:
        shown = ServiceMetrics(service, version=SHOP[service].first_version, revision="r").exposition().decode()
        for family in text_string_to_metric_families(shown):
            names |= {family.name, f"{family.name}_total", f"{family.name}_bucket"}
    return names


@pytest.mark.parametrize("query", [*queries(), *rules_of_prometheus()])
def test_every_query_is_promql(query: str) -> None:
    promql_parser.parse(query)


@pytest.mark.parametrize("query", [*queries(), *rules_of_prometheus()])
def test_every_query_asks_for_metrics_that_the_shop_has(query: str) -> None:
    named = set(re.findall(r"\b([a-z_]+_(?:total|bucket|limits))\b", query)) | set(re.findall(r"^up\b", query))
    assert named <= metrics_of_the_shop()
    assert named or "_build_info" in query


def test_promtool_takes_the_queries_too(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    rules = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}), encoding="utf-8")
    ran = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_deploy_is_told_for_a_moment_and_with_its_new_version_only(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    (deploys,) = DASHBOARD["annotations"]["list"]
    series = [
        {"series": 'payment_build_info{service="payment", version="1.4.0"}', "values": "1x6 stale"},
        {"series": 'payment_build_info{service="payment", version="1.5.0"}', "values": "_x7 1x20"},
    ]
    new = [{"labels": 'payment_build_info{service="payment", version="1.5.0"}', "value": 1}]
    looks = [
        {"expr": deploys["expr"], "eval_time": at, "exp_samples": told}
        for at, told in (("30s", []), ("35s", new), ("45s", new), ("50s", []), ("90s", []))
    ]
    test = {"rule_files": [], "tests": [{"interval": "5s", "input_series": series, "promql_expr_test": looks}]}
    file = tmp_path / "deploys.yml"
    file.write_text(yaml.safe_dump(test), encoding="utf-8")
    ran = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_pattern_for_deploys_fits_every_services_build_metric() -> None:
    (deploys,) = DASHBOARD["annotations"]["list"]
    (pattern,) = set(re.findall(r'__name__=~"([^"]+)"', deploys["expr"]))
    assert all(re.fullmatch(pattern, build_metric(service)) for service in ServiceName)


def test_everything_asks_the_one_data_source() -> None:
    (source,) = provisioned("datasources/prometheus.yml")["datasources"]
    asked = {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]}
    asked |= {part["datasourceUid"] for rule in RULES for part in rule["data"]} - {"__expr__"}
    assert asked == {source["uid"]}
    assert source["url"] == f"http://127.0.0.1:{PORTS.prometheus}"


def test_pages_go_to_acmes_integration_and_are_signed() -> None:
    contact = provisioned("alerting/contact.yml")
    (point,), (policy,) = contact["contactPoints"], contact["policies"]
    (receiver,) = point["receivers"]
    kind = IntegrationType.GRAFANA
    url = webhook_url(f"http://127.0.0.1:{PORTS.functions}", kind, document_id("int", SLUG, kind.value))
    assert receiver["settings"]["url"] == url
    assert receiver["settings"]["hmacConfig"] == {"secret": "${GF_COPILOT_SECRET}"}
    assert policy["receiver"] == point["name"]


def test_a_rule_names_parts_that_it_has_and_no_variable_of_the_environment() -> None:
    for rule in RULES:
        parts = {part["refId"]: part["model"] for part in rule["data"]}
        assert parts[rule["condition"]]["expression"] in parts
        assert "$" not in json.dumps(rule)


def test_grafanas_thresholds_are_those_of_prometheus_rules() -> None:
    limits = {rule["title"]: rule["data"][1]["model"]["conditions"][0]["evaluator"]["params"] for rule in RULES}
    assert limits == {"GrafanaShopErrors": [0.05], "GrafanaShopLatency": [0.5]}
    written = {rule["alert"]: rule["expr"] for rule in yaml.safe_load(alert_rules())["groups"][0]["rules"]}
    assert written["ShopHighErrorRatio"].endswith("> 0.05")
    assert written["ShopHighLatency"].endswith("> 0.5")


def test_no_two_panels_have_one_id_and_none_lies_over_another() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
