"""The real Alertmanager accepts what is pasted into its configuration."""

import subprocess
from pathlib import Path

import pytest

from dev import binaries
from shared.models.tenants import Inbound, IntegrationType, Scheme
from shared.signals.inbound import SCHEMES
from shared.signals.set_up import set_up, webhook_url

pytestmark = pytest.mark.integration

URL = webhook_url("https://copilot.example", IntegrationType.ALERTMANAGER, "int-1")


@pytest.mark.parametrize("scheme", SCHEMES[IntegrationType.ALERTMANAGER])
def test_amtool_finds_the_pasted_receiver_and_route_good(scheme: Scheme, tmp_path: Path) -> None:
    receiver, route = set_up(IntegrationType.ALERTMANAGER, URL, Inbound(schemes=(scheme,)), secret="t0ken-_")
    routes = route.text[route.text.index("  routes:") :]
    pager = receiver.text.replace("receivers:\n", "receivers:\n  - name: pager\n")
    config = tmp_path / "alertmanager.yml"
    config.write_text(f"route:\n  receiver: pager\n{routes}{pager}")
    amtool = str(Path(binaries.find("alertmanager")).with_name("amtool"))
    checked = subprocess.run([amtool, "check-config", str(config)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "2 receivers" in checked.stdout
