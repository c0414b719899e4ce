"""An Azure Monitor workspace: the cloud that its host belongs to, and the service principal that may read it.

Of the public cloud: https://learn.microsoft.com/azure/azure-monitor/metrics/prometheus-api-promql. Hosts and
audiences of the sovereign clouds are what KEDA and Grafana use; authorities are azure-identity's AzureAuthorityHosts.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from shared.models.base import WRITE_ONLY, Value

_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII)

Guid = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
ClientSecret = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,256}$")]


@dataclass(frozen=True)
class AzureCloud:
    """Where workspaces are, what a token for them is for, and who gives it."""

    hosts: str
    scope: str
    authority: str


CLOUDS: Final = (
    AzureCloud(
        ".prometheus.monitor.azure.com", "https://prometheus.monitor.azure.com/.default", "login.microsoftonline.com"
    ),
    AzureCloud(
        ".prometheus.monitor.azure.us", "https://prometheus.monitor.azure.us/.default", "login.microsoftonline.us"
    ),
    AzureCloud(
        ".prometheus.monitor.azure.cn", "https://prometheus.monitor.azure.cn/.default", "login.chinacloudapi.cn"
    ),
)


def cloud_of(url: str) -> AzureCloud | None:
    """The cloud of a workspace's query endpoint; None for every other URL, and one without TLS. Raises ValueError
    for what is no URL.
    """
    parts = urlsplit(url)
    # Compared as it was written: whoever takes a URL apart in another way must come to the same host.
    host = parts.netloc.lower().removesuffix(":443")
    if parts.scheme.lower() != "https" or not url.isprintable() or not _HOST.fullmatch(host):
        return None
    return next((cloud for cloud in CLOUDS if host.endswith(cloud.hosts)), None)


class ServicePrincipal(Value):
    """An application in the tenant's own directory that has the role Monitoring Data Reader on the workspace."""

    directory_id: Guid = Field(description="The Entra directory that the application is registered in.")
    client_id: Guid = Field(description="The application.")
    client_secret: ClientSecret = Field(repr=False, json_schema_extra=WRITE_ONLY)
