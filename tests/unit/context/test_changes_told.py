"""What single tellers of changes say: by which name, of which kind, when one version took another's place."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.context.changes.hosted import hosted
from shared.context.changes.names import Around, is_elsewhere
from shared.context.changes.noted import KINDS, kind_of, noted
from shared.context.changes.running import Grid, turns, withdrawn
from shared.context.sentences import sentence_of
from shared.models.changes import ChangeKind, ChangeStatus
from shared.models.evidence import EVERYWHERE, ChangeEvidence
from shared.ports.annotations import Annotation
from shared.ports.deployments import Deployed, Direction
from tests.unit.context.changes import OLD_SHA, a_comparison, a_deployment, a_note, a_release, at

AROUND = Around(["payment", "shop/cart", "web_shop", "bank-service", "api"])
GRID = Grid(fine_from=1000, fine_step=10, coarse_step=100)


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("payment", "payment"),
        ("Payment", "payment"),
        ("prod/payment", "payment"),
        ("payment-svc", "payment"),
        ("cart", "shop/cart"),
        ("shop/Cart", "shop/cart"),
        ("dev/cart", None),
        ("web-shop", "web_shop"),
        ("bank", "bank-service"),
        ("pay", None),
        ("payments", None),
        ("", None),
    ],
)
def test_a_service_is_known_by_the_spellings_of_its_name_and_by_no_likeness(name: str, service: str | None) -> None:
    assert AROUND.of(name) == service


def test_of_two_services_that_a_name_could_be_none_is_taken() -> None:
    assert Around(["a/cart", "b/cart"]).of("cart") is None
    assert Around(["a/cart", "b/cart"]).of("b/cart") == "b/cart"


@pytest.mark.parametrize(
    ("environment", "is_not_ours"),
    [(None, False), ("production", False), ("Staging", True), ("pr-12", True), ("preview/x", True), ("qa", False)],
)
def test_environments_for_trying_out_are_elsewhere_unless_the_alert_is_there(
    environment: str | None, is_not_ours: bool
) -> None:
    assert is_elsewhere(environment, ["QA"]) is is_not_ours


def came(seen: dict[str, list[float]]) -> list[tuple[float, str, str | None, bool, float]]:
    return [(one.at, one.version, one.previous, one.is_back, one.uncertain) for one in turns(seen, GRID)]


def steps(start: float, end: float) -> list[float]:
    """Samples of the grid from one time to another, its end left out."""
    return [float(n) for n in [*range(0, 1000, 100), *range(1000, 1200, 10)] if start <= n < end]


def test_a_version_is_known_to_the_step_at_which_it_was_asked_for() -> None:
    seen = {"1": steps(0, 500), "2": steps(500, 1000), "3": steps(1000, 1050), "4": steps(1050, 1200)}
    assert came(seen) == [
        (500, "2", "1", False, 100), (1000, "3", "2", False, 100), (1050, "4", "3", False, 10),
    ]  # fmt: skip


def test_a_version_that_comes_back_is_a_rollback_and_the_newer_one_after_it_is_none() -> None:
    seen = {
        "1": [*steps(0, 300), *steps(600, 1050)], "2": [*steps(300, 600), *steps(1050, 1200)],
    }  # fmt: skip
    assert came(seen) == [
        (300, "2", "1", False, 100), (600, "1", "2", True, 100), (1050, "2", "1", False, 10),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "seen",
    [
        {},
        {"1": []},
        {"1": steps(0, 1200)},
        {"1": [*steps(0, 300), *steps(900, 1200)]},
        {"1": steps(0, 1200), "2": [*steps(0, 300), *steps(900, 1200)]},
    ],
    ids=["nothing", "no samples", "one", "one that went unseen", "two of which one went unseen"],
)
def test_what_was_there_already_and_what_was_only_unseen_did_not_come(seen: dict[str, list[float]]) -> None:
    assert came(seen) == []


def test_a_newer_one_that_goes_while_the_older_stayed_was_taken_back() -> None:
    taken_back = {"1": steps(0, 1200), "2": steps(1010, 1100)}
    assert [(one.at, one.version, one.previous, one.is_back) for one in withdrawn(taken_back, GRID)] == [
        (1100, "1", "2", True)
    ]
    assert withdrawn({"1": steps(0, 1050), "2": steps(1010, 1200)}, GRID) == []
    assert withdrawn({"1": steps(0, 1200), "2": steps(1010, 1050), "3": steps(1040, 1200)}, GRID) == []


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        (a_note(0, "", "deploy"), ChangeKind.DEPLOY),
        (a_note(0, "rolled back payment", "deploy"), ChangeKind.DEPLOY),
        (a_note(0, "rolled back payment"), ChangeKind.ROLLBACK),
        (a_note(0, "", "event:rollback", "deploy"), ChangeKind.ROLLBACK),
        (a_note(0, "", "feature_flag"), ChangeKind.FEATURE_FLAG),
        (a_note(0, "", "Feature Flag"), ChangeKind.FEATURE_FLAG),
        (a_note(0, "terraform apply"), ChangeKind.INFRASTRUCTURE),
        (a_note(0, "new settings for payment"), ChangeKind.CONFIG),
        (a_note(0, "load test of payment"), ChangeKind.OTHER),
        (a_note(0, "deploy", "incident"), None),
        (a_note(0, "", "alerting", "deploy"), None),
    ],
)
def test_the_kind_of_a_note_is_in_its_tags_before_its_text(note: Annotation, kind: ChangeKind | None) -> None:
    assert kind_of(note) is kind


def test_no_word_speaks_of_two_kinds() -> None:
    words = [word for _, speak in KINDS for word in speak]
    assert len(words) == len(set(words))


def whose(*notes: Annotation) -> list[tuple[str, set[str]]]:
    return [(one.piece.service, set(one.names)) for one in noted(notes, AROUND, system="g")]


def test_a_note_is_of_the_services_that_its_tags_name_else_its_text_else_of_anybody() -> None:
    assert whose(a_note(0, "payment v1.5.0", "service:bank", "deploy")) == [("bank-service", {"1.5.0"})]
    assert whose(a_note(0, "payment, cart: release a1b2c3d")) == [
        ("payment", {"a1b2c3d"}),
        ("shop/cart", {"a1b2c3d"}),
    ]
    assert whose(a_note(0, "all of it", "deploy")) == [(EVERYWHERE, set())]
    assert whose(a_note(0, "deployed all of it"), a_note(0, "lunch", "config")) == []


def hosting(*deployments: object, comparison: Direction | None = None) -> Sequence[ChangeEvidence]:
    compared = a_comparison(comparison, commits=25) if comparison else None
    found = Deployed(tuple(deployments), (), compared)  # type: ignore[arg-type] # as built
    return [one.piece for one in hosted(found, Around(["payment", "bank"]), [], host="h")]


def test_a_deployment_says_which_revision_it_replaced_and_a_failed_one_replaced_none() -> None:
    first, failed, last, staged = (
        a_deployment(-30, deployment_id="1", sha=OLD_SHA, ref="v1.4.0"),
        a_deployment(-20, deployment_id="2", sha="f" * 40, status=ChangeStatus.FAILED),
        a_deployment(-10, deployment_id="3", services=("payment", "bank", "mail")),
        a_deployment(-5, deployment_id="4", environment="staging"),
    )
    assert [(one.service, one.version, one.previous_version) for one in hosting(last, failed, first, staged)] == [
        ("payment", "a1b2c3d", "v1.4.0"), ("bank", "a1b2c3d", None),
        ("payment", "fffffff", "v1.4.0"), ("payment", "v1.4.0", None),
    ]  # fmt: skip


def test_the_commits_stand_with_the_last_deployment_of_their_revision() -> None:
    again, once = a_deployment(-5, deployment_id="8"), a_deployment(-15)
    last, before = hosting(again, once, comparison=Direction.FORWARD)
    assert (len(last.commits), last.commits_total, before.commits) == (20, 25, ())
    assert (
        sentence_of(last)
        == "payment: version a1b2c3d replaced 0011223 by alice at 11:55:00 UTC; 25 commits came with it."
    )


def test_an_older_revision_that_is_deployed_is_a_rollback() -> None:
    (back,) = hosting(a_deployment(), comparison=Direction.BACK)
    assert (back.change, back.previous_version) == (ChangeKind.ROLLBACK, "0011223")
    said = sentence_of(back)
    assert (
        said
        == "payment: rolled back to version a1b2c3d from 0011223 by alice at 11:55:00 UTC; 25 commits taken back."
    )
    (told,) = hosting(a_deployment(is_rollback=True))
    assert told.change is ChangeKind.ROLLBACK


def test_a_release_is_weak_by_itself() -> None:
    (one,) = hosted(Deployed((), (a_release(),)), Around(["payment"]), [], host="h")
    assert (one.piece.change, set(one.names)) == (ChangeKind.OTHER, {"1.5.0"})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"version": "2", "previous_version": "1"}, "payment: version 2 replaced 1 at 11:55:00 UTC."),
        ({"version": "2", "uncertain_seconds": 300}, "payment: version 2 at 11:55:00 UTC or up to 5 min earlier."),
        ({"version": "2", "began_at": at(-9)}, "payment: version 2 from 11:51:00 UTC to 11:55:00 UTC."),
        (
            {"change": "feature_flag", "title": "new-ui on", "seconds_before_onset": 90, "version": "7"},
            "payment: feature flag: new-ui on at 11:55:00 UTC, 90 s before the first symptom.",
        ),
        (
            {"change": "config", "title": "limits", "status": "failed", "seconds_before_onset": -90},
            "payment: config: limits (failed) at 11:55:00 UTC, 90 s after the first symptom.",
        ),
        ({"service": EVERYWHERE, "title": "release 7"}, "no service named: release 7 at 11:55:00 UTC."),
    ],
)
def test_a_change_in_a_sentence(fields: dict[str, object], said: str) -> None:
    assert sentence_of(ChangeEvidence.model_validate({"service": "payment", "at": at(-5), **fields})) == said


def test_the_documentation_lists_the_words_of_each_kind() -> None:
    documented = Path("docs/context.md").read_text(encoding="utf-8")
    for kind, words in KINDS:
        (row,) = re.findall(rf"^\| `{kind.value}` \| (.+) \|$", documented, re.MULTILINE)
        assert {word.replace(" ", "-") for word in row.split(", ")} <= words
        assert {word for word in words if not word.endswith("s")} <= {
            word.replace(" ", "-") for word in row.split(", ")
        }
