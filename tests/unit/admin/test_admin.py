"""The operator's command through its main(), on services in memory."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.memory import MemoryArchive, MemoryBlobArchive, services_in_memory
from shared.admin.__main__ import main
from shared.admin.arguments import NEW_DATA_KEY, parser
from shared.admin.commands import _COMMANDS, Operating
from shared.bootstrap import rewrapped
from shared.errors import KeysUnavailable, StoreUnavailable
from shared.models.audit import AuditIntent
from shared.models.base import TenantId, document_id
from shared.models.tenants import Role, Tenant, User
from shared.pipeline.exporting import Archives
from shared.ports.services import Services
from shared.settings import SettingMissing, Settings
from tests.builders import NOON, a_credential, a_tenant, an_integration

TID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
OTHER_TID = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
PERSON = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
SHOP = TenantId(document_id("ten", "shop"))
ONBOARD = ("onboard", "--name", "The Shop", "--slug", "shop", "--entra-tenant-id", TID, "--plan", "professional")


@dataclass
class Installation:
    """What commands act on; each run has a name of its own."""

    services: Services = field(default_factory=services_in_memory)
    archives: Archives = field(default_factory=lambda: Archives(MemoryArchive(), MemoryBlobArchive()))
    runs: int = 0

    def run(self, *arguments: str) -> int:
        self.runs += 1

        @asynccontextmanager
        async def wiring() -> AsyncIterator[Operating]:
            yield Operating(self.services, self.archives, f"op-{self.runs}", NOON, rewrapped=self.rewrapped)

        return main(arguments, wiring)

    async def rewrapped(self, new_key_id: str) -> str:
        return f"wrapped-by-{new_key_id}"

    def tenant(self, tenant_id: TenantId = SHOP) -> Tenant:
        held = asyncio.run(self.services.records.read(tenant_id, Tenant, tenant_id))
        assert held is not None
        return held.value


@pytest.fixture
def installation() -> Installation:
    return Installation()


def test_a_tenant_is_taken_on_once_and_its_people_lead_to_it(installation: Installation) -> None:
    assert installation.run(*ONBOARD) == 0
    made = installation.tenant()
    assert (made.name, made.slug, made.entra_tenant_id, made.plan_type) == ("The Shop", "shop", TID, "professional")
    assert asyncio.run(installation.services.lookups.tenant_of_entra(TID)) == SHOP
    assert asyncio.run(installation.services.lookups.tenant_of_slug("shop")) == SHOP
    (entry,) = made.audit_pending
    assert (entry.user_id, entry.user_name, entry.event_type) == (None, "operator", "onboard_tenant")
    assert installation.run(*ONBOARD) == 0
    assert installation.tenant() == made, "again it changes nothing"


def test_a_slug_or_a_directory_of_another_tenant_is_refused(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.run(*ONBOARD)
    assert installation.run("onboard", "--name", "B", "--slug", "shop", "--entra-tenant-id", OTHER_TID) == 1
    assert installation.run("onboard", "--name", "B", "--slug", "other", "--entra-tenant-id", TID) == 1
    said = capsys.readouterr().err
    assert "another directory" in said
    assert "directory belongs to another tenant" in said
    assert asyncio.run(installation.services.lookups.tenant_of_slug("other")) is None
    assert asyncio.run(installation.services.lookups.tenant_of_entra(OTHER_TID)) is None


@dataclass
class DownOnce:
    """A port whose method of this name fails the first time."""

    port: Any
    name: str
    failed: bool = False

    def __getattr__(self, name: str) -> Any:
        if name == self.name and not self.failed:
            self.failed = True

            async def down(*_: object) -> None:
                raise StoreUnavailable("down")

            return down
        return getattr(self.port, name)


@pytest.mark.parametrize(
    ("port", "method"),
    [("lookups", "claim_slug"), ("audit", "intend"), ("records", "create"), ("lookups", "claim_entra")],
)
def test_a_run_that_stopped_anywhere_is_completed_by_the_next(port: str, method: str) -> None:
    services = services_in_memory()
    installation = Installation(replace(services, **{port: DownOnce(getattr(services, port), method)}))
    assert installation.run(*ONBOARD) == 1
    assert asyncio.run(services.lookups.tenant_of_entra(TID)) is None, "nobody gets in before all is there"
    assert installation.run(*ONBOARD) == 0
    assert asyncio.run(services.lookups.tenant_of_entra(TID)) == SHOP
    assert len(installation.tenant().audit_pending) == 1


def test_a_plan_reaches_the_copies_of_its_quota(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.run(*ONBOARD)
    services = installation.services
    asyncio.run(services.directory.put(SHOP, an_integration(tenant_id=SHOP)))
    asyncio.run(services.lookups.put_inbound(a_credential(tenant_id=SHOP, token_hashes=("a" * 64,))))
    plan = ("plan", "--tenant", "shop", "--max-services", "40", "--alerts-per-minute", "99")
    assert installation.run(*plan) == 0
    assert "max_services: 40" in capsys.readouterr().out
    tenant = installation.tenant()
    assert (tenant.max_services, tenant.alerts_per_minute, tenant.plan_type) == (40, 99, "professional")
    credential = asyncio.run(services.lookups.inbound("int-1"))
    assert credential is not None
    assert (credential.alerts_per_minute, credential.token_hashes) == (99, ("a" * 64,))
    assert tenant.audit_pending[-1].before == {"max_services": 5, "alerts_per_minute": 1200}
    assert installation.run(*plan) == 0
    assert installation.tenant() == tenant


def test_a_tenant_is_paused_and_goes_on(installation: Installation) -> None:
    installation.run(*ONBOARD)
    for command, is_active in (("deactivate", False), ("activate", True)):
        assert installation.run(command, "--tenant", SHOP) == 0
        assert installation.tenant().is_active is is_active
    assert [one.event_type for one in installation.tenant().audit_pending][1:] == [
        "deactivate_tenant",
        "activate_tenant",
    ]


def test_the_first_admin_is_made_by_the_operator(installation: Installation) -> None:
    installation.run(*ONBOARD)
    user_id = document_id("usr", PERSON)
    for role in (Role.ADMIN, Role.ADMIN, Role.VIEWER):
        assert installation.run("user", "--tenant", "shop", "--object-id", PERSON, "--role", role) == 0
        held = asyncio.run(installation.services.records.read(SHOP, User, user_id))
        assert held is not None
        assert (held.value.role, held.value.is_active, held.value.entra_object_id) == (role, True, PERSON)
    assert [one.action for one in held.value.audit_pending] == ["create", "update"]


def test_what_an_operator_does_is_announced_before_it_is_done(installation: Installation) -> None:
    told: list[AuditIntent] = []

    class Listening:
        async def intend(self, tenant_id: TenantId, intent: AuditIntent) -> None:
            told.append(intent)

    installation.services = replace(installation.services, audit=Listening())
    installation.run(*ONBOARD)
    assert [(one.entry.event_type, one.where.id) for one in told] == [("onboard_tenant", SHOP)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("onboard", "--name", "", "--slug", "shop", "--entra-tenant-id", TID),
        ("onboard", "--name", "x", "--slug", "The Shop", "--entra-tenant-id", TID),
        ("onboard", "--name", "x", "--slug", "s" * 64, "--entra-tenant-id", TID),
        ("onboard", "--name", "x", "--slug", "shop", "--entra-tenant-id", "contoso"),
        ("onboard", "--name", "x", "--slug", "shop", "--entra-tenant-id", TID, "--plan", "free"),
        ("plan", "--tenant", "shop", "--max-services", "0"),
        ("plan", "--tenant", "shop", "--alerts-per-minute", "many"),
        ("user", "--tenant", "shop", "--object-id", "me", "--role", "admin"),
        ("rule", "--tenant", "shop"),
        (),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_reached(
    installation: Installation, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as refused:
        installation.run(*arguments)
    assert refused.value.code == 2


@pytest.mark.parametrize("command", ["show", "plan", "activate", "deactivate"])
def test_an_unknown_tenant_is_said_so(
    installation: Installation, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert installation.run(command, "--tenant", "nobody") == 1
    assert capsys.readouterr().err == "there is no tenant 'nobody'\n"


def test_a_tenant_is_exported_for_its_owners_eyes_and_never_over_a_file(
    installation: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.run(*ONBOARD)
    tenant = installation.tenant().model_copy(update={"audit_pending": ()})
    asyncio.run(installation.archives.documents.restore(SHOP, "directory", tenant.to_stored()))
    out = tmp_path / "shop.ndjson"
    assert installation.run("export", "--tenant", "shop", "--out", str(out)) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [out]
    assert installation.tenant().audit_pending[-1].event_type == "export_tenant"
    assert installation.run("export", "--tenant", "shop", "--out", str(out)) == 1
    assert "nothing is overwritten" in capsys.readouterr().err
    empty = Installation()
    out.write_bytes(out.read_bytes()[:-20])
    assert empty.run("import", str(out)) == 1
    assert "not whole" in capsys.readouterr().err
    assert empty.run("import", str(tmp_path / "none")) == 1


def test_every_command_that_is_understood_is_carried_out() -> None:
    (commands,) = [one for one in parser()._actions if one.dest == "command"]
    assert commands.choices is not None
    assert set(commands.choices) == {*_COMMANDS, NEW_DATA_KEY}


def test_a_tenant_is_shown_by_slug(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    installation.run(*ONBOARD)
    capsys.readouterr()
    assert installation.run("show", "--tenant", "shop") == 0
    said = capsys.readouterr().out
    assert f"id: {SHOP}" in said
    assert f"entra_tenant_id: {TID}" in said
    assert a_tenant().id not in said


def test_rewrapping_prints_the_two_settings_that_change(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "https://vault.example/keys/data/2"
    assert installation.run("rewrap", "--new-key-id", key) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [f"KEY_VAULT_KEY_ID={key}", f"WRAPPED_DATA_KEY=wrapped-by-{key}"]


def test_a_new_environments_data_key_needs_no_settings_for_it_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    key = "https://vault.example/keys/data/1"

    def nothing_to_wire() -> Any:
        raise AssertionError("there is no environment yet")

    async def made(key_id: str) -> str:
        return f"wrapped-by-{key_id}"

    assert main((NEW_DATA_KEY, "--key-id", key), nothing_to_wire, made) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [f"KEY_VAULT_KEY_ID={key}", f"WRAPPED_DATA_KEY=wrapped-by-{key}"]


def test_a_vault_that_makes_no_key_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    async def refused(_: str) -> str:
        raise KeysUnavailable("Key Vault did not wrap the data key")

    assert main((NEW_DATA_KEY, "--key-id", "https://vault.example/keys/data/1"), new_key=refused) == 1
    assert capsys.readouterr().err == "Key Vault did not wrap the data key\n"


@pytest.mark.parametrize(
    "key", ["data", "http://vault.example/keys/data/1", "https://vault.example/keys/data", "https://vault.example/"]
)
def test_a_new_data_key_needs_the_identifier_of_one_version_of_a_key(key: str) -> None:
    with pytest.raises(SystemExit):
        main((NEW_DATA_KEY, "--key-id", key))


def test_rewrapping_needs_the_identifier_of_a_key(installation: Installation) -> None:
    with pytest.raises(SystemExit):
        installation.run("rewrap", "--new-key-id", "data")


async def test_an_environment_with_a_key_file_has_nothing_to_rewrap() -> None:
    settings = Settings.from_environment({"COSMOS_ENDPOINT": "c", "ENTRA_AUDIENCE": "a", "DATA_KEY_FILE": "k"})
    with pytest.raises(SettingMissing, match="KEY_VAULT_KEY_ID"):
        await rewrapped(settings, "https://vault.example/keys/data/2")
