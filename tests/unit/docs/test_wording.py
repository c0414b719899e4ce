"""Decisions are numbered and listed, and nothing that belongs to one machine or to another day is left in a text."""

import re

import pytest

from tests.unit.docs.documents import DOCUMENTS, ROOT, name_of, text_of

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
_LEFT_OVER = re.compile(r"\b(TODO|FIXME|TBD|XXX|lorem ipsum)\b", re.IGNORECASE)
_MACHINE = re.compile(r"(/home/|/Users/|/root/|/work/|/tmp/wt-|[A-Z]:\\\\)\w*")


def title_of(text: str) -> str:
    return text.splitlines()[0]


def test_decisions_are_numbered_without_a_repeat_and_say_their_number() -> None:
    said = [int(title_of(text_of(one)).removeprefix("# ").split(".")[0]) for one in DECISIONS]
    assert said == [int(one.name[:4]) for one in DECISIONS]
    assert len(said) == len(set(said))


def test_the_index_lists_every_decision_under_its_title() -> None:
    index = re.findall(r"^\| \[(\d+)\]\(([^)]+)\) \| (.+) \|$", text_of(ROOT / "docs/decisions/README.md"), re.M)
    expected = [
        (str(int(one.name[:4])), one.name, title_of(text_of(one)).split(". ", maxsplit=1)[1]) for one in DECISIONS
    ]
    assert index == expected


@pytest.mark.parametrize("pattern", [_LEFT_OVER, _MACHINE], ids=["left for later", "a machine's path"])
def test_no_document_holds(pattern: re.Pattern[str]) -> None:
    found = [(name_of(one), said[0]) for one in DOCUMENTS if (said := pattern.search(text_of(one)))]
    assert found == []
