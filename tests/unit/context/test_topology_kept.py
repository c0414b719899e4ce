"""What is kept of the graph from one snapshot to the next, and how it stays small."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.context.edges.kept import STILL_FRESH, kept_of, remembered
from shared.models.evidence import EdgeEvidence, EdgeSource, NodeKind
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot
from shared.models.topology import (
    MAX_EDGES,
    MAX_LOOKED_AT,
    MAX_NAME_CHARS,
    TOPOLOGY_FRESH,
    Call,
    DeclaredCall,
    DeclaredTopology,
    KnownTopology,
)
from tests.builders import ACME, NOON, ONE_SECOND, a_snapshot

Edge = tuple[str, str]


def a_piece(caller: str = "payment", callee: str = "db", **fields: Any) -> EdgeEvidence:
    usual = {"calls_per_second": 2.0, "failed_ratio": None, "seen_at": NOON}
    return EdgeEvidence(**{**usual, "caller": caller, "callee": callee, **fields})


def with_section(
    *pieces: EdgeEvidence, service: str = "payment", body: dict[str, Any] | None = None, **fields: Any
) -> Snapshot:
    section = Section(**{"name": SectionName.TOPOLOGY, "status": SectionStatus.OK, "evidence": pieces, **fields})
    plain = a_snapshot()
    told = {"service": service, "sections": (section,), **(body or {})}
    return plain.model_copy(update={"body": plain.body.model_copy(update=told)})


def kept(known: KnownTopology | None, snapshot: Snapshot, *, now: datetime = NOON) -> KnownTopology:
    topology, _ = remembered(ACME, known, snapshot, now=now)
    assert topology is not None
    return topology


def by_edge(topology: KnownTopology) -> dict[Edge, Call]:
    return {call.edge: call for call in topology.calls}


def knowing(*calls: Call, **fields: Any) -> KnownTopology:
    return KnownTopology(id=KnownTopology.id_for(), tenant_id=ACME, calls=calls, updated_at=NOON, **fields)


def test_a_call_is_kept_with_who_told_of_it_how_often_it_is_made_and_since_when() -> None:
    told = (EdgeSource.SERVICE_GRAPH, EdgeSource.OTEL_CLIENT, EdgeSource.DECLARED)
    first = kept(None, with_section(a_piece(told_by=told, callee_kind=NodeKind.DATABASE)))
    later = NOON + STILL_FRESH
    again = kept(first, with_section(a_piece(seen_at=later, calls_per_second=5)), now=later)
    call = by_edge(first)["payment", "db"]
    assert (call.told_by, call.callee_kind, call.calls_per_second) == (told[:2], NodeKind.DATABASE, 2)
    after = by_edge(again)["payment", "db"]
    assert (after.first_seen_at, after.seen_at, after.calls_per_second) == (NOON, later, 5)


def test_what_changes_nothing_is_not_written() -> None:
    first = kept(None, with_section(a_piece(), as_of=NOON))
    soon = NOON + STILL_FRESH - ONE_SECOND
    assert remembered(ACME, first, with_section(a_piece(seen_at=soon), as_of=NOON), now=soon) == (None, False)
    assert remembered(ACME, first, with_section(as_of=NOON), now=soon) == (None, False)


@pytest.mark.parametrize(
    "fields", [{"told_by": (EdgeSource.ISTIO,)}, {"callee_kind": NodeKind.QUEUE}, {"calls_per_second": 0}]
)
def test_another_teller_another_kind_and_the_end_of_calls_are_written(fields: dict[str, Any]) -> None:
    first = kept(None, with_section(a_piece(), as_of=NOON))
    again = kept(first, with_section(a_piece(**fields), as_of=NOON), now=NOON + ONE_SECOND)
    assert by_edge(again)["payment", "db"].model_dump().items() >= fields.items()
    assert by_edge(again)["payment", "db"].seen_at == NOON


def test_what_is_only_declared_is_not_kept_as_measured() -> None:
    declared = a_piece(told_by=(EdgeSource.DECLARED,), calls_per_second=0, seen_at=None)
    assert remembered(ACME, None, with_section(declared), now=NOON) == (None, False)


def test_an_older_sighting_does_not_replace_a_later_one() -> None:
    first = kept(None, with_section(a_piece(calls_per_second=2)))
    older = with_section(a_piece(seen_at=NOON - timedelta(hours=1), calls_per_second=9), status=SectionStatus.STALE)
    assert remembered(ACME, first, older, now=NOON) == (None, False)


def test_a_clock_ahead_of_ours_does_not_keep_a_call_for_longer() -> None:
    ahead = with_section(a_piece(seen_at=NOON + timedelta(days=30)))
    assert by_edge(kept(None, ahead))["payment", "db"].seen_at == NOON


def test_surroundings_that_were_measured_anew_are_noted_for_a_quarter_of_an_hour() -> None:
    first = kept(None, with_section(a_piece()))
    assert first.looked_at == {"payment": NOON}
    later = NOON + TOPOLOGY_FRESH
    second = kept(first, with_section(a_piece("web", "cart", seen_at=later), service="shop/web"), now=later)
    assert second.looked_at == {"web": later}
    beside = kept_of(second, None, ["shop/web"], now=later + TOPOLOGY_FRESH - ONE_SECOND)
    assert beside.is_fresh(now=later + TOPOLOGY_FRESH - ONE_SECOND)
    assert not beside.is_fresh(now=later + TOPOLOGY_FRESH)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": SectionStatus.FAILED},
        {"status": SectionStatus.STALE},
        {"as_of": NOON},
        {"body": {"reused_from": "snap-0"}},
    ],
)
def test_what_was_not_measured_anew_and_in_full_is_not_noted_as_looked_at(fields: dict[str, Any]) -> None:
    assert kept(None, with_section(a_piece(), **fields)).looked_at == {}


def test_how_many_services_are_noted_has_an_end() -> None:
    late = {f"s{n:03}": NOON + timedelta(seconds=n) for n in range(MAX_LOOKED_AT)}
    now = NOON + timedelta(seconds=MAX_LOOKED_AT)
    noted = kept(knowing(looked_at=late), with_section(a_piece()), now=now).looked_at
    assert (len(noted), "s000" in noted, noted["payment"]) == (MAX_LOOKED_AT, False, now)


def test_the_alerting_service_is_kept_without_the_namespace_that_its_alert_names() -> None:
    snapshot = with_section(
        a_piece("shop/payment", "db"), a_piece("bank/api", "shop/payment"), service="shop/payment"
    )
    assert set(by_edge(kept(None, snapshot))) == {("payment", "db"), ("bank/api", "payment")}


def test_the_graph_keeps_the_calls_that_were_seen_last() -> None:
    old = (Call(caller=f"c{n}", callee="d", seen_at=NOON - timedelta(seconds=n + 1)) for n in range(MAX_EDGES))
    topology = kept(knowing(*old), with_section(a_piece()))
    assert len(topology.calls) == MAX_EDGES
    assert ("payment", "db") in by_edge(topology)
    assert (f"c{MAX_EDGES - 1}", "d") not in by_edge(topology)
    assert (f"c{MAX_EDGES - 2}", "d") in by_edge(topology)


def test_the_largest_graph_there_can_be_fits_the_store() -> None:
    name = "\U0001f525" * (MAX_NAME_CHARS - 4)
    every = (EdgeSource.SERVICE_GRAPH, EdgeSource.ISTIO, EdgeSource.ENVOY, EdgeSource.OTEL_CLIENT)
    fields: dict[str, Any] = {"first_seen_at": NOON, "callee_kind": NodeKind.CLIENT_VIEW, "told_by": every}
    long = (
        Call(caller=f"{name}{n:04}", callee=f"{name}{n:03}", seen_at=NOON, calls_per_second=1 / 3, **fields)
        for n in range(MAX_EDGES)
    )
    looked = {f"{name}{n:04}": NOON for n in range(MAX_LOOKED_AT)}
    topology = kept(
        knowing(*long, looked_at=looked), with_section(a_piece(seen_at=NOON + ONE_SECOND)), now=NOON + ONE_SECOND
    )
    assert len(json.dumps(topology.to_stored(), ensure_ascii=False).encode()) < 1_500_000
    assert ("payment", "db") in by_edge(topology)


def test_what_is_stored_is_read_again() -> None:
    topology = kept(None, with_section(a_piece(told_by=(EdgeSource.ISTIO,)), a_piece("a", "b")))
    stored = topology.to_stored()
    assert KnownTopology.from_stored(stored) == topology
    assert set(stored["calls"][0]) == {"caller", "callee", "seen_at", "first_seen_at", "calls_per_second"}


def test_services_are_spelled_as_their_alerts_spell_them_where_only_one_has_the_name() -> None:
    at = NOON - ONE_SECOND
    known = knowing(Call(caller="web", callee="api", seen_at=at), Call(caller="api", callee="web", seen_at=at))
    said = (DeclaredCall(caller="api", callee="disk"),)
    declared = DeclaredTopology.none_yet(ACME, now=NOON).model_copy(update={"calls": said})
    one = kept_of(known, declared, ["shop/api", "web"], now=NOON)
    assert set(one.calls) == {("web", "shop/api"), ("shop/api", "web")}
    assert one.declared == {("shop/api", "disk")}
    two = kept_of(known, declared, ["shop/api", "bank/api"], now=NOON)
    assert set(two.calls) == {("web", "api"), ("api", "web")}
