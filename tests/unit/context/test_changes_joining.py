"""The same change as several tell of it: told once; two changes: told twice."""

from datetime import timedelta
from typing import Any

import pytest

from shared.context.changes.joining import joined, rolled_back
from shared.context.changes.told import Rank, Told, names_of
from shared.models.changes import ChangeKind
from shared.models.evidence import EVERYWHERE, ChangeEvidence, Origin
from tests.unit.context.changes import SHA, at

DEPLOY, CONFIG, FLAG = ChangeKind.DEPLOY, ChangeKind.CONFIG, ChangeKind.FEATURE_FLAG
ORIGINS = {
    Rank.REPORTED: Origin.RECORDS,
    Rank.HOSTED: Origin.GITHUB,
    Rank.RELEASED: Origin.GITHUB,
    Rank.NOTED: Origin.GRAFANA,
}


def one(rank: Rank, when: float, *names: str, teller: str | None = None, lasts: float = 0, **fields: Any) -> Told:
    """A change of payment by one teller, so many minutes after noon."""
    given = {"service": "payment", "version": names[0] if names else None, "change": DEPLOY, **fields}
    piece = ChangeEvidence(origin=ORIGINS.get(rank, Origin.PROMETHEUS), at=at(when), **given)
    began = piece.at - timedelta(seconds=piece.uncertain_seconds)
    return Told(piece, teller or rank.name, rank, names_of(*names), began, at(when + lasts))


REPORT = one(Rank.REPORTED, 0, "1.5.0", title="payment goes out", author="erin")


@pytest.mark.parametrize(
    "other",
    [
        one(Rank.SEEN, 1.9, "v1.5.0"),
        one(Rank.SEEN, 40, "1.5.0"),
        one(Rank.SEEN, 6, "9", uncertain_seconds=300),
        one(Rank.HOSTED, 1.9, SHA),
        one(Rank.SEEN, 1.9, "1.5.0-rc1+build"),
        one(Rank.ROLLED_OUT, -6.5, lasts=5),
        one(Rank.NOTED, -1.9, change=ChangeKind.ROLLBACK),
        one(Rank.RELEASED, -50, "v1.5.0", change=ChangeKind.OTHER),
        one(Rank.STARTED, 9, change=ChangeKind.OTHER),
        one(Rank.NOTED, 1, "1.5.0", service=EVERYWHERE),
    ],
)
def test_the_same_change_is_told_once_and_by_both(other: Told) -> None:
    for told in ([REPORT, other], [other, REPORT]):
        (found,) = joined(told)
        assert (found.origin, found.title, found.author) == (Origin.RECORDS, "payment goes out", "erin")
        assert set(found.told_by) == {Origin.RECORDS, other.piece.origin}


@pytest.mark.parametrize(
    "other",
    [
        one(Rank.SEEN, 1, "1.6.0"),
        one(Rank.SEEN, 2.1, "x"),
        one(Rank.SEEN, 61, "1.5.0"),
        one(Rank.SEEN, 0, "1.5.0", service="bank"),
        one(Rank.REPORTED, 1, "1.5.0"),
        one(Rank.NOTED, 0, change=CONFIG),
        one(Rank.RELEASED, 0, "1.6.0", change=ChangeKind.OTHER),
        one(Rank.STARTED, 11, change=ChangeKind.OTHER),
        one(Rank.NOTED, 0, service=EVERYWHERE),
    ],
)
def test_two_changes_are_told_twice(other: Told) -> None:
    assert len(joined([REPORT, other])) == 2


def test_two_settings_that_were_changed_at_once_are_told_apart_by_their_titles() -> None:
    def flag(rank: Rank, title: str) -> Told:
        return one(rank, 0, change=FLAG, title=title)

    assert (
        len(joined([flag(Rank.REPORTED, "flag new-checkout enabled"), flag(Rank.NOTED, "flag fast-search enabled")]))
        == 2
    )
    assert (
        len(joined([flag(Rank.REPORTED, "flag new-checkout enabled"), flag(Rank.NOTED, "new-checkout is on")])) == 1
    )


def test_a_config_map_that_changed_is_the_configuration_that_was_reported() -> None:
    reported = one(Rank.REPORTED, 0, change=CONFIG, title="a higher limit")
    (found,) = joined([one(Rank.CONFIGURED, 1, change=CONFIG, title="config map payment was changed"), reported])
    assert (found.title, found.at) == ("a higher limit", at(1))


def test_the_same_link_is_the_same_change_however_far_apart() -> None:
    link = "https://ci.test/7"
    assert len(joined([one(Rank.REPORTED, 0, url=link), one(Rank.NOTED, 9, url=link)])) == 1
    assert len(joined([one(Rank.REPORTED, 0, url=link), one(Rank.NOTED, 9, url=link, change=CONFIG)])) == 2


