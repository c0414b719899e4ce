"""All ports of one process, wired once by `bootstrap` and handed down."""

from dataclasses import dataclass

from shared.models.spending import ModelTerms
from shared.ports.alert_sources import AlertSources
from shared.ports.annotations import AnnotationSources
from shared.ports.audit import AuditTrail, Sealing
from shared.ports.connections import ConnectionChecks
from shared.ports.conventions import ConventionStore
from shared.ports.dashboards import DashboardSources
from shared.ports.deployments import DeploymentSources
from shared.ports.library import RunbookLibrary
from shared.ports.metrics import MetricsSources
from shared.ports.model import Model
from shared.ports.queries import QueryableSources
from shared.ports.records import RecordStore
from shared.ports.schedule import ScheduleStore
from shared.ports.secrets import SecretBox
from shared.ports.sessions import SessionStore
from shared.ports.silencing import SilencingSources
from shared.ports.spending import SpendingStore
from shared.ports.stores import (
    ClaimStore,
    DeadLetterStore,
    DirectoryStore,
    IncidentList,
    IncidentStore,
    LookupStore,
    ReceiptStore,
)
from shared.ports.surroundings import ChangeStore, SurroundingsStore
from shared.ports.transport import Bodies, Queues


@dataclass(frozen=True)
class Services:
    """What the pipeline and the API act through. `model` is None when no endpoint is configured."""

    claims: ClaimStore
    incidents: IncidentStore
    incident_list: IncidentList
    directory: DirectoryStore
    records: RecordStore
    library: RunbookLibrary
    audit: AuditTrail
    sealing: Sealing
    lookups: LookupStore
    receipts: ReceiptStore
    dead_letters: DeadLetterStore
    surroundings: SurroundingsStore
    changes: ChangeStore
    conventions: ConventionStore
    schedule: ScheduleStore
    sessions: SessionStore
    queues: Queues
    raw: Bodies
    snapshot_bodies: Bodies
    metrics: MetricsSources
    queries: QueryableSources
    dashboards: DashboardSources
    alert_sources: AlertSources
    deployments: DeploymentSources
    annotations: AnnotationSources
    silencing: SilencingSources
    connections: ConnectionChecks
    secret_box: SecretBox
    spending: SpendingStore
    model: Model | None
    model_terms: ModelTerms
