"""A whole set of services in memory: nothing is connected, and nothing outlives the process."""

import os

from shared.adapters.key_file import KEY_BYTES
from shared.adapters.memory.audit import FixedSealing, MemoryAuditTrail
from shared.adapters.memory.claims import MemoryClaims
from shared.adapters.memory.conventions import MemoryConventions
from shared.adapters.memory.labels import MemoryLabels
from shared.adapters.memory.records import MemoryRecords
from shared.adapters.memory.schedule import MemorySchedule
from shared.adapters.memory.sessions import MemorySessions
from shared.adapters.memory.sources import MemoryAnnotations, MemoryDeployments, MemorySilencing
from shared.adapters.memory.spending import MemorySpending
from shared.adapters.memory.stores import (
    MemoryDeadLetters,
    MemoryDirectory,
    MemoryIncidentList,
    MemoryIncidents,
    MemoryLookups,
    MemoryReceipts,
)
from shared.adapters.memory.surroundings import MemoryChanges, MemorySurroundings
from shared.adapters.memory.transport import MemoryBodies, MemoryQueues
from shared.adapters.runbook_library import RecordedRunbooks
from shared.adapters.secret_box import AesSecretBox
from shared.errors import SourceUnavailable
from shared.models.audit import AuditHome
from shared.models.base import TenantId
from shared.models.connections import ConnectionConfig
from shared.models.promql import QueryAnswer
from shared.models.spending import ModelTerms
from shared.models.tenants import Integration, IntegrationType
from shared.ports.alert_sources import AlertSource
from shared.ports.connections import Finding, Reason
from shared.ports.dashboards import DashboardSource
from shared.ports.metrics import MetricsSource
from shared.ports.model import Model
from shared.ports.queries import Question
from shared.ports.services import Services


class NoMetrics:
    """A tenant without a Prometheus."""

    async def of_tenant(self, tenant_id: TenantId) -> MetricsSource | None:  # noqa: ARG002 -- the port's shape
        """None is connected."""
        return None


class NoAlertSources:
    """Integrations without an API to ask."""

    async def of_integration(
        self,
        tenant_id: TenantId,  # noqa: ARG002 -- the port's shape
        integration: Integration,  # noqa: ARG002 -- the port's shape
    ) -> AlertSource | None:
        """None has one."""
        return None


class NoQueries:
    """A Prometheus that nobody can reach."""

    async def ask(
        self,
        tenant_id: TenantId,  # noqa: ARG002 -- the port's shape
        integration: Integration,  # noqa: ARG002 -- the port's shape
        question: Question,  # noqa: ARG002 -- the port's shape
    ) -> QueryAnswer:
        """It does not answer."""
        raise SourceUnavailable("Nothing is connected.", reason="connect")


class NoDashboards:
    """Integrations without a Grafana to ask."""

    async def of_integration(
        self,
        tenant_id: TenantId,  # noqa: ARG002 -- the port's shape
        integration: Integration,  # noqa: ARG002 -- the port's shape
    ) -> DashboardSource | None:
        """None has one."""
        return None


class NoConnections:
    """Nothing can be reached from memory, and every URL may be kept."""

    def admit(self, url: str) -> None:
        """None is refused."""

    async def check(
        self,
        tenant_id: TenantId,  # noqa: ARG002 -- the port's shape
        kind: IntegrationType,  # noqa: ARG002 -- the port's shape
        config: ConnectionConfig,  # noqa: ARG002 -- the port's shape
    ) -> Finding:
        """Nobody answers."""
        return Finding(Reason.NOT_LISTENING, "Nothing can be reached from memory.")


class KeyInMemory:
    """A data key that is gone with the process."""

    def __init__(self) -> None:
        self._key = os.urandom(KEY_BYTES)

    async def data_key(self) -> bytes:
        """See DataKeys."""
        return self._key


def services_in_memory(*, model: Model | None = None, terms: ModelTerms | None = None) -> Services:
    """Fresh services with nothing in them."""
    directory, incidents, letters = MemoryDirectory(), MemoryIncidents(), MemoryDeadLetters()
    records = MemoryRecords(directory)
    surroundings, changes = MemorySurroundings(), MemoryChanges()
    return Services(
        claims=MemoryClaims(),
        incidents=incidents,
        incident_list=MemoryIncidentList(),
        directory=directory,
        records=records,
        library=RecordedRunbooks(records),
        audit=_audit_trail(directory, incidents, letters, surroundings, changes),
        sealing=FixedSealing(),
        lookups=MemoryLookups(),
        receipts=MemoryReceipts(),
        dead_letters=letters,
        surroundings=surroundings,
        changes=changes,
        conventions=MemoryConventions(),
        labels=MemoryLabels(),
        schedule=MemorySchedule(),
        sessions=MemorySessions(),
        queues=MemoryQueues(),
        raw=MemoryBodies(),
        snapshot_bodies=MemoryBodies(),
        metrics=NoMetrics(),
        queries=NoQueries(),
        dashboards=NoDashboards(),
        alert_sources=NoAlertSources(),
        deployments=MemoryDeployments(),
        annotations=MemoryAnnotations(),
        silencing=MemorySilencing(),
        connections=NoConnections(),
        secret_box=AesSecretBox(KeyInMemory()),
        spending=MemorySpending(),
        model=model,
        replay_models={},
        model_terms=terms or ModelTerms(),
    )


def _audit_trail(
    directory: MemoryDirectory,
    incidents: MemoryIncidents,
    letters: MemoryDeadLetters,
    surroundings: MemorySurroundings,
    changes: MemoryChanges,
) -> MemoryAuditTrail:
    """Sealing finds what was announced in the stores that it was announced in."""
    return MemoryAuditTrail(
        {
            AuditHome.DIRECTORY: directory.documents,
            AuditHome.INCIDENTS: incidents.documents,
            AuditHome.DEAD_LETTERS: letters.documents,
            AuditHome.CLAIMS: surroundings.documents,
            AuditHome.CHANGES: changes.documents,
        }
    )
