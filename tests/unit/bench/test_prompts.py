"""The storms that questions are measured on, and what is measured of them."""

from bench.estate_snapshots import a_storm
from bench.prompts import sizes_of
from shared.models.evidence import AlertEvidence


def test_a_storm_has_as_many_alerts_as_asked_for_and_no_id_twice() -> None:
    pieces = list(a_storm(50, 1).body.evidence())
    assert sum(isinstance(one, AlertEvidence) for one in pieces) == 50
    assert len({one.id for one in pieces}) == len(pieces)


def test_the_same_seed_makes_the_same_storm_and_another_one_another() -> None:
    assert a_storm(10, 1).sha256 == a_storm(10, 1).sha256 != a_storm(10, 2).sha256


def test_questions_are_counted() -> None:
    found = sizes_of(10, 1, 1)
    assert found.tokens[0] > 0
    assert 0 < found.cached_shares[0] < 1
