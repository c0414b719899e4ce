"""Runbooks: those that name the alert or the service come first, and text alone finds the rest."""

import pytest

from shared.context.runbook_ranking import MAX_EXCERPT_CHARS, MAX_FOUND, Sought, fitting
from shared.models.runbooks import Runbook
from tests.builders import ACME, NOON

SOUGHT = Sought(
    service="payment",
    neighbours=frozenset({"cart"}),
    alert_names=frozenset({"HighErrorRatio"}),
    labels=frozenset({"eu-west"}),
    text="HighErrorRatio payment answers requests with errors after a deploy",
)


def a_runbook(number: int, **changes: object) -> Runbook:
    fields = {
        "id": f"rbk-{number:024x}",
        "tenant_id": ACME,
        "created_at": NOON,
        "updated_at": NOON,
        "updated_by": "oid-erin",
        "title": "Certificates",
        "body": "Renew the certificates of the mail relay.",
        **changes,
    }
    return Runbook.model_validate(fields)


def order(*runbooks: Runbook) -> list[str]:
    return [one.runbook.title for one in fitting(runbooks, SOUGHT)]


def test_who_names_the_alert_comes_before_who_names_the_service_before_who_only_speaks_of_it() -> None:
    by_text = a_runbook(1, title="text", body="When payment answers requests with errors after a deploy, roll back.")
    for_service = a_runbook(2, title="service", services=["payment"])
    for_alert = a_runbook(3, title="alert", alert_names=["HighErrorRatio"])
    neighbour = a_runbook(4, title="neighbour", services=["cart"])
    assert order(by_text, neighbour, for_service, for_alert, a_runbook(5))[:2] == ["alert", "service"]
    assert set(order(by_text, neighbour, for_service, for_alert, a_runbook(5))) == {
        "alert", "service", "text", "neighbour",
    }  # fmt: skip


def test_a_runbook_about_something_else_is_not_shown() -> None:
    assert order(a_runbook(1), a_runbook(2, title="Backups", body="Restore the archive from tape.")) == []


def test_names_written_as_one_word_are_found_in_sentences() -> None:
    spoken = a_runbook(1, title="Errors", body="What to do about a high error ratio.")
    assert order(spoken, a_runbook(2)) == ["Errors"]


def test_the_excerpt_is_the_part_that_fits_best_and_bounded() -> None:
    body = "# Contacts\nThe mail team.\n\n# Errors after a deploy\nRoll payment back. " + "x" * 2000
    (found,) = fitting([a_runbook(1, body=body, services=["payment"])], SOUGHT)
    assert found.excerpt.startswith("# Errors after a deploy")
    assert len(found.excerpt) == 2 * MAX_EXCERPT_CHARS


def test_the_reasons_are_told() -> None:
    book = a_runbook(1, services=["payment"], alert_names=["HighErrorRatio"], tags=["EU-West"], body="")
    (found,) = fitting([book], SOUGHT)
    assert found.because[:3] == ("names the alert", "is for the service", "has its tag")
    assert 0.8 < found.score <= 1


def test_a_removed_runbook_is_gone() -> None:
    assert order(a_runbook(1, services=["payment"], removed_at=NOON)) == []


@pytest.mark.parametrize("text", ["", "the of and", "🦊 !!!", "\x00"])
def test_words_that_say_nothing_find_nothing_by_text(text: str) -> None:
    said_nothing = Sought("web", frozenset(), frozenset(), frozenset(), text)
    assert fitting([a_runbook(1)], said_nothing) == []


def test_only_the_best_few_are_kept_in_the_same_order_whatever_came_first() -> None:
    books = [a_runbook(number, title=f"book {number}", services=["payment"]) for number in range(9)]
    assert len(order(*books)) == MAX_FOUND
    assert order(*books) == order(*reversed(books))
