"""The one place where ports meet their adapters. A process is wired once, on first use, for its event loop."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from shared.models.spending import ModelTerms
from shared.ports.alert_sources import AlertSources
from shared.ports.annotations import AnnotationSources
from shared.ports.audit import AuditTrail
from shared.ports.conventions import ConventionStore
from shared.ports.dashboards import DashboardSources
from shared.ports.deployments import DeploymentSources
from shared.ports.labels import LabelStore
from shared.ports.metrics import MetricsSources
from shared.ports.model import Model
from shared.ports.queries import QueryableSources
from shared.ports.records import RecordStore
from shared.ports.schedule import ScheduleStore
from shared.ports.secrets import DataKeys, SecretBox
from shared.ports.services import Services
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
)
from shared.ports.surroundings import ChangeStore, SurroundingsStore
from shared.redaction import mask_personal_data
from shared.settings import SettingMissing, Settings
from shared.signals.credentials import InboundCredentials
from shared.signals.pacing import Pacer
from shared.telemetry import guard_logs

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.authentication import Authenticator
    from shared.adapters.azure_openai import AzureOpenAIModel
    from shared.adapters.cosmos.client import CosmosDatabase
    from shared.adapters.guarded_http import GuardedHttp
    from shared.api.options import ApiOptions
    from shared.pipeline.readiness import Readiness
    from shared.pipeline.signing_in import SignIn
    from shared.ports.archive import BlobArchive, TenantArchive

Closer = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Process:
    """What one worker process holds: its services, the webhooks' credentials, and how to close it all."""

    settings: Settings
    services: Services
    credentials: InboundCredentials
    secret_box: SecretBox
    closers: list[Closer]
    pacer: Pacer = field(default_factory=Pacer)

    @cached_property
    def api(self) -> "func.AsgiMiddleware":
        """The API behind its one function; FastAPI is imported here and nowhere before."""
        import azure.functions as func

        from shared.access.authentication import Authenticator
        from shared.adapters.entra import entra_keys
        from shared.api import create_api

        keys = entra_keys(self.settings.entra_authority, self.settings.entra_ca_file, clock=time.monotonic)
        self.closers.append(keys.aclose)
        authenticator = Authenticator(
            keys=keys,
            lookups=self.services.lookups,
            directory=self.services.directory,
            authority=self.settings.entra_authority,
            audience=self.settings.entra_audience,
            app_id_uri=self.settings.entra_app_id_uri,
        )
        options = api_options(self.settings)
        sign_in = self._sign_in(authenticator)
        return func.AsgiMiddleware(create_api(self.services, authenticator, options=options, sign_in=sign_in))

    @cached_property
    def readiness(self) -> "Readiness":
        """Whether everything that the process needs answers."""
        from shared.pipeline.readiness import Readiness, dependencies_of

        reach = None
        if self.settings.openai_endpoint:
            from shared.adapters.model_reach import ModelReach

            reach = ModelReach(self.settings.openai_endpoint).reach
        return Readiness(dependencies_of(self.services, reach))

    def _sign_in(self, authenticator: "Authenticator") -> "SignIn | None":
        """Sign-in to the web app, where the settings say at which address it is."""
        from shared.adapters.entra_sign_in import entra_sign_in, managed_identity
        from shared.pipeline.auditing import append
        from shared.pipeline.sessions import Sessions
        from shared.pipeline.signing_in import SignIn

        settings = self.settings
        if settings.public_base_url is None:
            return None
        provider = entra_sign_in(
            authority=settings.entra_authority,
            directory=settings.entra_sign_in_directory,
            client_id=settings.entra_client_id,
            api=settings.entra_audience,
            credential=settings.entra_client_secret or managed_identity(settings.managed_identity_client_id),
            ca_file=settings.entra_ca_file,
        )
        self.closers.append(provider.aclose)
        sessions = Sessions(provider, authenticator, self.secret_box, self.services, append, authenticator.now)
        return SignIn(sessions, settings.public_base_url)

    async def aclose(self) -> None:
        """Close every client."""
        for close in reversed(self.closers):
            await close()


