"""The topology: measured and declared in one answer; declared by engineers, bounded, versioned, audited."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from shared.models.evidence import EdgeSource, NodeKind
from shared.models.topology import MAX_DECLARED, MAX_NAME_CHARS, Call, DeclaredCall, DeclaredTopology, KnownTopology
from shared.pipeline.editing import next_version
from tests.builders import ACME, NOON
from tests.unit.access.issuer import GLOBEX_TID
from tests.unit.api.asking import asked
from tests.unit.api.serving import Served

PATH = "/topology"
DECLARED = {
    "edges": [{"caller": "checkout", "callee": "orders-db"}, {"caller": "checkout", "callee": "payment"}],
    "nodes": [{"name": "orders-db", "kind": "database"}],
}


async def kept(served: Served) -> DeclaredTopology | None:
    held = await served.services.records.read(ACME, DeclaredTopology, DeclaredTopology.id_for())
    return held.value if held else None


async def measured(served: Served, *calls: Call) -> None:
    topology = KnownTopology(id=KnownTopology.id_for(), tenant_id=ACME, calls=calls, updated_at=calls[0].seen_at)
    await served.services.surroundings.keep(ACME, topology, None)


def a_call(caller: str, callee: str, *, days: float = 0.5, rate: float = 2.0, **fields: Any) -> Call:
    """A call that was last seen so many days ago."""
    seen_at = datetime.now(UTC) - timedelta(days=days)
    return Call(caller=caller, callee=callee, seen_at=seen_at, calls_per_second=rate, **fields)


async def test_a_topology_is_declared_read_and_declared_anew_with_its_trail(served: Served) -> None:
    none = await asked(served, "GET", PATH)
    assert (none.headers["ETag"], none.json()["edges"], none.json()["declared"]["version"]) == ('"v0"', [], 0)
    made = await asked(served, "PUT", PATH, DECLARED, role="engineer", **{"If-Match": '"v0"'})
    assert (made.status_code, made.headers["ETag"], made.json()["edges"]) == (200, '"v1"', DECLARED["edges"])
    assert (await asked(served, "GET", PATH)).json()["declared"] == made.json()
    assert (await asked(served, "PUT", PATH, DECLARED)).headers["ETag"] == '"v1"'
    assert (await asked(served, "PUT", PATH, {}, **{"If-Match": '"v0"'})).status_code == 412
    assert (await asked(served, "PUT", PATH, {}, **{"If-Match": '"v1"'})).json()["edges"] == []
    held = await kept(served)
    assert held is not None
    assert [entry.action for entry in held.audit_pending] == ["update", "update"]
    assert held.audit_pending[0].after["calls"] == 2
    assert held.audit_pending[1].before["changed_kinds"] == "orders-db: database"
    assert "checkout → payment" in str(held.audit_pending[1].before["changed_calls"])


async def test_what_is_measured_and_what_is_declared_are_one_graph(served: Served) -> None:
    both = (EdgeSource.SERVICE_GRAPH, EdgeSource.OTEL_CLIENT)
    await measured(
        served,
        a_call("checkout", "payment", told_by=both, first_seen_at=datetime(2026, 1, 2, tzinfo=UTC)),
        a_call("web", "checkout", rate=0),
        a_call("checkout", "forgotten", days=7.1),
    )
    await asked(served, "PUT", PATH, DECLARED)
    shown = (await asked(served, "GET", PATH, role="viewer")).json()
    edges = {(one["caller"], one["callee"]): one for one in shown["edges"]}
    assert list(edges) == [("checkout", "orders-db"), ("checkout", "payment"), ("web", "checkout")]
    payment, declared = edges["checkout", "payment"], edges["checkout", "orders-db"]
    assert payment["told_by"] == ["service_graph", "otel_client", "declared"]
    assert (payment["calls_per_second"], payment["first_seen_at"]) == (2.0, "2026-01-02T00:00:00.000000Z")
    assert payment["age_seconds"] == pytest.approx(12 * 3600, abs=60)
    assert (declared["told_by"], declared["calls_per_second"], declared["age_seconds"]) == (["declared"], None, None)
    assert edges["web", "checkout"]["calls_per_second"] == 0
    kinds = {one["name"]: one["kind"] for one in shown["nodes"]}
    assert kinds == {"checkout": "service", "orders-db": "database", "payment": "service", "web": "service"}


async def test_around_a_service_only_what_lies_within_two_calls_is_shown(served: Served) -> None:
    away = NodeKind.CLIENT_VIEW
    await measured(served, *(a_call(f"s{n}", f"s{n + 1}", callee_kind=away) for n in range(6)))
    shown = (await asked(served, "GET", f"{PATH}?service=s3")).json()
    assert [one["name"] for one in shown["nodes"]] == ["s1", "s2", "s3", "s4", "s5"]
    assert (await asked(served, "GET", f"{PATH}?service=unheard-of")).json()["nodes"] == []


async def test_viewers_read_and_do_not_declare(served: Served) -> None:
    assert (await asked(served, "PUT", PATH, DECLARED, role="viewer")).status_code == 403
    assert await kept(served) is None


async def test_another_tenants_topology_is_not_seen_or_changed(served: Served) -> None:
    await measured(served, a_call("checkout", "payment"))
    await asked(served, "PUT", PATH, DECLARED)
    theirs: dict[str, Any] = {"claims": {"tid": GLOBEX_TID}}
    shown = (await asked(served, "GET", PATH, **theirs)).json()
    assert (shown["edges"], shown["measured_at"], shown["declared"]["version"]) == ([], None, 0)
    await asked(served, "PUT", PATH, {}, **theirs)
    held = await kept(served)
    assert held is not None
    assert len(held.calls) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"edges": [{"caller": "a", "callee": "a"}]},
        {"edges": [{"caller": "a", "callee": " a "}]},
        {"edges": [{"caller": "a", "callee": "b"}] * 2},
        {"edges": [{"caller": "a", "callee": ""}]},
        {"edges": [{"caller": "a", "callee": "b\n"}, {"caller": "a", "callee": "x" * (MAX_NAME_CHARS + 1)}]},
        {"edges": [{"caller": "a", "callee": "b", "calls_per_second": 3}]},
        {"edges": [{"caller": "a", "callee": f"b{n}"} for n in range(MAX_DECLARED + 1)]},
        {"nodes": [{"name": "a", "kind": "planet"}]},
        {"nodes": [{"name": "a", "kind": "queue"}, {"name": "a", "kind": "database"}]},
        {"tenant_id": "ten-globex"},
        [],
    ],
)
async def test_what_is_no_topology_is_refused(untouched: Served, body: Any) -> None:
    assert (await asked(untouched, "PUT", PATH, body)).status_code == 400
    assert await kept(untouched) is None


def test_the_largest_declaration_there_can_be_fits_the_store() -> None:
    names = [f"{n:04}" + "\U0001f525" * (MAX_NAME_CHARS - 4) for n in range(MAX_DECLARED + 1)]
    calls = tuple(DeclaredCall(caller=one, callee=other) for one, other in pairwise(names))
    none_yet = DeclaredTopology.none_yet(ACME, now=NOON)
    full = next_version(none_yet, calls=calls, kinds=dict.fromkeys(names[1:], NodeKind.CLIENT_VIEW))
    assert len(json.dumps(full.to_stored(), ensure_ascii=False).encode()) < 1_500_000
