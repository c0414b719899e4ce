"""What the operator's commands do, on services that somebody else has wired."""

import argparse
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared.access.operators import Operator
from shared.errors import Malformed, NotAllowed
from shared.models.audit import AuditAction, AuditEntry, AuditHome, AuditWhere, Facts
from shared.models.base import TenantId
from shared.models.tenants import Tenant
from shared.pipeline.auditing import announce
from shared.pipeline.editing import Edit, edit_record
from shared.pipeline.exporting import Archives, exported
from shared.pipeline.onboarding import Newcomer, Person, onboard, set_active, set_plan, set_user, tenant_named
from shared.pipeline.restoring import checked, require_free, restore
from shared.ports.services import Services

MAX_LINE_BYTES = 32 * 1024 * 1024
"""No document and no body of a delivery comes near."""
_PLAN = ("plan_type", "max_services", "alerts_per_minute", "model_daily_budget")
_SHOWN = ("id", "name", "slug", "entra_tenant_id", "is_active", *_PLAN, "created_at", "updated_at", "version")


@dataclass(frozen=True)
class Operating:
    """What a command acts on, and the name of this run in the audit trail."""

    services: Services
    archives: Archives
    run_id: str
    now: datetime
    rewrapped: Callable[[str], Awaitable[str]]
    """The environment's data key, wrapped by the key with this identifier."""


async def carry_out(asked: argparse.Namespace, on: Operating) -> list[str]:
    """Do what was asked and say what became of it; raises CopilotError with the reason why not."""
    return await _COMMANDS[asked.command](asked, on)


async def _onboard(asked: argparse.Namespace, on: Operating) -> list[str]:
    newcomer = Newcomer(asked.name.strip(), asked.slug, asked.entra_tenant_id, asked.plan)
    tenant = await onboard(newcomer, on.run_id, on.services, now=on.now)
    return [f"tenant {tenant.slug} is there", *_lines_of(tenant)]


async def _show(asked: argparse.Namespace, on: Operating) -> list[str]:
    return _lines_of(await tenant_named(asked.tenant, on.services))


async def _plan(asked: argparse.Namespace, on: Operating) -> list[str]:
    tenant = await tenant_named(asked.tenant, on.services)
    changes = {name: value for name in _PLAN if (value := getattr(asked, name)) is not None}
    changed = await set_plan(tenant.tenant_id, changes, on.run_id, on.services, now=on.now)
    return [f"{name}: {getattr(changed, name)}" for name in _PLAN]


async def _user(asked: argparse.Namespace, on: Operating) -> list[str]:
    tenant = await tenant_named(asked.tenant, on.services)
    person = Person(asked.object_id, asked.role, asked.email, asked.name)
    user = await set_user(tenant.tenant_id, person, on.run_id, on.services, now=on.now)
    return [
        f"user {user.id} of {tenant.slug} may at most what the role {user.role} may, and what Entra ID gives them"
    ]


async def _set_active(asked: argparse.Namespace, on: Operating) -> list[str]:
    tenant, is_active = await tenant_named(asked.tenant, on.services), asked.command == "activate"
    await set_active(tenant.tenant_id, is_active=is_active, run_id=on.run_id, services=on.services, now=on.now)
    return [f"tenant {tenant.slug} is {'active' if is_active else 'not active'}"]


async def _export(asked: argparse.Namespace, on: Operating) -> list[str]:
    tenant = await tenant_named(asked.tenant, on.services)
    facts: Facts = {"with_raw": asked.with_raw}
    entry = Operator(tenant.tenant_id, on.run_id).entry("export_tenant", AuditAction.VIEW, after=facts, now=on.now)
    await _write_down(entry, tenant.tenant_id, on)
    tenant = await tenant_named(asked.tenant, on.services)
    partial = asked.out.with_name(f"{asked.out.name}.partial")
    lines = 0
    # It holds what a tenant entrusts to us: for its owner's eyes only, and under its name only once it is whole.
    with os.fdopen(_new_file(asked.out, partial), "wb") as file:
        async for line in exported(tenant, on.archives, with_raw=asked.with_raw, now=on.now):
            file.write(line)
            lines += 1
        file.flush()
        os.fsync(file.fileno())
    partial.rename(asked.out)
    return [f"{lines - 2} documents and blobs of {tenant.slug} are in {asked.out}"]


def _new_file(wanted: Path, partial: Path) -> int:
    if wanted.exists():
        raise NotAllowed(f"{wanted} is there; nothing is overwritten")
    partial.unlink(missing_ok=True)
    return os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


async def _import(asked: argparse.Namespace, on: Operating) -> list[str]:
    file: Path = asked.file
    found = checked(lambda: _read_lines(file))
    tenant_id, exported_at = found.header.tenant_id, found.header.exported_at
    await require_free(found, on.archives)
    facts: Facts = {"exported_at": exported_at.isoformat(), "lines": found.counts.total()}
    entry = Operator(tenant_id, on.run_id).entry("import_tenant", AuditAction.CREATE, after=facts, now=on.now)
    await announce(tenant_id, entry, AuditWhere(home=AuditHome.DIRECTORY, id=tenant_id), on.services)
    done = await restore(lambda: _read_lines(file), found, on.archives)
    await _write_down(entry, tenant_id, on)
    tenant = await tenant_named(tenant_id, on.services)
    return [
        f"tenant {tenant.slug} is there as of {exported_at:%Y-%m-%d %H:%M} UTC",
        f"{done.created} documents and blobs were restored, {done.there} were there already",
    ]


async def _rewrap(asked: argparse.Namespace, on: Operating) -> list[str]:
    return settings_of_key(asked.new_key_id, await on.rewrapped(asked.new_key_id))


def settings_of_key(key_id: str, wrapped: str) -> list[str]:
    """The two settings that name a data key; they change together."""
    return [f"KEY_VAULT_KEY_ID={key_id}", f"WRAPPED_DATA_KEY={wrapped}"]


def _read_lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while line := opened.readline(MAX_LINE_BYTES):
            if len(line) == MAX_LINE_BYTES:
                raise Malformed("a line of the backup is longer than any that we write")
            yield line


async def _write_down(entry: AuditEntry, tenant_id: TenantId, on: Operating) -> None:
    """Let the tenant's record carry what touches all of a tenant, and changes nothing of the record."""

    def decide(held: Tenant | None) -> Edit[Tenant] | None:
        return Edit(held, entry) if held else None

    await edit_record(tenant_id, Tenant, tenant_id, decide, on.services)


def _lines_of(tenant: Tenant) -> list[str]:
    stored = tenant.to_stored()
    return [f"{name}: {stored[name]}" for name in _SHOWN]


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Operating], Awaitable[list[str]]]] = {
    "onboard": _onboard,
    "show": _show,
    "plan": _plan,
    "user": _user,
    "activate": _set_active,
    "deactivate": _set_active,
    "export": _export,
    "import": _import,
    "rewrap": _rewrap,
}
"""Each subcommand of `arguments`; a test holds the two together."""