def api_options(settings: Settings) -> "ApiOptions":
    """What the settings decide of the API; raises NotAnOrigin."""
    from shared.api.cors import exact_origins
    from shared.api.limits import RequestLimits
    from shared.api.options import ApiOptions
    from shared.api.pace import Rate

    return ApiOptions(
        client_address_header=settings.client_address_header,
        limits=RequestLimits(max_body_bytes=settings.api_max_body_bytes),
        requests=Rate(settings.api_requests_per_minute, settings.api_requests_at_once),
        failures=Rate(settings.api_failures_per_minute, settings.api_failures_at_once),
        cors_origins=exact_origins(settings.cors_origins),
        public_base_url=settings.public_base_url or "",
    )


def build(settings: Settings) -> Process:
    """Wire a process; clients connect with their first call."""
    guard_logs()
    mask_personal_data(settings.redact_personal_data)
    return _wired(settings)


def _wired(settings: Settings) -> Process:
    from shared.adapters.blob import SNAPSHOTS, blob_bodies
    from shared.adapters.blob_receipts import blob_receipts
    from shared.adapters.chain_key import DerivedSealing
    from shared.adapters.connection_checks import GuardedConnectionChecks
    from shared.adapters.cosmos.client import cosmos_database
    from shared.adapters.guarded_http import GuardedHttp
    from shared.adapters.runbook_library import RecordedRunbooks
    from shared.adapters.secret_box import AesSecretBox
    from shared.adapters.storage_queue import storage_queues

    identity = settings.managed_identity_client_id
    database = cosmos_database(settings.cosmos_endpoint, settings.cosmos_key, settings.cosmos_database, identity)
    storage = (settings.storage_connection_string, settings.storage_account_name, identity)
    queues, raw, receipts = storage_queues(*storage), blob_bodies(*storage), blob_receipts(*storage)
    snapshot_bodies = blob_bodies(*storage, container=SNAPSHOTS)
    http = GuardedHttp(allow_private=settings.outbound_allow_private)
    data_keys = _data_keys(settings)
    secret_box = AesSecretBox(data_keys)
    # A pool of its own: a tenant that tries dead addresses must not hold up anybody's snapshot.
    http_of_checks = GuardedHttp(allow_private=settings.outbound_allow_private)
    stores = _stores(database)
    models, close_models = _models(settings)
    services = Services(
        **stores,
        **_sources(stores["directory"], secret_box, http),
        library=RecordedRunbooks(stores["records"]),
        sealing=DerivedSealing(data_keys, settings.audit_retention),
        queues=queues,
        raw=raw,
        snapshot_bodies=snapshot_bodies,
        receipts=receipts,
        connections=GuardedConnectionChecks(http_of_checks, allow_private=settings.outbound_allow_private),
        secret_box=secret_box,
        **models,
    )
    closers: list[Closer] = [database.aclose, queues.aclose, raw.aclose, receipts.aclose, http.aclose]
    closers += [snapshot_bodies.aclose, http_of_checks.aclose, *close_models]
    return Process(settings, services, InboundCredentials(stores["lookups"], secret_box), secret_box, closers)


class _Sources(TypedDict):
    metrics: MetricsSources
    queries: QueryableSources
    dashboards: DashboardSources
    alert_sources: AlertSources
    deployments: DeploymentSources
    annotations: AnnotationSources
    silencing: SilencingSources


