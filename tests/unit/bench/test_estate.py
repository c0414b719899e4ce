"""The synthetic estate: its size, and that the neighbourhood looked at is the same whatever the size."""

from pathlib import Path

import pytest

from bench.estate import ALERTING, NEAR, SERIES_A_SERVICE, an_estate, write_estate

END = 1_764_000_000


def test_the_neighbourhood_of_the_alerting_service_does_not_grow_with_the_estate() -> None:
    near = {name for call in NEAR for name in call}
    around = [{call for call in an_estate(size, END).calls if near & set(call)} for size in (50, 500)]
    assert around == [set(NEAR), set(NEAR)]


@pytest.mark.parametrize("size", [5, 50])
def test_an_estate_has_about_twenty_series_a_service(size: int, tmp_path: Path) -> None:
    estate = an_estate(size, END)
    assert len(estate.services) == size
    assert estate.services[0] == ALERTING
    series = write_estate(estate, tmp_path / "estate.om")
    assert series == pytest.approx(SERIES_A_SERVICE * size, rel=0.15)


def test_it_covers_an_hour_now_a_day_ago_and_a_week_ago() -> None:
    times = an_estate(5, END).times
    assert (times[0], times[60], times[61], times[-1]) == (
        END - 7 * 86_400 - 3600,
        END - 7 * 86_400,
        END - 90_000,
        END,
    )
