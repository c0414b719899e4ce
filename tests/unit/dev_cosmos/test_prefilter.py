"""What SQLite sorts out before the exact evaluation must be a superset of the answer, whatever the values are."""

import json
import sqlite3
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.cosmos.sql.parser import parse_query
from dev.cosmos.sql.pushdown import prefilter
from dev.cosmos.sql.select import CompiledQuery

NAMES = ["a", "größe", "a b", "order", "x/y", "0", "n.m", "$", "tab\t", 'q"', "b\\", "_ts"]
VALUES = [
    *(None, True, False, 0, 1, -1, 1.5, -0.0, 1e20, 2**53, 2**53 + 1, 2**64, 0.1),
    *("", "0", "1", "true", "a", "A", "ä", "Ω", "\uffff", "\U0001f600", "x'y", 'q"z', "\n", "[1]"),
    *([], [1], ["a", True], {}, {"k": 1}),
]
OPERATORS = ["=", "!=", "<", "<=", ">", ">=", "IN", "ARRAY_CONTAINS", "HOLDS", "IS_DEFINED", "IS_NULL", "OR", "AND"]


def kept_by_sqlite(document: dict[str, Any], text: str, parameters: dict[str, Any]) -> bool:
    pushed = prefilter(parse_query(text), parameters)
    stored = json.dumps(document, separators=(",", ":"))
    with sqlite3.connect(":memory:") as connection:
        row = connection.execute(
            f"SELECT 1 FROM (SELECT ? AS id, ? AS body) WHERE {pushed.where}",
            (document["id"], stored, *pushed.arguments),
        ).fetchone()
    return row is not None


def a_condition(path: str, operator: str, *, mirrored: bool) -> str:
    if operator == "IN":
        return f"{path} IN (@value, 'nothing')"
    if operator in {"OR", "AND"}:
        return f"({path} = @value {operator} {path} > @value) OR NOT IS_DEFINED({path})"
    if operator in {"IS_DEFINED", "IS_NULL"}:
        return f"{'NOT ' if mirrored else ''}{operator}({path})"
    if operator == "HOLDS":
        return f"ARRAY_CONTAINS({path}, @value)"
    if operator == "ARRAY_CONTAINS":
        return f"ARRAY_CONTAINS(@values, {path})"
    return f"@value {operator} {path}" if mirrored else f"{path} {operator} @value"


@st.composite
def questions(draw: st.DrawFn) -> tuple[dict[str, Any], str, Any]:
    """A document, a condition on a property that it has, and a value that is often the property's own."""
    name, stored = draw(st.sampled_from(NAMES)), draw(st.sampled_from(VALUES))
    value = draw(st.just(stored) | st.sampled_from(VALUES))
    is_nested = draw(st.booleans())
    path = f"c[{json.dumps(name)}]" + (".k" if is_nested else "")
    condition = a_condition(path, draw(st.sampled_from(OPERATORS)), mirrored=draw(st.booleans()))
    return {"id": "1", name: {"k": stored} if is_nested else stored}, condition, value


@settings(max_examples=1000, deadline=None)
@given(questions())
def test_no_document_that_matches_is_lost(question: tuple[dict[str, Any], str, Any]) -> None:
    document, condition, value = question
    text = f"SELECT * FROM c WHERE {condition}"
    parameters = {"@value": value, "@values": [value, "nothing"]}
    if CompiledQuery(parse_query(text), parameters).matches(document):
        assert kept_by_sqlite(document, text, parameters)


def test_most_of_the_other_documents_never_reach_python() -> None:
    text = "SELECT * FROM c WHERE c.state = @state AND c['n'] > 3"
    assert kept_by_sqlite({"id": "1", "state": "open", "n": 4}, text, {"@state": "open"})
    assert not kept_by_sqlite({"id": "2", "state": "closed", "n": 4}, text, {"@state": "open"})
    assert not kept_by_sqlite({"id": "3", "state": "open", "n": 3}, text, {"@state": "open"})


def test_a_list_of_ids_is_looked_up_and_not_searched_for() -> None:
    text = "SELECT * FROM c WHERE ARRAY_CONTAINS(@ids, c.id)"
    assert kept_by_sqlite({"id": "1"}, text, {"@ids": ["1", "2"]})
    assert not kept_by_sqlite({"id": "3"}, text, {"@ids": ["1", "2"]})


@pytest.mark.parametrize("name", ["größe", "tab\t", 'q"', "b\\"])
def test_a_name_that_json_escapes_is_left_to_python(name: str) -> None:
    # SQLite compares names with the raw text of the stored JSON, where these stand as escapes.
    assert kept_by_sqlite({"id": "1", name: 5}, f"SELECT * FROM c WHERE c[{json.dumps(name)}] = 5", {})
