"""Error budgets: how fast they burn, what is left, and how bad that is."""

import pytest

from shared.context.burning import budget_left, burn_rates, exhausted_in, severity_of
from shared.models.evidence import SloEvidence
from shared.models.signals import Severity

HOUR = 3600


def burning(fast: float, hour: float, six_hours: float, three_days: float) -> SloEvidence:
    ratios = {300: fast, HOUR: hour, 6 * HOUR: six_hours, 72 * HOUR: three_days}
    rates = burn_rates({window: rate * 0.001 for window, rate in ratios.items()}, 0.999)
    return SloEvidence(
        service="payment", name="availability", objective=0.999, period_days=30, burn_rates=rates, told_by="declared"
    )


def test_at_a_rate_of_one_the_budget_is_used_up_when_its_period_ends() -> None:
    rates = burn_rates({HOUR: 0.001}, 0.999)
    assert [(one.window_seconds, one.rate) for one in rates] == [(HOUR, 1.0)]
    assert exhausted_in(1.0, rates, 30) == 30 * 24 * HOUR


def test_what_is_left_may_be_less_than_nothing() -> None:
    assert budget_left(0.0005, 0.999) == 0.5
    assert budget_left(0.002, 0.999) == -1.0
    assert budget_left(None, 0.999) is None


def test_a_budget_that_is_gone_is_exhausted_now_and_one_that_rests_never() -> None:
    burns, rests = burn_rates({HOUR: 0.0144}, 0.999), burn_rates({HOUR: 0.0}, 0.999)
    assert exhausted_in(-0.2, burns, 30) == 0.0
    assert exhausted_in(0.5, burns, 30) == 90_000
    assert exhausted_in(0.5, rests, 30) is None
    assert exhausted_in(None, burns, 30) is None


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ((15, 15, 1, 0), Severity.CRITICAL),
        ((7, 7, 7, 0), Severity.CRITICAL),
        ((15, 2, 1, 0), None),
        # It was bad, and is over: the long window alone says so.
        ((0, 15, 5, 0), None),
        ((2, 2, 2, 2), Severity.WARNING),
        ((0.5, 0.5, 0.5, 0.5), None),
    ],
)
def test_a_long_window_says_that_it_matters_and_a_short_one_that_it_goes_on(
    rates: tuple[float, float, float, float], expected: Severity | None
) -> None:
    assert severity_of(burning(*rates)) is expected
