"""People connect systems, change what is connected, and disconnect it. Decided first, written in one way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.access.principals import Principal
from shared.errors import AddressRefused, Malformed, NotAllowed, SecretUnreadable
from shared.models.audit import AuditAction
from shared.models.base import IntegrationId, TenantId, document_id
from shared.models.connections import ASKED, RECONCILED, ConnectionConfig, Credential
from shared.models.tenants import Inbound, Integration, IntegrationType, Scheme
from shared.models.wanted import InboundWanted, IntegrationChanges, IntegrationWanted
from shared.pipeline.secrets_of_senders import Issued, issue
from shared.pipeline.settling import ask_soon
from shared.pipeline.writing_integrations import Doing, differences, facts_of, write_change, write_new
from shared.ports.services import Services
from shared.ports.stores import Page, Versioned
from shared.signals.inbound import SCHEMES, UNFIT_WORDS, Unfit, unfit
from shared.telemetry import logger

log = logger(__name__)

MAX_INTEGRATIONS = 100
_CREDENTIALS = frozenset(("bearer_token", "username", "password", "service_principal"))


@dataclass(frozen=True)
class Made:
    """A new integration and, where its sender has one from the start, its secret: shown now and never again."""

    integration: Integration
    secret: Issued | None = field(default=None, repr=False)


async def find(tenant_id: TenantId, integration_id: str, services: Services) -> Versioned[Integration] | None:
    """An integration of the tenant that is not deleted."""
    held = await services.records.read(tenant_id, Integration, integration_id)
    return held if held and held.value.deleted_at is None else None


async def page(
    tenant_id: TenantId, services: Services, *, limit: int, cursor: str | None = None
) -> Page[Versioned[Integration]]:
    """Integrations, oldest first. Deleted ones that still wait for the audit trail are passed over."""
    found: list[Versioned[Integration]] = []
    while True:
        read = await services.records.page(tenant_id, Integration, limit=limit - len(found), cursor=cursor)
        found += [held for held in read.items if held.value.deleted_at is None]
        cursor = read.cursor
        if cursor is None or len(found) >= limit:
            return Page(found, cursor)


def new_id(tenant_id: TenantId, run_id: str) -> IntegrationId:
    """The id of the integration that this run of a request makes."""
    return IntegrationId(document_id("int", tenant_id, run_id))


async def create(
    who: Principal, wanted: IntegrationWanted, services: Services, *, run_id: str, now: datetime
) -> Made:
    """Connect a system; raises Malformed for what makes no sense and NotAllowed for one too many."""
    integration_id = new_id(who.tenant_id, run_id)
    _require_sense(wanted)
    admit(wanted.connection, services)
    await _require_room(who.tenant_id, services)
    inbound, issued = await _inbound(who, integration_id, wanted, services, run_id=run_id, now=now)
    integration = Integration(
        id=integration_id,
        tenant_id=who.tenant_id,
        integration_type=wanted.integration_type,
        name=wanted.name,
        service_map=wanted.service_map,
        inbound=inbound,
        config=await _sealed(who.tenant_id, integration_id, wanted.connection, services),
        created_at=now,
    )
    doing = Doing(who, "create_integration", AuditAction.CREATE, after=facts_of(integration, wanted.connection))
    return Made(await write_new(doing, integration, services, now=now), issued)


async def change(
    who: Principal, held: Versioned[Integration], changes: IntegrationChanges, services: Services, *, now: datetime
) -> Integration:
    """Change what is given; raises Malformed, and NotAllowed when no secret would fit the new schemes."""
    known = held.value
    if not changes.model_fields_set:
        return known
    admit(changes.connection, services)
    connected = await opened_if_readable(known, services) if "connection" in changes.model_fields_set else None
    config = _next_config(known.integration_type, connected, changes)
    update = _update(known, changes)
    if "connection" in changes.model_fields_set:
        _require_purpose(known, config)
        sealed = await _sealed(known.tenant_id, IntegrationId(known.id), config, services)
        update |= {"config": sealed, "is_healthy": None, "last_error": None}
    after = known.model_copy(update=update)
    was, becomes = differences(facts_of(known, connected), facts_of(after, config))
    doing = Doing(who, "change_integration", AuditAction.UPDATE, before=was, after=becomes)
    changed = await write_change(doing, held, lambda one: one.model_copy(update=update), services, now=now)
    if "config" in update:
        await ask_soon(changed, services, now=now)
    return changed


async def set_active(
    who: Principal, held: Versioned[Integration], services: Services, *, is_active: bool, now: datetime
) -> Integration:
    """Switch it on or off; nothing is written when it is so already."""
    if held.value.is_active == is_active:
        return held.value
    event = "activate_integration" if is_active else "deactivate_integration"
    was, becomes = {"is_active": not is_active}, {"is_active": is_active}
    doing = Doing(who, event, AuditAction.UPDATE, before=was, after=becomes, narrows=not is_active)
    return await write_change(
        doing, held, lambda one: one.model_copy(update={"is_active": is_active}), services, now=now
    )


async def delete(who: Principal, held: Versioned[Integration], services: Services, *, now: datetime) -> None:
    """Disconnect it for good. Its secrets are gone at once; what it delivered stays."""
    gone = {"deleted_at": now, "is_active": False, "inbound": None, "config": None}
    doing = Doing(who, "delete_integration", AuditAction.DELETE, before=facts_of(held.value), narrows=True)
    await write_change(doing, held, lambda one: one.model_copy(update=gone), services, now=now)


async def opened(integration: Integration, services: Services) -> ConnectionConfig | None:
    """How its API is reached; None when it is not asked. Raises SecretUnreadable, KeysUnavailable."""
    if integration.config is None:
        return None
    text = await services.secret_box.open(integration.tenant_id, IntegrationId(integration.id), integration.config)
    return ConnectionConfig.from_text(text)


async def opened_if_readable(integration: Integration, services: Services) -> ConnectionConfig | None:
    """The same for showing it: None as well when it cannot be opened, so that it can be looked at and mended."""
    try:
        return await opened(integration, services)
    except SecretUnreadable as exc:
        log.warning("config_unreadable", extra={"integration_id": integration.id, "reason": exc.reason})
        return None


def admit(config: ConnectionConfig | None, services: Services) -> None:
    """Raise Malformed for a connection whose URL we would never go to."""
    if config is None:
        return
    try:
        services.connections.admit(config.url)
    except AddressRefused as exc:
        raise Malformed(str(exc), reason=exc.reason) from exc


def _require_sense(wanted: IntegrationWanted) -> None:
    _require_kind(wanted.integration_type, wanted.connection)
    if wanted.connection is None and wanted.integration_type not in SCHEMES:
        raise Malformed("this kind is only asked: it needs a connection", reason="no_connection")


def _require_kind(kind: IntegrationType, config: ConnectionConfig | None) -> None:
    if config is None:
        return
    if kind not in ASKED:
        raise Malformed("this kind has no API that is asked, so it takes no connection", reason="never_asked")
    if kind not in RECONCILED and (config.receiver is not None or config.grace_seconds is not None):
        raise Malformed("a receiver and its grace are Alertmanager's and Grafana's", reason="not_reconciled")
    if kind is not IntegrationType.PROMETHEUS and (config.service_principal or config.scope_org_id):
        raise Malformed("a service principal and an X-Scope-OrgID are Prometheus's", reason="not_prometheus")
    if kind is not IntegrationType.GITHUB and config.repositories:
        raise Malformed("repositories are GitHub's", reason="no_repositories")


def _require_purpose(integration: Integration, config: ConnectionConfig | None) -> None:
    if config is None and integration.inbound is None:
        raise Malformed(
            "without its connection the integration would be for nothing: delete it", reason="no_connection"
        )


async def _require_room(tenant_id: TenantId, services: Services) -> None:
    there = await page(tenant_id, services, limit=MAX_INTEGRATIONS)
    if len(there.items) >= MAX_INTEGRATIONS:
        raise NotAllowed(f"a tenant has at most {MAX_INTEGRATIONS} integrations", reason="too_many_integrations")


async def _inbound(
    who: Principal,
    integration_id: IntegrationId,
    wanted: IntegrationWanted,
    services: Services,
    *,
    run_id: str,
    now: datetime,
) -> tuple[Inbound | None, Issued | None]:
    if wanted.inbound is None and wanted.connection is not None:
        return None, None
    asked, kind = wanted.inbound or InboundWanted(), wanted.integration_type
    inbound = Inbound(
        schemes=_once(asked.schemes or SCHEMES.get(kind, ())[:1]),
        signature_header=asked.signature_header,
        timestamp_header=asked.timestamp_header,
    )
    _require_fit(kind, inbound)
    issued = await issue(who, integration_id, kind, inbound, services, given=asked.secret, run_id=run_id, now=now)
    secrets = (issued.kept,) if issued else ()
    return inbound.model_copy(update={"secrets": secrets}), issued


def _update(known: Integration, changes: IntegrationChanges) -> dict[str, object]:
    """The fields that become different, but for the connection."""
    given = {name: getattr(changes, name) for name in changes.model_fields_set - {"connection"}}
    if any(given.get(name, "") is None for name in ("name", "service_map", "schemes")):
        raise Malformed("a name, a service map and schemes cannot be taken away", reason="cannot_be_null")
    update: dict[str, object] = {name: given[name] for name in ("name", "service_map") if name in given}
    received: dict[str, object] = {
        name: given[name] for name in ("schemes", "signature_header", "timestamp_header") if name in given
    }
    if received:
        inbound = (known.inbound or Inbound(schemes=())).model_copy(update=received)
        inbound = inbound.model_copy(update={"schemes": _once(inbound.schemes)})
        _require_fit(known.integration_type, inbound)
        update["inbound"] = inbound
    return update


def _require_fit(kind: IntegrationType, inbound: Inbound) -> None:
    match unfit(kind, inbound):
        case None:
            return
        case Unfit.UNPROVABLE as why:
            raise NotAllowed(UNFIT_WORDS[why], reason=why)
        case why:
            raise Malformed(UNFIT_WORDS[why], reason=why)


def _next_config(
    kind: IntegrationType, known: ConnectionConfig | None, changes: IntegrationChanges
) -> ConnectionConfig | None:
    """The connection after a change. A kept credential never goes to another host than it was given for."""
    wanted = changes.connection
    if wanted is None:
        return None
    _require_kind(kind, wanted)
    told = _CREDENTIALS & wanted.model_fields_set
    if known is None or told or known.credential is Credential.NONE:
        return wanted
    if known.origin != wanted.origin:
        raise Malformed(
            "the URL leads to another host: give its credential again", reason="credential_for_another_host"
        )
    return wanted.model_copy(update={name: getattr(known, name) for name in _CREDENTIALS})


async def _sealed(
    tenant_id: TenantId, integration_id: IntegrationId, config: ConnectionConfig | None, services: Services
) -> str | None:
    return await services.secret_box.seal(tenant_id, integration_id, config.as_text()) if config else None


def _once(schemes: Sequence[Scheme]) -> tuple[Scheme, ...]:
    return tuple(dict.fromkeys(schemes))
