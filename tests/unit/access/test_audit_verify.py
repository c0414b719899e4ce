"""Tampering with a chain, one way after the other: each is found, and named with its numbers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.access.audit_chain import announcement, end_of, next_in_chain
from shared.access.audit_verify import OVERDUE_AFTER, Finding, findings, seen, unsealed
from shared.models.audit import AuditAction, AuditEntry, AuditHome, AuditWhere
from shared.models.audit_log import AuditLog, AuditOutcome, MonthEnd
from shared.models.base import TenantId
from shared.ports.audit import SealingTerms
from tests.builders import ACME, GLOBEX, NOON, ONE_SECOND

TERMS = SealingTerms(key=b"k" * 32, retention=timedelta(days=400))
FORGER = SealingTerms(key=b"f" * 32, retention=timedelta(days=400))
MONTH = "2026-11"
Bodies = dict[str, dict[str, Any]]


def an_entry(name: str) -> AuditEntry:
    return AuditEntry(
        entry_id=f"aud-{name}",
        at=NOON,
        user_id="oid-1",
        event_type="update_tenant",
        action=AuditAction.UPDATE,
        resource_type="tenant",
        resource_id=ACME,
        request_id=name,
    )


def an_extension(
    name: str, tail: AuditLog | None, terms: SealingTerms = TERMS, tenant_id: TenantId = ACME
) -> AuditLog:
    return next_in_chain(tenant_id, an_entry(name), AuditOutcome.DONE, terms, tail=tail, earlier=None, now=NOON)


def logs(count: int, tenant_id: TenantId = ACME, prefix: str = "") -> list[AuditLog]:
    made: list[AuditLog] = []
    for number in range(1, count + 1):
        made.append(an_extension(f"{prefix}{number}", made[-1] if made else None, tenant_id=tenant_id))
    return made


def a_chain(count: int = 6) -> Bodies:
    return {one.id: one.to_stored() for one in logs(count)}


def at(number: int) -> str:
    return f"{number:010}"


def found_in(bodies: Bodies, known_end: MonthEnd | None = None) -> list[tuple[Any, ...]]:
    chain = [seen(bodies[place], TERMS.key, ACME, MONTH) for place in sorted(bodies)]
    return [(one.finding, one.sequence, one.through, one.belongs_at) for one in findings(chain, known_end)]


def remove(bodies: Bodies) -> None:
    del bodies[at(3)]


def remove_several(bodies: Bodies) -> None:
    for number in (1, 2, 4):
        del bodies[at(number)]


def alter(bodies: Bodies) -> None:
    bodies[at(3)]["user_id"] = "somebody else"


def alter_and_seal_with_another_key(bodies: Bodies) -> None:
    tail = AuditLog.from_stored(bodies[at(2)])
    bodies[at(3)] = an_extension("harmless", tail, FORGER).to_stored()


def alter_so_that_it_no_longer_reads(bodies: Bodies) -> None:
    bodies[at(3)] = {"id": at(3), "tenant_id": ACME, "month": MONTH, "type": "audit_log", "hash": 5, "sequence": "x"}


def insert_at_the_end(bodies: Bodies) -> None:
    tail = AuditLog.from_stored(bodies[at(6)])
    bodies[at(7)] = an_extension("forged", tail, FORGER).to_stored()


def insert_under_an_id_that_is_none(bodies: Bodies) -> None:
    bodies["0000000003x"] = {**bodies[at(3)], "id": "0000000003x", "user_id": "forged"}


def copy(bodies: Bodies) -> None:
    bodies[at(7)] = {**bodies[at(3)], "id": at(7)}


def copy_over_another(bodies: Bodies) -> None:
    bodies[at(5)] = {**bodies[at(3)], "id": at(5)}


def swap(bodies: Bodies) -> None:
    bodies[at(3)], bodies[at(4)] = {**bodies[at(4)], "id": at(3)}, {**bodies[at(3)], "id": at(4)}


def renumber(bodies: Bodies) -> None:
    """Take one out and close the gap."""
    for number in range(3, 6):
        bodies[at(number)] = {**bodies[at(number + 1)], "id": at(number), "sequence": number}
    del bodies[at(6)]


def close_the_gap_under_the_old_numbers(bodies: Bodies) -> None:
    for number in range(3, 6):
        bodies[at(number)] = {**bodies[at(number + 1)], "id": at(number)}
    del bodies[at(6)]


def bring_from_another_tenant(bodies: Bodies) -> None:
    theirs = logs(3, GLOBEX)[2].to_stored()
    bodies[at(3)] = {**theirs, "tenant_id": ACME}


def put_back_an_older_copy(bodies: Bodies) -> None:
    """The end was cut, the chain went on, and then one of the entries that were cut came back in its old place."""
    bodies[at(5)] = an_extension("other", AuditLog.from_stored(bodies[at(4)])).to_stored()


TAMPERING: list[tuple[Callable[[Bodies], None], list[tuple[Any, ...]]]] = [
    (remove, [(Finding.REMOVED, 3, None, None)]),
    (remove_several, [(Finding.REMOVED, 1, 2, None), (Finding.REMOVED, 4, None, None)]),
    (alter, [(Finding.ALTERED, 3, None, None)]),
    (alter_and_seal_with_another_key, [(Finding.ALTERED, 3, None, None)]),
    (alter_so_that_it_no_longer_reads, [(Finding.ALTERED, 3, None, None)]),
    (insert_at_the_end, [(Finding.INSERTED, 7, None, None)]),
    (insert_under_an_id_that_is_none, [(Finding.INSERTED, None, None, None)]),
    (copy, [(Finding.INSERTED, 7, None, 3)]),
    (copy_over_another, [(Finding.INSERTED, 5, None, 3), (Finding.REMOVED, 5, None, None)]),
    (swap, [(Finding.REORDERED, 3, None, 4), (Finding.REORDERED, 4, None, 3)]),
    (renumber, [(Finding.INSERTED, number, None, None) for number in (3, 4, 5)]),
    (
        close_the_gap_under_the_old_numbers,
        [
            *((Finding.REORDERED, number, None, number + 1) for number in (3,)),
            (Finding.REMOVED, 3, None, None),
            *((Finding.REORDERED, number, None, number + 1) for number in (4, 5)),
        ],
    ),
    (bring_from_another_tenant, [(Finding.ALTERED, 3, None, None)]),
    (put_back_an_older_copy, [(Finding.REPLACED, 6, None, None)]),
]


def test_a_chain_that_nobody_touched_is_whole() -> None:
    assert found_in(a_chain()) == []
    assert found_in({}) == []
    assert found_in(a_chain(1200), end_of(logs(1200)[-1])) == []


@pytest.mark.parametrize(("tamper", "expected"), TAMPERING, ids=[one.__name__ for one, _ in TAMPERING])
def test_tampering_is_found_and_named(tamper: Callable[[Bodies], None], expected: list[tuple[Any, ...]]) -> None:
    bodies = a_chain()
    tamper(bodies)
    assert sorted(map(str, found_in(bodies))) == sorted(map(str, expected))


def test_a_cut_end_shows_once_a_later_month_says_how_far_the_chain_had_come() -> None:
    whole = logs(6)
    cut = {one.id: one.to_stored() for one in whole[:4]}
    assert found_in(cut) == [], "the chain alone cannot tell"
    assert found_in(cut, end_of(whole[-1])) == [(Finding.REMOVED, 5, 6, None)]
    assert found_in({}, end_of(whole[-1])) == [(Finding.REMOVED, 1, 6, None)]


def test_an_end_that_was_cut_and_grew_again_is_not_the_one_that_is_known() -> None:
    whole = logs(6)
    regrown = [*whole[:4]]
    for name in ("a", "b", "c"):
        regrown.append(an_extension(name, regrown[-1]))
    found = found_in({one.id: one.to_stored() for one in regrown}, end_of(whole[-1]))
    assert found == [(Finding.REPLACED, 6, None, None)]


def test_what_was_sealed_into_a_month_after_the_next_began_is_no_finding() -> None:
    assert found_in(a_chain(8), end_of(logs(6)[-1])) == []


def test_the_altered_last_entry_is_named_as_altered_once_it_is_known_how_far_the_chain_had_come() -> None:
    bodies = a_chain()
    bodies[at(6)]["user_id"] = "somebody else"
    assert found_in(bodies) == [(Finding.INSERTED, 6, None, None)]
    assert found_in(bodies, end_of(logs(6)[-1])) == [(Finding.ALTERED, 6, None, None)]


def test_what_is_announced_and_not_sealed_is_named_and_overdue_after_a_while() -> None:
    where = AuditWhere(home=AuditHome.DIRECTORY, id=ACME)
    intents = [announcement(ACME, an_entry(name), where, TERMS.key) for name in ("1", "2")]
    sealed = frozenset({"aud-1"})
    soon = unsealed(intents, sealed, now=NOON + OVERDUE_AFTER - ONE_SECOND)
    late = unsealed(intents, sealed, now=NOON + OVERDUE_AFTER)
    assert [(one.entry.entry_id, overdue) for one, overdue in soon] == [("aud-2", False)]
    assert [(one.entry.entry_id, overdue) for one, overdue in late] == [("aud-2", True)]