def _sources(directory: DirectoryStore, secret_box: SecretBox, http: "GuardedHttp") -> _Sources:
    """What tenants connect, all through the guarded client."""
    from shared.adapters.alert_sources import IntegrationAlertSources
    from shared.adapters.breaker import Breakers
    from shared.adapters.entra_tokens import EntraTokens
    from shared.adapters.github import GitHubOfTenant
    from shared.adapters.grafana_annotations import AnnotationsOfTenant
    from shared.adapters.grafana_dashboards import GrafanaDashboards
    from shared.adapters.prometheus import PrometheusOfTenant
    from shared.adapters.prometheus_queries import PrometheusQueries
    from shared.adapters.silencing import SilencingOfTenant

    breakers, tokens = Breakers(), EntraTokens()
    return {
        "metrics": PrometheusOfTenant(directory, secret_box, http, breakers=breakers, tokens=tokens),
        "queries": PrometheusQueries(secret_box, http, breakers=breakers, tokens=tokens),
        "dashboards": GrafanaDashboards(secret_box, http),
        "alert_sources": IntegrationAlertSources(secret_box, http),
        "deployments": GitHubOfTenant(directory, secret_box, http),
        "annotations": AnnotationsOfTenant(directory, secret_box, http),
        "silencing": SilencingOfTenant(directory, secret_box, http),
    }


def build_archives(settings: Settings) -> "tuple[TenantArchive, BlobArchive, list[Closer]]":
    """Where all of a tenant lies, for its backup: wired only by the operator's command."""
    from shared.adapters.blob_archive import blob_archive
    from shared.adapters.cosmos.archive import CosmosArchive
    from shared.adapters.cosmos.client import cosmos_database

    identity = settings.managed_identity_client_id
    database = cosmos_database(settings.cosmos_endpoint, settings.cosmos_key, settings.cosmos_database, identity)
    blobs = blob_archive(settings.storage_connection_string, settings.storage_account_name, identity)
    return CosmosArchive(database), blobs, [database.aclose, blobs.aclose]


class _Stores(TypedDict):
    claims: ClaimStore
    incidents: IncidentStore
    incident_list: IncidentList
    directory: DirectoryStore
    records: RecordStore
    audit: AuditTrail
    lookups: LookupStore
    dead_letters: DeadLetterStore
    surroundings: SurroundingsStore
    changes: ChangeStore
    conventions: ConventionStore
    labels: LabelStore
    schedule: ScheduleStore
    sessions: SessionStore
    spending: SpendingStore


def _stores(database: "CosmosDatabase") -> _Stores:
    from shared.adapters.cosmos.audit import CosmosAuditTrail
    from shared.adapters.cosmos.claims import CosmosClaims
    from shared.adapters.cosmos.conventions import CosmosConventions
    from shared.adapters.cosmos.incidents import CosmosIncidentList, CosmosIncidents
    from shared.adapters.cosmos.labels import CosmosLabels
    from shared.adapters.cosmos.records import CosmosRecords
    from shared.adapters.cosmos.schedule import CosmosSchedule
    from shared.adapters.cosmos.sessions import CosmosSessions
    from shared.adapters.cosmos.spending import CosmosSpending
    from shared.adapters.cosmos.stores import (
        CosmosDeadLetters,
        CosmosDirectory,
        CosmosLookups,
    )
    from shared.adapters.cosmos.surroundings import CosmosChanges, CosmosSurroundings

    return {
        "claims": CosmosClaims(database),
        "incidents": CosmosIncidents(database),
        "incident_list": CosmosIncidentList(database),
        "directory": CosmosDirectory(database),
        "records": CosmosRecords(database),
        "audit": CosmosAuditTrail(database),
        "lookups": CosmosLookups(database),
        "dead_letters": CosmosDeadLetters(database),
        "surroundings": CosmosSurroundings(database),
        "changes": CosmosChanges(database),
        "conventions": CosmosConventions(database),
        "labels": CosmosLabels(database),
        "schedule": CosmosSchedule(database),
        "sessions": CosmosSessions(database),
        "spending": CosmosSpending(database),
    }


