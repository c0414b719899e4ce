"""Grafana's own Alertmanager, which speaks Alertmanager's API below a path of its own."""

from typing import Final

from shared.adapters.alertmanager_api import AlertmanagerApi, ApiConfig
from shared.adapters.prometheus import HttpClient

PATH: Final = "/api/alertmanager/grafana/api/v2/alerts"


def grafana_api(http: HttpClient, config: ApiConfig) -> AlertmanagerApi:
    """What fires in a Grafana; `bearer_token` is a service account's, which binds one organisation."""
    return AlertmanagerApi(http, config, PATH)
