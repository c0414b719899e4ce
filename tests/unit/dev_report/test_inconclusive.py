"""What the demo prints of an answer that does not know."""

from collections.abc import Sequence
from io import StringIO

from rich.console import Console

from dev.report import print_incident


def printed(next_query: object, flags: Sequence[str] = ()) -> str:
    answer = {
        "hypotheses": [], "generated_by": "ranker", "reason": "ranked", "elapsed_seconds": 0.0,
        "next_query": next_query, "flags": flags,
    }  # fmt: skip
    incident = {"severity": "critical", "title": "payment", "signals": [], "hypotheses": answer}
    snapshot = {"id": "snap-1", "sections": [], "elapsed_seconds": 1.0}
    out = StringIO()
    print_incident(Console(file=out, width=200), incident, snapshot, others=[], moments={})
    return out.getvalue()


def test_an_inconclusive_answer_shows_the_question_and_what_its_outcomes_mean() -> None:
    expected = {"payment": "payment rises before catalog", "catalog": "catalog rises before payment"}
    asked = {"query": "up[5m]", "look_at": "Draw both.", "distinguishes": list(expected), "expected": expected}
    text = printed(asked)
    assert "Inconclusive: payment or catalog?" in text
    assert all(said in text for said in ("Draw both.", "up[5m]", *expected.values()))


def test_a_conclusive_answer_asks_nothing() -> None:
    assert "Inconclusive" not in printed(None)


def test_an_answer_that_is_not_trusted_says_so_and_why() -> None:
    assert "Not trusted with a model: override:E1.summary" in printed(None, ["override:E1.summary"])
    assert "Not trusted" not in printed(None)
