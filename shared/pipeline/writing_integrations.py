"""How every change of an integration is written: announced, promised to be settled, narrowed first, then settled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.access.principals import Principal
from shared.errors import Conflict
from shared.models.audit import AuditAction, AuditEntry, AuditHome, AuditWhere, Facts
from shared.models.connections import ConnectionConfig
from shared.models.tenants import Integration
from shared.pipeline.auditing import announce
from shared.pipeline.settling import credential_for, promise_to_settle, settle_now
from shared.ports.services import Services
from shared.ports.stores import Versioned

MAX_TRIES = 8
MAX_FACT_CHARS = 200

Decide = Callable[[Integration], Integration]


@dataclass(frozen=True)
class Doing:
    """Who does what; `narrows` says that less is acceptable to the webhook afterwards."""

    who: Principal
    event_type: str
    action: AuditAction
    before: Facts | None = None
    after: Facts | None = None
    narrows: bool = False

    def entry(self, integration_id: str, *, now: datetime) -> AuditEntry:
        """Its audit entry."""
        return self.who.entry(
            self.event_type, self.action, "integration", integration_id, before=self.before, after=self.after, now=now
        )


async def write_new(doing: Doing, integration: Integration, services: Services, *, now: datetime) -> Integration:
    """Keep a new integration. Its webhook accepts from the last write on."""
    entry = doing.entry(integration.id, now=now)
    await announce(integration.tenant_id, entry, _where(integration), services)
    await promise_to_settle(integration, entry.request_id, services)
    await services.records.create(integration.tenant_id, integration.with_audit(entry))
    await settle_now(integration, services, now=now)
    return integration


async def write_change(
    doing: Doing, held: Versioned[Integration], decide: Decide, services: Services, *, now: datetime
) -> Integration:
    """Keep a changed integration; raises Conflict when people changed it since it was read.

    What its webhook is to accept no more it refuses from the first write on.
    """
    before, after = held.value, _next(held.value, decide)
    entry = doing.entry(before.id, now=now)
    await announce(before.tenant_id, entry, _where(before), services)
    await promise_to_settle(after, entry.request_id, services)
    if doing.narrows:
        # Under the version that it replaces: should this be all that is written, the check undoes it.
        narrower = await credential_for(after, services)
        await services.lookups.put_inbound(narrower.model_copy(update={"source_version": before.version}))
    changed = await _replace(held, decide, entry, services)
    await settle_now(changed, services, now=now)
    return changed


async def _replace(
    held: Versioned[Integration], decide: Decide, entry: AuditEntry, services: Services
) -> Integration:
    """Only people's changes count as changes: what scheduled work noted meanwhile is kept."""
    tenant_id, known = held.value.tenant_id, held.value
    for _ in range(MAX_TRIES):
        changed = _next(held.value, decide)
        try:
            await services.records.replace(tenant_id, changed.with_audit(entry), held.etag)
        except Conflict:
            found = await services.records.read(tenant_id, Integration, known.id)
            if found is None or found.value.version != known.version:
                raise
            held = found
            continue
        return changed
    raise Conflict(f"integration {known.id} moved {MAX_TRIES} times")


def facts_of(integration: Integration, config: ConnectionConfig | None = None) -> Facts:
    """What the audit trail says of an integration: no secret, and of a URL only what is none."""
    inbound = integration.inbound
    facts: dict[str, str | int | float | bool | None] = {
        "integration_type": integration.integration_type.value,
        "name": integration.name,
        "is_active": integration.is_active,
        "mapped_services": len(integration.service_map),
        "has_connection": integration.config is not None,
    }
    if inbound is not None:
        facts |= {"schemes": " ".join(inbound.schemes), "secrets": len(inbound.secrets)}
        facts |= {"signature_header": inbound.signature_header, "timestamp_header": inbound.timestamp_header}
    if config is not None:
        facts |= {"url": config.shown_url[:MAX_FACT_CHARS], "credential": config.credential.value}
        facts |= {"receiver": config.receiver, "repositories": len(config.repositories)}
        facts |= _prometheus_facts(config)
    return facts


def _prometheus_facts(config: ConnectionConfig) -> Facts:
    facts: dict[str, str | int | float | bool | None] = {}
    if config.scope_org_id is not None:
        facts["scope_org_id"] = config.scope_org_id[:MAX_FACT_CHARS]
    if config.service_principal is not None:
        facts["directory_id"] = config.service_principal.directory_id
        facts["client_id"] = config.service_principal.client_id
    return facts


def differences(before: Facts, after: Facts) -> tuple[Facts, Facts]:
    """Of both only what is not the same."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def _next(integration: Integration, decide: Decide) -> Integration:
    return decide(integration).model_copy(update={"version": integration.version + 1})


def _where(integration: Integration) -> AuditWhere:
    return AuditWhere(home=AuditHome.DIRECTORY, id=integration.id)
