"""What the restore drill calls the same, and what it does not."""

import json
from pathlib import Path

import pytest

from dev.drill import compared, kept_in


def a_backup(path: Path, *documents: tuple[str, dict[str, object]]) -> Path:
    lines = [{"container": container, "document": document} for container, document in documents]
    path.write_text("".join(json.dumps(one) + "\n" for one in ({"header": 1}, *lines, {"trailer": 1})))
    return path


TENANT: dict[str, object] = {"id": "ten-1", "name": "Shop", "version": 1, "audit_pending": []}
INCIDENT: dict[str, object] = {"id": "inc-1", "title": "payment fails"}


def test_the_drills_own_trail_is_no_difference(tmp_path: Path) -> None:
    before = kept_in(a_backup(tmp_path / "a", ("tenant", TENANT), ("incidents", INCIDENT)))
    told = {**TENANT, "version": 3, "audit_pending": ["import"]}
    after = a_backup(tmp_path / "b", ("tenant", told), ("incidents", INCIDENT), ("audit", {"id": "announced"}))
    assert compared(before, kept_in(after)).is_none


@pytest.mark.parametrize(
    "after",
    [
        [("tenant", TENANT)],
        [("tenant", {**TENANT, "name": "Other"}), ("incidents", INCIDENT)],
        [("tenant", TENANT), ("incidents", {**INCIDENT, "title": "other"})],
        [("tenant", TENANT), ("incidents", INCIDENT), ("incidents", {"id": "inc-2"})],
    ],
    ids=["lost", "a tenant that is another", "an incident that is another", "one too many"],
)
def test_anything_else_is(tmp_path: Path, after: list[tuple[str, dict[str, object]]]) -> None:
    before = kept_in(a_backup(tmp_path / "a", ("tenant", TENANT), ("incidents", INCIDENT)))
    assert not compared(before, kept_in(a_backup(tmp_path / "b", *after))).is_none
