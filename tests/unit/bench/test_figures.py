from bench.figures import Acknowledged, Goal, percentile
from bench.generator import Delivery
from bench.report import Report
from bench.sending import Sent


def a_sent(began: float, seconds: float, *, alerts: int = 1, refusals: int = 0) -> Sent:
    return Sent(Delivery(0.0, b"{}", ("f",) * alerts), began, seconds, refusals)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, part) for part in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 50) == 7


def test_rates_count_from_the_first_post_to_the_last_answer() -> None:
    figures = Acknowledged.of([a_sent(10, 0.5, alerts=3), a_sent(11, 1.0, refusals=2)])
    assert (figures.webhooks_per_second, figures.alerts_per_second) == (1.0, 2.0)
    assert (figures.max_ms, figures.refused) == (1000.0, 2)


def test_a_goal_is_met_at_its_limit_and_missed_beyond() -> None:
    assert Goal("p99", 2.5, 2.5).verdict == "met"
    assert Goal("p99", 2.6, 2.5).verdict == "MISSED"
    assert Goal("rate", 0.59, 0.6, at_least=True).verdict == "MISSED"


def test_only_a_loss_fails_the_bench() -> None:
    slow, lossy = Report("ingest", 1), Report("ingest", 1)
    slow.goals = [Goal("p99", 9, 2.5)]
    lossy.goals = [Goal("lost", 1, 0, must=True)]
    assert (slow.finish(), lossy.finish()) == (0, 1)
