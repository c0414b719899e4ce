"""Query texts at the edge: an answer or a refusal, never a failure of the stand-in."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.cosmos.errors import Refusal
from dev.cosmos.sql.evaluate import ROOT
from dev.cosmos.sql.operators import like
from dev.cosmos.sql.parser import parse_query
from dev.cosmos.sql.select import CompiledQuery


def answers_to(expression: str) -> list[Any]:
    query = CompiledQuery(parse_query(f"SELECT VALUE {expression} FROM c"), {})
    return [answer.payload for answer in query.answers([(1, {ROOT: {"id": "1", "s": "text"}})])]


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("b", "[a-c]", True),
        ("b", "[^a-c]", False),
        ("d", "[^a-c]", True),
        ("-", "[a-]", True),
        ("^", "[a^]", True),
        ("x", "[a-cx]", True),
        ("100%", "100[%]", True),
        ("a", "[z-a]", False),
        ("a", "[^]", False),
        ("[", "[", True),
        ("a\nb", "a%b", True),
        ("a.b", "a_b", True),
        ("axb", "a.b", False),
    ],
)
def test_like_matches_as_its_pattern_says(text: str, pattern: str, matches: bool) -> None:
    assert like(text, pattern, None) is matches


def test_the_escape_of_like_takes_the_next_character_as_it_is() -> None:
    assert like("10%", "10!%", "!") is True
    assert like("100", "10!%", "!") is False


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="[]^-ab%_z\\.&~|", max_size=10))
def test_any_text_is_a_pattern_of_like(pattern: str) -> None:
    assert like("ab", pattern, None) in {True, False}


@pytest.mark.parametrize("number", ["1e400", "9" * 5000])
def test_a_number_beyond_the_range_of_json_is_refused(number: str) -> None:
    with pytest.raises(Refusal) as raised:
        answers_to(f"LEFT(c.s, {number})")
    assert raised.value.status == 400


@pytest.mark.parametrize("text", ["1e400", "NaN", "Infinity", "12a", ""])
def test_text_that_is_no_json_number_becomes_undefined(text: str) -> None:
    assert answers_to(f"StringToNumber('{text}')") == []
    assert answers_to("StringToNumber('12')") == [12]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "SELECT",
                "*",
                "VALUE",
                "c",
                "FROM",
                "WHERE",
                "(",
                ")",
                "[",
                "]",
                ".",
                ",",
                "'x'",
                "1",
                "=",
                "AND",
                "OR",
                "NOT",
                "IN",
                "??",
                "?",
                ":",
                "@p",
            ]
        )
    )
)
def test_any_words_are_a_query_or_a_400(words: list[str]) -> None:
    refusals: list[int] = []
    try:
        CompiledQuery(parse_query("SELECT " + " ".join(words)), {"@p": 1})
    except Refusal as refusal:
        refusals.append(refusal.status)
    assert refusals in ([], [400])
