"""From an integration to the API that can be asked what fires there."""

from shared.adapters.alertmanager_api import AlertmanagerApi, ApiConfig
from shared.adapters.grafana_api import grafana_api
from shared.adapters.prometheus import HttpClient
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.alert_sources import AlertSource
from shared.ports.secrets import SecretBox


class IntegrationAlertSources:
    """Implements AlertSources. The config is opened for each question, which is asked once in some minutes."""

    def __init__(self, secrets: SecretBox, http: HttpClient) -> None:
        self._secrets = secrets
        self._http = http

    async def of_integration(self, tenant_id: TenantId, integration: Integration) -> AlertSource | None:
        """See AlertSources."""
        kind = integration.integration_type
        if kind not in (IntegrationType.ALERTMANAGER, IntegrationType.GRAFANA) or not integration.config:
            return None
        opened = await self._secrets.open(tenant_id, IntegrationId(integration.id), integration.config)
        config = ApiConfig.from_config(opened)
        if config is None:
            return None
        if kind is IntegrationType.GRAFANA:
            return grafana_api(self._http, config)
        return AlertmanagerApi(self._http, config)
