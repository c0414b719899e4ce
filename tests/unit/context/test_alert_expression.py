"""An alert's own expression, which anybody may have written: taken apart where that is safe, or refused."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.context.alert_expression import MAX_CHARS, AlertQuestion, Shape, read_expression
from shared.models.promql_bounds import Refusal
from shared.models.promql_scan import scan

APART = {
    "a > 1": ("a", ">", 1),
    "sum by (x) (rate(a[5m])) >= 0.05": ("sum by (x) (rate(a[5m]))", ">=", 0.05),
    "up == 0": ("up", "==", 0),
    "a != 3": ("a", "!=", 3),
    "a < -1": ("a", "<", -1),
    "a > bool 1": ("a", ">", 1),
    "a > 14.4 * (1 - 0.5)": ("a", ">", 7.2),
    "a > 1h": ("a", ">", 3600),
    "0.05 < a": ("a", ">", 0.05),
    "10 >= sum(a)": ("sum(a)", "<=", 10),
    "((a > 1))": ("a", ">", 1),
    "(a) + (b) > (3)": ("(a) + (b)", ">", 3),
    "1 - a > 0.5": ("1 - a", ">", 0.5),
    "a > on (x) b > 1": ("a > on (x) b", ">", 1),
    "absent(a) == 1": ("absent(a)", "==", 1),
    'a{x="> 3 # no"} > 4 # > 5': ('a{x="> 3 # no"}', ">", 4),
    "a{x='>'} > 4": ("a{x='>'}", ">", 4),
    "a{x=`>`} > 4": ("a{x=`>`}", ">", 4),
    'a{x!="y",z=~"b"} > 4': ('a{x!="y",z=~"b"}', ">", 4),
    "a # one\n > # two\n 4": ("a", ">", 4),
    "a @ 1600000000 > 5": ("a @ 1600000000", ">", 5),
    "a @ end() offset 5m > 5": ("a @ end() offset 5m", ">", 5),
    'a{x="ü🙂"} > 1': ('a{x="ü🙂"}', ">", 1),
    # The parser would print this value without its escapes, as another query; the text itself is kept.
    'a{x="\\"} or b{y=\\""} > 3': ('a{x="\\"} or b{y=\\""}', ">", 3),
}


@pytest.mark.parametrize("text", APART)
def test_a_comparison_with_a_number_is_drawn_beside_its_threshold(text: str) -> None:
    found = read_expression(text)
    assert isinstance(found, AlertQuestion)
    assert (found.left, found.operator, found.threshold) == APART[text]
    assert found.shape is Shape.THRESHOLD


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a > 1 and b > 2", Shape.SETS),
        ("(a > 1) or b", Shape.SETS),
        ("a unless b > 1", Shape.SETS),
        ("absent(a)", Shape.ABSENCE),
        ("absent_over_time(a[5m])", Shape.ABSENCE),
        ("a > b", Shape.VECTORS),
        ("a > 1 / 0", Shape.VECTORS),
        ("a > scalar(b)", Shape.VECTORS),
        ("sum(a > 1)", Shape.PLAIN),
        ("a", Shape.PLAIN),
        ("a + 1", Shape.PLAIN),
    ],
)
def test_any_other_condition_is_drawn_as_a_whole(text: str, shape: Shape) -> None:
    assert read_expression(text) == AlertQuestion(text, text, None, None, shape)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", Refusal.EMPTY),
        (" # only this", Refusal.EMPTY),
        ("a > ", Refusal.UNPARSABLE),
        ("a{x=~$service}", Refusal.UNPARSABLE),
        ('a{x="y} > 1', Refusal.UNPARSABLE),
        ("a) > (1", Refusal.UNPARSABLE),
        ("a;b", Refusal.UNPARSABLE),
        ("🙂 > 1", Refusal.UNPARSABLE),
        ('a{x="\ud800"}', Refusal.UNPARSABLE),
        ("{}", Refusal.UNPARSABLE),
        ("{a!='b'}", Refusal.UNPARSABLE),
        ("a[99999999999999999999d] > 1", Refusal.UNPARSABLE),
        ('a{x="\x00"}', Refusal.CONTROL_CHARACTERS),
        ('a{x="\x1b[2J"}', Refusal.CONTROL_CHARACTERS),
        ("vector(1)", Refusal.NOT_A_VECTOR),
        ("a[5m]", Refusal.NOT_A_VECTOR),
        ("rate(a[5m])[1h:1m]", Refusal.NOT_A_VECTOR),
        ('"text"', Refusal.NOT_A_VECTOR),
        ('{__name__=~".+"} > 1', Refusal.TOO_BROAD),
        ('count({__name__!="up",x=~".+"})', Refusal.TOO_BROAD),
        (" + ".join(["a"] * 51), Refusal.TOO_MANY_SELECTORS),
        ("rate(a[33d]) > 1", Refusal.RANGE_TOO_LONG),
        ("max_over_time(a[33d:1d])", Refusal.RANGE_TOO_LONG),
        # The parser panics on these.
        ("a[1e30] > 1", Refusal.UNPARSABLE),
        ("a offset NaN > 1", Refusal.UNPARSABLE),
        ("a offset -1000y > 1", Refusal.OFFSET_TOO_FAR),
        ("rate(a[5m] offset 1000000y) > 1", Refusal.OFFSET_TOO_FAR),
        ("max_over_time(rate(a[5m])[31d:15s]) > 1", Refusal.SUBQUERY_TOO_FINE),
        ("max_over_time(max_over_time(a[1h:1s])[1h:1s]) > 1", Refusal.SUBQUERY_TOO_FINE),
        ("max_over_time(rate(a[5m])[31d:]) > 1", Refusal.SUBQUERY_TOO_FINE),
        ("(" * 51 + "a" + ")" * 51, Refusal.TOO_DEEP),
        ("(" * 2000 + "a" + ")" * 2000, Refusal.TOO_DEEP),
        ("(" * 4000, Refusal.UNPARSABLE),
        ("-" * 4000 + "a", Refusal.TOO_MANY_OPERATORS),
        ("^".join(["a"] * 2000), Refusal.TOO_MANY_OPERATORS),
        (" and ".join(["a"] * 500), Refusal.TOO_MANY_OPERATORS),
        ("a" * (MAX_CHARS + 1), Refusal.TOO_LONG),
        ("a > 1 # " + "x" * 100_000, Refusal.TOO_LONG),
    ],
)
def test_what_is_not_asked_again_says_why(text: str, refusal: Refusal) -> None:
    assert read_expression(text) is refusal


def test_a_subquery_of_an_hour_may_leave_its_step_to_prometheus() -> None:
    found = read_expression("max_over_time(rate(a[5m])[1h:]) > 1")
    assert isinstance(found, AlertQuestion)
    assert found.left == "max_over_time(rate(a[5m])[1h:])"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 50 + "a" + ")" * 50 + " > 1",
        "-" * 199 + "a > 1",
        "^".join(["1"] * 199) + "* a > 1",
        "abs(" * 50 + "-" * 149 + "a" + ")" * 50 + " > 1",
    ],
)
def test_the_deepest_that_is_parsed_fits_a_small_stack(text: str) -> None:
    found: list[object] = []
    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=lambda: found.append(read_expression(text)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert isinstance(found[0], AlertQuestion)


WORDS = (
    "a b{x='y'} \" ' ` \\ ( ) [5m] [ : ] { } > == != =~ and or unless - + / 0 1e30 offset @ bool on(x) by sum # ü $"
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(WORDS.split(" ")), max_size=25).map(" ".join), st.text(max_size=60)))
def test_whatever_is_written_is_answered_or_refused(text: str) -> None:
    found = read_expression(text)
    if isinstance(found, AlertQuestion):
        assert found.query in text or "#" in text
        assert found.left in found.query
        assert not isinstance(read_expression(found.left), Refusal)


def test_comments_go_and_strings_stay() -> None:
    seen = scan('a{x="# no", y=\'# no\', z=`# no`} # yes "\n> 1 # yes (')
    assert seen.text == "a{x=\"# no\", y='# no', z=`# no`}  \n> 1"
    assert seen.is_closed
    assert [one.operator for one in seen.comparisons] == [">"]
