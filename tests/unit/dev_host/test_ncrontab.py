from datetime import UTC, datetime

import pytest

from dev.host.ncrontab import BadSchedule, parse

# A Wednesday.
START = datetime(2025, 1, 15, 10, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("* * * * * *", "2025-01-15 10:30:16"),
        ("15 30 10 * * *", "2025-01-16 10:30:15"),
        ("0 */5 * * * *", "2025-01-15 10:35:00"),
        ("*/20 * * * * *", "2025-01-15 10:30:20"),
        ("0 5/15 * * * *", "2025-01-15 10:35:00"),
        ("0 0 9-17/4 * * *", "2025-01-15 13:00:00"),
        ("0 0 0 1,20 * *", "2025-01-20 00:00:00"),
        ("0 0 9 * * Mon-Fri", "2025-01-16 09:00:00"),
        ("0 0 9 * * sunday", "2025-01-19 09:00:00"),
        ("0 0 0 1 JAN *", "2026-01-01 00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29 00:00:00"),
        ("*/5 * * * *", "2025-01-15 10:35:00"),
    ],
)
def test_the_next_occurrence_is_the_first_instant_after_now_that_every_field_allows(
    expression: str, following: str
) -> None:
    assert parse(expression).next_after(START) == datetime.fromisoformat(f"{following}+00:00")


def test_the_day_of_the_month_and_the_day_of_the_week_must_both_match() -> None:
    assert parse("0 0 0 13 * Fri").next_after(START) == datetime(2025, 6, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "60 * * * * *", "* * * * * 7", "* * * * 13 *", "5-1 * * * * *", "*/0 * * * * *", "a * * * * *"],
)
def test_an_expression_that_is_not_ncrontab_is_refused(expression: str) -> None:
    with pytest.raises(BadSchedule):
        parse(expression)


def test_an_instant_that_never_comes_is_refused() -> None:
    with pytest.raises(BadSchedule, match="never comes due"):
        parse("0 0 0 30 2 *").next_after(START)
