"""compose.yaml cannot be run here; what can be compared with the local stack is: ports, tags, settings, commands."""

import json
import re
from pathlib import Path
from typing import Any

import pathspec
import pytest
import yaml

from dev.compose import GRAFANA_ADMIN, environment_of
from dev.ports import Ports
from dev.prometheus.render import alertmanager_command, prometheus_command
from dev.stack import Layout

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DATA, PORTS, GRAFANA_PORT = Layout(Path("/data")), Ports(), 24030
IMAGES = {name: one["image"] for name, one in SERVICES.items() if "build" not in one}
IMAGES |= {f"stage {stage}": image for image, stage in re.findall(r"^FROM (\S+) AS (\w+)$", DOCKERFILE, re.MULTILINE)}


def published() -> dict[int, int]:
    """Ports of the machine, each with the container's port that it leads to."""
    pairs = [one.removeprefix("127.0.0.1:").split(":") for one in SERVICES["net"]["ports"]]
    return {int(outside): int(inside) for outside, inside in pairs}


@pytest.mark.parametrize("image", sorted(set(IMAGES.values())))
def test_every_image_is_pinned_by_a_tag_that_names_a_version(image: str) -> None:
    name, _, tag = image.rpartition(":")
    assert name
    assert re.search(r"\d", tag), tag
    assert [one for one in IMAGES.values() if one.startswith(f"{name}:") and one != image] == []


def test_azurite_is_the_one_that_the_local_stack_runs() -> None:
    installed = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]["azurite"]
    assert IMAGES["azurite"].endswith(f"azurite:{installed}")


def test_all_share_one_network_and_nothing_is_published_beyond_loopback() -> None:
    assert {name for name, one in SERVICES.items() if one.get("network_mode") != "service:net"} == {"net"}
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["net"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["net"]["ports"])


def test_the_published_ports_are_those_of_the_local_stack() -> None:
    wanted = {PORTS.functions, PORTS.prometheus, PORTS.alertmanager, PORTS.entra, PORTS.shop, GRAFANA_PORT}
    assert set(published()) == wanted


@pytest.mark.parametrize(("door", "port"), [("door-entra", PORTS.entra), ("door-shop", PORTS.shop)])
def test_what_listens_on_loopback_only_is_reached_through_a_door(door: str, port: int) -> None:
    inside = published()[port]
    assert inside != port
    assert SERVICES[door]["command"] == [f"TCP-LISTEN:{inside},fork,reuseaddr", f"TCP:127.0.0.1:{port}"]


@pytest.mark.parametrize("service", ["functions", "provision"])
def test_the_product_gets_the_settings_of_the_local_stack(service: str) -> None:
    chosen = "${COSMOS_ENDPOINT:-http://127.0.0.1:8081/}"
    assert SERVICES[service]["environment"] == environment_of(PORTS, DATA, cosmos_endpoint=chosen)


def test_the_store_of_the_local_stack_can_take_the_emulators_place() -> None:
    assert SERVICES["stand-in"]["profiles"] == ["stand-in"]
    assert SERVICES["stand-in"]["command"][:3] == ["cosmos", "--port", str(PORTS.cosmos)]


@pytest.mark.parametrize("name", ["azurite", "prometheus", "alertmanager", "grafana", "functions"])
def test_who_shares_the_volume_is_its_owner_and_no_root(name: str) -> None:
    assert SERVICES[name]["user"] == "10001:10001"
    assert "data:/data" in SERVICES[name]["volumes"]
    assert DOCKERFILE.count("USER 10001:10001") == 2


@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if "data:/data" in one.get("volumes", [])])
def test_the_volume_gets_its_owner_from_the_tools_before_others_use_it(name: str) -> None:
    def leads_to_the_tools(service: str) -> bool:
        one = SERVICES[service]
        return one["image"] == "sre-copilot-tools:local" or any(map(leads_to_the_tools, one.get("depends_on", {})))

    assert leads_to_the_tools(name)


def test_prometheus_and_alertmanager_start_as_in_the_local_stack_but_for_the_address() -> None:
    config, port, other = DATA.config, PORTS.prometheus, PORTS.alertmanager
    wanted = {
        "prometheus": prometheus_command("", config / "prometheus.yml", DATA.data / "prometheus", port),
        "alertmanager": alertmanager_command("", config / "alertmanager.yml", DATA.data / "alertmanager", other),
    }
    for name, command in wanted.items():
        plain = [argument.replace("address=127.0.0.1:", "address=:") for argument in command[1:]]
        assert SERVICES[name]["command"] == plain


def test_grafana_reads_secrets_that_are_prepared_and_folders_that_exist() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_SERVER_HTTP_PORT"] == str(GRAFANA_PORT)
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == str(DATA.webhook_secret(GRAFANA_ADMIN))
    assert environment["GF_COPILOT_SECRET__FILE"] == str(DATA.webhook_secret("grafana"))
    folders = [one.split(":")[0] for one in SERVICES["grafana"]["volumes"] if one.startswith(".")]
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_nothing_but_what_the_dockerfile_copies_is_sent_to_docker() -> None:
    ignored = pathspec.GitIgnoreSpec.from_lines((ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines())
    lines = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = {source for line in lines for source in line.split()}
    sent = {path.name for path in ROOT.iterdir() if not ignored.match_file(path.name)}
    assert sent == copied
    assert ignored.match_file("dev/__pycache__/a.pyc")
    assert ignored.match_file("local.settings.json")


def test_the_function_app_listens_where_senders_post() -> None:
    assert f"ASPNETCORE_URLS=http://+:{PORTS.functions}\n" in DOCKERFILE
    assert published()[PORTS.functions] == PORTS.functions
