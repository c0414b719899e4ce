"""Grafana's own Alertmanager: the same API below another path."""

import json

from shared.adapters.alert_sources import IntegrationAlertSources
from shared.models.tenants import IntegrationType
from tests.builders import ACME, NOON, an_integration
from tests.unit.adapters.test_alertmanager_api import LISTED, PlainBox, answering


async def test_grafana_is_asked_below_its_own_path_with_the_service_accounts_token() -> None:
    http = answering([LISTED])
    config = json.dumps({"url": "https://grafana.example/sub/", "bearer_token": "glsa_1", "receiver": "us"})
    integration = an_integration(integration_type=IntegrationType.GRAFANA, config=f"{ACME}|{config}")
    source = await IntegrationAlertSources(PlainBox(), http).of_integration(ACME, integration)
    assert source is not None
    firing = await source.firing(now=NOON)
    ((method, url, headers),) = http.asked
    assert (method, headers) == ("GET", {"authorization": "Bearer glsa_1"})
    assert url.startswith("https://grafana.example/sub/api/alertmanager/grafana/api/v2/alerts?active=true")
    assert [one.fingerprint for one in firing.alerts] == [LISTED["fingerprint"]]
