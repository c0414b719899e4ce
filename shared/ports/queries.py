"""What people ask of their own Prometheus, and what it answers, passed on as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.errors import SourceUnavailable
from shared.models.base import TenantId
from shared.models.promql import QueryAnswer
from shared.models.tenants import Integration


@dataclass(frozen=True)
class Question:
    """One question, within our limits: an endpoint of the API and its parameters, and how long it may take."""

    endpoint: str
    parameters: Mapping[str, str]
    timeout_seconds: float


class QueryNotAnswered(SourceUnavailable):
    """The source answered with an error of its own, in its own words; `reason` is our word for it."""

    def __init__(self, message: str, *, reason: str, error_type: str | None = None, error: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.error_type = error_type
        self.error = error


class QueryableSources(Protocol):
    """Asks an integration's Prometheus."""

    async def ask(self, tenant_id: TenantId, integration: Integration, question: Question) -> QueryAnswer:
        """Its answer. Raises SourceUnavailable (QueryNotAnswered when it said why), AddressRefused for a URL we do
        not go to, SecretUnreadable, and KeysUnavailable."""
        ...
