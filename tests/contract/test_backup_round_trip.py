"""A tenant of every kind of document leaves one database, by the operator's command, and comes back in another."""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from dev.cosmos.server import EMULATOR_KEY
from dev.provision import provision_cosmos
from dev.seed import GLOBEX, seed_globex
from dev.stories import STORIES
from evals.case_scores import Exit
from evals.replay import run, wired
from shared.adapters.key_file import create_key_file
from shared.admin.__main__ import main
from shared.bootstrap import Process, build
from shared.models.audit import month_of
from shared.models.base import IncidentId
from shared.models.feedback import KnownCause
from shared.models.incidents import IncidentState
from shared.models.receipts import DeadLetter, Outcome, ReceiptPart
from shared.models.schedule import DueWork, WorkKind
from shared.models.tenants import InboundCredential, Integration, IntegrationType
from shared.pipeline.audit_reading import verify
from shared.pipeline.auditing import append
from shared.pipeline.replaying import Replayed
from shared.pipeline.telling import tell_list
from shared.ports.stores import IncidentChange
from shared.settings import Settings
from tests.builders import NOON, a_calibration, a_credential, a_feedback, a_label, a_resolution, an_entry

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
SECRET = "what a sender signs with"
SEALED = 3


@pytest.fixture
def environment(
    cosmos_endpoint: str, storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The settings of an installation, in the environment, as an operator has them."""
    key_file = tmp_path / "data.key"
    create_key_file(key_file)
    settings = {
        "AzureWebJobsStorage": storage,
        "COSMOS_ENDPOINT": cosmos_endpoint,
        "COSMOS_KEY": EMULATOR_KEY,
        "ENTRA_AUDIENCE": "api",
        "DATA_KEY_FILE": str(key_file),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings


def use_database(name: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    provision_cosmos(environment["COSMOS_ENDPOINT"], EMULATOR_KEY, name)
    monkeypatch.setenv("COSMOS_DATABASE", name)
    environment["COSMOS_DATABASE"] = name


async def with_the_rest(process: Process) -> None:
    """What the seeded tenant has not: a sealed secret, a receipt, a body, a dead letter, work that is due."""
    services, integration = process.services, "int-backup"
    sealed = await process.secret_box.seal(GLOBEX, integration, SECRET)
    made = Integration(
        id=integration,
        tenant_id=GLOBEX,
        integration_type=IntegrationType.GRAFANA,
        name="é",
        config=sealed,
        created_at=NOON,
    )
    await services.records.create(GLOBEX, made)
    await services.lookups.put_inbound(a_credential(tenant_id=GLOBEX, integration_id=integration))
    receipt = "rcp-" + "1" * 32
    await services.raw.put(GLOBEX, receipt, b"\x00\xff body")
    part = ReceiptPart(
        id=ReceiptPart.id_for(receipt, 0),
        tenant_id=GLOBEX,
        receipt_id=receipt,
        integration_id=integration,
        received_at=NOON,
        outcomes={Outcome.CREATED: 1},
        recorded_at=NOON,
    )
    await services.receipts.add_part(GLOBEX, part)
    letter = DeadLetter(
        id="dead-1",
        tenant_id=GLOBEX,
        queue="signals",
        stage="signals",
        reason="not_json",
        detail="",
        attempt=1,
        receipt_id=receipt,
        payload_pointer=None,
        message="\ud83d half a character".encode(errors="replace").decode(),
        recorded_at=NOON,
    )
    await services.dead_letters.add(GLOBEX, letter)
    work = DueWork.of(GLOBEX, WorkKind.RECONCILE, integration, due_at=NOON, now=NOON)
    await services.schedule.put(GLOBEX, work)
    await services.labels.keep(GLOBEX, a_label(tenant_id=GLOBEX))
    await services.labels.keep_calibration(GLOBEX, a_calibration(tenant_id=GLOBEX))
    for number in range(SEALED):
        await append(GLOBEX, an_entry(f"aud-{number}"), services, NOON)


async def with_what_people_said(process: Process) -> None:
    """A verdict, a named cause, and with them a label and a regression case."""
    services = process.services
    page = await services.incident_list.page(GLOBEX, limit=100)
    over = next(one for one in page.items if one.state is IncidentState.LEARNED)
    incident_id = IncidentId(over.id)
    mine = {"tenant_id": GLOBEX, "incident_id": incident_id}
    held = await services.incidents.read(GLOBEX, incident_id)
    assert held is not None
    cause = KnownCause(root_service="auth", snapshot_id=held.value.latest_snapshot_id, named_at=NOON)
    after = held.value.model_copy(update={"cause": cause, "said_at": NOON, "version": held.value.version + 1})
    said = [a_feedback(**mine), a_resolution(**mine)]
    await services.incidents.commit(GLOBEX, IncidentChange(after, held.etag, said=said))
    await tell_list(GLOBEX, after, services)
    await services.labels.keep(GLOBEX, a_label(**mine))


async def filled(environment: dict[str, str]) -> None:
    await seed_globex(environment, now=NOW)
    process = build(Settings.from_environment(environment))
    try:
        await with_the_rest(process)
        await with_what_people_said(process)
    finally:
        await process.aclose()


async def secret_of(environment: dict[str, str]) -> tuple[str, InboundCredential | None]:
    process = build(Settings.from_environment(environment))
    try:
        integration = await process.services.directory.integration(GLOBEX, "int-backup")
        assert integration is not None
        assert integration.config is not None
        opened = await process.secret_box.open(GLOBEX, integration.id, integration.config)
        return opened, await process.services.lookups.inbound("int-backup")
    finally:
        await process.aclose()


async def trail_of(environment: dict[str, str]) -> tuple[bool, int]:
    process = build(Settings.from_environment(environment))
    try:
        found = await verify(GLOBEX, month_of(NOON), process.services, now=NOW)
        return not found.findings, found.entries
    finally:
        await process.aclose()


def forget_blobs(connection_string: str) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as blobs:
        for container in ("raw", "receipts"):
            client = blobs.get_container_client(container)
            for name in [one.name for one in client.list_blobs(name_starts_with=f"{GLOBEX}/")]:
                client.delete_blob(name)


def content_of(file: Path) -> list[str]:
    """Every line but for what says when it was written, and what the commands themselves wrote into the trail."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [one for one in lines[1:-1] if one.get("document", {}).get("type") != "audit_intent"]
    for one in kept:
        one.get("document", {}).pop("audit_pending", None)
    return [json.dumps(one, sort_keys=True) for one in kept]


def test_a_tenant_comes_back_as_it_was(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_database("backup-from", environment, monkeypatch)
    asyncio.run(filled(environment))
    first, second = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    assert main(["export", "--tenant", "globex", "--with-raw", "--out", str(first)]) == 0, capsys.readouterr().err
    assert SECRET not in first.read_text()
    assert main(["import", str(first)]) == 1
    assert "this tenant is there" in capsys.readouterr().err

    use_database("backup-to", environment, monkeypatch)
    forget_blobs(environment["AzureWebJobsStorage"])
    assert main(["import", str(first)]) == 0, capsys.readouterr().err
    assert main(["export", "--tenant", "globex", "--with-raw", "--out", str(second)]) == 0, capsys.readouterr().err
    assert content_of(second) == content_of(first)
    kinds = {json.loads(line).get("document", {}).get("type") for line in first.read_text().splitlines()}
    assert {"feedback", "resolution", "regression_case", "label"} <= kinds
    counts = json.loads(first.read_text().splitlines()[-1])["counts"]
    assert counts["incident_list"] == len(STORIES)
    assert counts["caches"] >= len(("label", "calibration"))
    assert {"incidents", "claims", "changes", "receipts", "raw", "deadletters", "schedule", "lookups"} <= set(counts)
    opened, credential = asyncio.run(secret_of(environment))
    assert (opened, credential is not None) == (SECRET, True)
    assert asyncio.run(trail_of(environment)) == (True, SEALED)
    assert os.environ["COSMOS_DATABASE"] == "backup-to"
    # What people said came back whole: the operator's gate finds the case, its snapshot and the answer of then.
    code, told = run("globex", Replayed(), wired, at_least=None, as_json=True)
    assert (code, json.loads(told)["evaluated"]) == (Exit.PASSED, 1), told
