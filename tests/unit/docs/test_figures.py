"""What the documents say in numbers is what its source, or the code, says."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator

import pytest

import shared.models
from shared.access.audit_chain import INTENT_TTL
from shared.models.base import Document
from shared.models.sessions import ABSOLUTE
from shared.settings import Settings
from tests.unit.docs.documents import ROOT, text_of

SECONDS_A_DAY = 24 * 3600
PROMISES = ROOT / "docs" / "promises.md"


def rows(text: str, columns: int) -> Iterator[list[str]]:
    """The cells of every line of a table, without its head."""
    for line in text.splitlines():
        cells = [one.strip() for one in line.strip("|").split(" |")]
        if line.startswith("| ") and len(cells) == columns and not set(cells[0]) <= {"-"}:
            yield cells


MEASURED = [one for one in rows(text_of(PROMISES), 6) if one[0] != "promise"]


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row[0])
def test_a_figure_that_was_measured_stands_in_its_source(row: list[str]) -> None:
    _, _, measured, day, again, source = row
    figures = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+", measured)
    path = re.search(r"\]\(([^)#]+)", source)
    assert path
    said = text_of(PROMISES.parent / path.group(1))
    assert [one for one in figures if not re.search(rf"(?<![\d.]){re.escape(one)}(?![\d])", said)] == []
    if "not measured" not in measured and "not recorded" not in measured:
        assert re.fullmatch(r"2026-\d\d-\d\d|in each run", day)
        assert again


def documents() -> Iterator[type[Document]]:
    for module in pkgutil.iter_modules(shared.models.__path__):
        importlib.import_module(f"shared.models.{module.name}")
    waiting: list[type[Document]] = [Document]
    while waiting:
        for one in waiting.pop().__subclasses__():
            # Tests may make documents of their own.
            if one.__module__.startswith("shared.models."):
                waiting.append(one)
                yield one


def of_field(kind: type[Document], field: str) -> object:
    found = kind.model_fields.get(field)
    return found.default if found else None


def kept_days() -> dict[str, str]:
    text = text_of(ROOT / "docs" / "security.md").split("## How long it is kept")[1]
    return {row[2].strip("`") or row[1]: row[3] for row in rows(text, 4) if row[0] != "what"}


def test_the_retention_table_says_how_long_documents_and_blobs_are_kept() -> None:
    lasting = {str(of_field(one, "type")): ttl for one in documents() if isinstance(ttl := of_field(one, "ttl"), int)}
    by_code = {kind: str(ttl // SECONDS_A_DAY) for kind, ttl in lasting.items() if ttl > 0}
    storage = json.loads(text_of(ROOT / "infra" / "generated" / "storage.json"))
    endless = dict.fromkeys((f"blobs `{name}`" for name in storage["blobContainers"]), "no end")
    blobs = endless | {f"blobs `{one['container']}`": str(one["days"]) for one in storage["lifecycle"]}
    settings = Settings.from_environment({"COSMOS_ENDPOINT": "https://c", "ENTRA_AUDIENCE": "a"})
    trail = {
        "audit_intent": str(INTENT_TTL.days),
        "audit_log": f"{settings.audit_retention.days}, by `AUDIT_RETENTION_DAYS`",
        "session": f"{ABSOLUTE.total_seconds() / 3600:.0f} hours at most",
    }
    said = kept_days()
    assert {
        name: days for name, days in said.items() if name in {*by_code, *blobs, *trail}
    } == by_code | blobs | trail
    assert [days for name, days in said.items() if name not in {*by_code, *blobs, *trail}] == ["no end"]


def test_the_upgrade_notes_list_every_document_that_has_had_another_version() -> None:
    text = text_of(ROOT / "docs" / "upgrading.md")
    by_code = {
        f"`{of_field(one, 'type')}`": str(version)
        for one in documents()
        if isinstance(version := of_field(one, "schema_version"), int) and version > 1
    }
    said = {row[0]: row[1] for row in rows(text, 3) if row[0].startswith("`")}
    assert said == by_code
