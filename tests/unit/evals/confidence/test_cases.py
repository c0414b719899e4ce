"""Made-up answers: partly blind ones say so, and the same seed makes the same ones."""

from itertools import groupby

from evals.confidence.cases import judged

SEED, CASES = 5, 6


def test_a_seed_makes_answers_of_whole_and_of_partly_blind_incidents_and_the_same_ones_again() -> None:
    found = list(judged(SEED, CASES))
    shares = {one.body.coverage.share for one in found if one.body.coverage}
    assert max(shares) == 1.0 > min(shares)
    again = list(judged(SEED, 2))
    assert again == found[: len(again)]


def test_the_hypotheses_of_an_incident_are_ranked_and_have_their_factors() -> None:
    for _, of_case in groupby(judged(4, 3), key=lambda one: one.case):
        answers = list(of_case)
        assert [one.hypothesis.rank for one in answers] == list(range(1, len(answers) + 1))
        assert all(0 <= one.factors["share"] <= 1 and 0 <= one.factors["history"] <= 1 for one in answers)
