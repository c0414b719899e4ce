import json
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.audit import Audit, audit
from dev.cosmos.storage import Storage

INCIDENTS, DEAD_LETTERS = 1, 2


def counted(folder: Path, *documents: dict[str, Any]) -> Audit:
    """The audit of tenant `a` while the stand-in still has its file open."""
    with closing(Storage(folder)) as storage:
        for number, name in ((INCIDENTS, "incidents"), (DEAD_LETTERS, "deadletters")):
            storage.run("INSERT INTO containers VALUES (?, 1, ?, '{}', 'e', 0, 0)", number, name)
        for number, document in enumerate(documents):
            body = {"tenant_id": "a", **document}
            container = DEAD_LETTERS if body["type"] == "dead_letter" else INCIDENTS
            storage.run(
                "INSERT INTO items (container, partition, epk, id, body, etag, written, lsn)"
                " VALUES (?, 'p' || ?, '', ?, ?, 'e', ?, 0)",
                *(container, number, str(number), json.dumps(body), 100.0 + number),
            )
        return audit(folder, "a")


def a_signal(fingerprint: str, **fields: str) -> dict[str, Any]:
    return {"type": "signal", "fingerprint": fingerprint, **fields}


def test_alerts_without_a_signal_are_lost_and_further_signals_are_too_many(tmp_path: Path) -> None:
    books = counted(tmp_path, a_signal("x"), a_signal("y"), a_signal("y"), a_signal("y"))
    assert books.lost(frozenset("xyz")) == 1
    assert books.twice() == 2


def test_an_alert_of_another_tenant_does_not_count(tmp_path: Path) -> None:
    assert counted(tmp_path, a_signal("x", tenant_id="b")).lost(frozenset("x")) == 1


def test_the_last_write_of_a_signal_tells_when_it_was_stored(tmp_path: Path) -> None:
    assert counted(tmp_path, a_signal("x"), a_signal("y")).stored_at == {"x": 100.0, "y": 101.0}


def test_merged_incidents_are_none_of_the_incidents_that_people_see(tmp_path: Path) -> None:
    books = counted(tmp_path, {"type": "incident"}, {"type": "incident", "merged_into": "other"})
    assert books.incidents == 1


def test_an_incident_that_was_opened_twice_is_found(tmp_path: Path) -> None:
    opened = {"type": "timeline_entry", "event": "incident_opened"}
    once, twice = {**opened, "incident_id": "once"}, {**opened, "incident_id": "twice"}
    assert counted(tmp_path, once, twice, twice).opened_twice() == 1


def test_dead_letters_are_counted(tmp_path: Path) -> None:
    assert counted(tmp_path, {"type": "dead_letter"}).dead_letters == 1
