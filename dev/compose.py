"""What the containers of compose.yaml need before they start: queues, containers, the tenant acme, their files."""

from collections.abc import Mapping

from dev.ports import Ports
from dev.stack import DATABASE, Layout, product_environment, write_configuration

GRAFANA_ADMIN = "grafana-admin"
"""Names the file with the password of Grafana's administrator."""
FOR_SECONDS = 20
OWN_FOLDERS = ("azurite", "prometheus", "alertmanager", "grafana")
"""Where the parts of others keep their data; they run as the owner of the volume."""


def environment_of(ports: Ports, layout: Layout, *, cosmos_endpoint: str) -> Mapping[str, str]:
    """The product's settings in the containers: those of the local stack, with the store that was chosen."""
    return product_environment(ports, layout) | {"COSMOS_ENDPOINT": cosmos_endpoint}


async def prepare(ports: Ports, layout: Layout, *, cosmos_endpoint: str) -> str:
    """Make what is missing and write the configuration files; returns the id of acme's Alertmanager integration.

    May run again at every start: what is there stays. Azurite, Cosmos DB and the identity provider must be running.
    """
    from dev.connect import connect_alertmanager
    from dev.prometheus.render import webhook_url
    from dev.provision import provision_cosmos, provision_storage
    from dev.seed import secret_in, seed_acme

    environment = environment_of(ports, layout, cosmos_endpoint=cosmos_endpoint)
    provision_storage(environment["AzureWebJobsStorage"])
    provision_cosmos(cosmos_endpoint, environment["COSMOS_KEY"], DATABASE)
    prometheus = f"http://127.0.0.1:{ports.prometheus}"
    integration_id = await seed_acme(environment, layout, prometheus_url=prometheus)
    url = f"http://127.0.0.1:{ports.alertmanager}"
    await connect_alertmanager(environment, integration_id, url=url)
    secret_in(layout.webhook_secret(GRAFANA_ADMIN))
    for name in OWN_FOLDERS:
        (layout.data / name).mkdir(exist_ok=True)
    write_configuration(
        ports,
        layout,
        webhook=(webhook_url(ports, integration_id), layout.webhook_token),
        for_seconds=FOR_SECONDS,
    )
    return integration_id
