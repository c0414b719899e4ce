"""Tokens of Entra ID with which we are let into what tenants have in Azure."""

from typing import Protocol

from shared.models.azure_monitor import AzureCloud, ServicePrincipal


class AccessTokens(Protocol):
    """Gets and keeps tokens."""

    async def token(self, principal: ServicePrincipal, cloud: AzureCloud) -> str:
        """A token for the cloud's Azure Monitor workspaces that is good for minutes at least.

        Raises SourceUnavailable: `entra_refused` when Entra ID knows no such application or secret,
        `entra_unavailable` when it could not be asked.
        """
        ...