def _data_keys(settings: Settings) -> DataKeys:
    if settings.key_vault_key_id and settings.wrapped_data_key:
        from shared.adapters.key_vault import key_vault_keys

        return key_vault_keys(
            settings.key_vault_key_id, settings.wrapped_data_key, settings.managed_identity_client_id
        )
    if settings.data_key_file:
        from shared.adapters.key_file import KeyFile

        return KeyFile(Path(settings.data_key_file))
    raise SettingMissing("set KEY_VAULT_KEY_ID and WRAPPED_DATA_KEY, or DATA_KEY_FILE")


async def rewrapped(settings: Settings, new_key_id: str) -> str:
    """The data key of this environment wrapped by another key; raises SettingMissing where Key Vault holds none."""
    from shared.adapters.key_vault import rewrap_in_vault

    if not (settings.key_vault_key_id and settings.wrapped_data_key):
        raise SettingMissing("set KEY_VAULT_KEY_ID and WRAPPED_DATA_KEY: there is no wrapped data key here")
    identity = settings.managed_identity_client_id
    return await rewrap_in_vault(settings.key_vault_key_id, new_key_id, settings.wrapped_data_key, identity)


async def new_data_key(key_id: str) -> str:
    """A data key for an environment that has none, wrapped by this key with the rights of whoever runs it."""
    from shared.adapters.key_vault import new_key_in_vault

    return await new_key_in_vault(key_id, None)


class _Models(TypedDict):
    model: Model | None
    replay_models: dict[str, Model]
    model_terms: ModelTerms


def _models(settings: Settings) -> tuple[_Models, list[Closer]]:
    """The model, and those that the settings allow for replays; each connects with its first question.

    All of them together ask as many questions at once as the settings allow.
    """
    places = asyncio.Semaphore(settings.model_calls_at_once)
    by_deployment: dict[str, Model] = {}
    closers: list[Closer] = []
    if settings.openai_endpoint:
        for deployment in (settings.openai_deployment, *settings.openai_replay_deployments):
            made = _model(settings, settings.openai_endpoint, deployment, places)
            by_deployment[deployment] = made
            closers.append(made.aclose)
    replays = {name: by_deployment[name] for name in settings.openai_replay_deployments if name in by_deployment}
    model = by_deployment.get(settings.openai_deployment)
    return _Models(model=model, replay_models=replays, model_terms=model_terms(settings)), closers


def model_terms(settings: Settings) -> ModelTerms:
    """What the settings say of the model's cost."""
    return ModelTerms(
        deployment=settings.openai_deployment,
        price_input=settings.model_price_input,
        price_cached=settings.model_price_cached,
        price_output=settings.model_price_output,
        currency=settings.model_currency,
        daily_budget=settings.model_daily_budget,
    )


def _model(settings: Settings, endpoint: str, deployment: str, places: asyncio.Semaphore) -> "AzureOpenAIModel":
    from shared.adapters.azure_openai import AzureOpenAIModel

    return AzureOpenAIModel(
        endpoint=endpoint,
        deployment=deployment,
        api_version=settings.openai_api_version,
        api_key=settings.openai_key,
        managed_identity_client_id=settings.managed_identity_client_id,
        places=places,
    )


def _start_telemetry(running: Process) -> None:
    """Let telemetry out, where the settings say to whom; only a worker does, no command of an operator."""
    settings = running.settings
    if not (settings.application_insights or settings.otlp_endpoint):
        return
    from shared.adapters.telemetry_export import outlets, start_export

    to = outlets(settings.application_insights, settings.otlp_endpoint, settings.managed_identity_client_id)
    export = start_export(to) if to else None
    if export is not None:
        running.closers.append(partial(asyncio.to_thread, export.close))


_processes: dict[int, Process] = {}


async def process() -> Process:
    """The process on the running loop, wired on first use. A worker has one loop; tests may have several."""
    loop = id(asyncio.get_running_loop())
    if loop not in _processes:
        settings = Settings.from_environment()
        settings.require_complete()
        running = build(settings)
        _start_telemetry(running)
        _processes[loop] = running
        # What is wired now stays; looking for garbage among it again and again cost an eighth of the worker's CPU.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
    return _processes[loop]