def test_a_teller_is_matched_with_the_change_of_the_same_version_before_the_nearer_one() -> None:
    earlier, later = one(Rank.REPORTED, 0, "1.5.0"), one(Rank.REPORTED, 1, "x")
    found = joined([earlier, later, one(Rank.SEEN, 1, "1.5.0")])
    assert [(piece.version, len(piece.told_by)) for piece in found] == [("1.5.0", 2), ("x", 1)]


def test_a_note_of_no_service_is_told_of_every_service_that_got_its_version() -> None:
    note = one(Rank.NOTED, 0, "1.5.0", service=EVERYWHERE, title="release 1.5.0", author="dora")
    found = joined([note, one(Rank.SEEN, 0.5, "1.5.0"), one(Rank.SEEN, 1, "1.5.0", service="bank")])
    assert [(piece.service, piece.author) for piece in found] == [("payment", "dora"), ("bank", "dora")]


def test_the_time_is_by_who_saw_it_take_effect_unless_that_is_vague() -> None:
    host = one(Rank.HOSTED, 5, SHA)
    exact = joined([host, one(Rank.SEEN, 4, "2", uncertain_seconds=15), one(Rank.ROLLED_OUT, 3.5)])[0]
    assert (exact.at, exact.uncertain_seconds, exact.began_at) == (at(4), 15, at(3.5))
    vague = joined([host, one(Rank.SEEN, 7, "2", uncertain_seconds=300)])[0]
    assert (vague.at, vague.uncertain_seconds, vague.began_at) == (at(5), 0, None)
    alone = joined([one(Rank.SEEN, 7, "2", uncertain_seconds=300)])[0]
    assert (alone.at, alone.uncertain_seconds, alone.began_at) == (at(7), 300, None)


def deployed(when: float, version: str, previous: str | None = None, **fields: Any) -> ChangeEvidence:
    return ChangeEvidence(service="payment", at=at(when), version=version, previous_version=previous, **fields)


def test_an_earlier_version_that_is_deployed_again_is_a_rollback_whoever_called_it_a_deploy() -> None:
    found = rolled_back(
        [
            deployed(0, "v1.4"),
            deployed(1, "1.5"),
            deployed(2, "1.4", title="deploy 1.4"),
            deployed(3, "1.5"),
            deployed(4, "1.6"),
        ]
    )
    assert [(piece.change.value, piece.previous_version) for piece in found] == [
        ("deploy", None), ("deploy", None), ("rollback", "1.5"), ("deploy", None), ("deploy", None),
    ]  # fmt: skip
    assert found[2].title == "rollback: deploy 1.4"


def test_what_was_replaced_counts_as_seen_and_what_has_no_version_says_nothing() -> None:
    nameless = ChangeEvidence(service="payment", at=at(0.5))
    other = deployed(0.7, "1.4").model_copy(update={"service": "bank"})
    found = rolled_back([deployed(0, "1.5", "1.4"), nameless, other, deployed(1, "1.4")])
    assert [piece.change.value for piece in found] == ["deploy", "deploy", "deploy", "rollback"]


def test_a_version_that_bears_its_revision_is_that_revision() -> None:
    (found,) = joined([one(Rank.HOSTED, 0, SHA), one(Rank.SEEN, 30, f"1.5.0-{SHA[:7]}")])
    assert set(found.told_by) == {Origin.GITHUB, Origin.PROMETHEUS}
    assert len(joined([one(Rank.HOSTED, 0, SHA), one(Rank.SEEN, 0, "1.5.0-b1b2c3d")])) == 2


def test_a_branch_that_is_deployed_again_and_a_metric_of_something_else_are_no_rollbacks() -> None:
    branches = [deployed(0, "main"), deployed(1, "hotfix"), deployed(2, "main")]
    library = deployed(1, "7", "6", told_by=(Origin.PROMETHEUS,))
    again = [deployed(0, "1.5", "1.4"), library, deployed(2, "1.5")]
    for pieces in (branches, again):
        assert {piece.change for piece in rolled_back(pieces)} == {DEPLOY}


def test_a_rollback_says_so_in_its_title_once() -> None:
    reported = deployed(0, "1", change=ChangeKind.ROLLBACK, title="Rolled back by erin")
    bare = deployed(1, "0", change=ChangeKind.ROLLBACK)
    assert [piece.title for piece in rolled_back([reported, bare])] == [
        "Rolled back by erin",
        "rollback to an earlier version",
    ]
