"""Timer functions of a running host."""

import json
from pathlib import Path

import azure.functions as func
import pytest

from dev.host.timers import STATUS_FILE
from tests.integration.host.hosting import an_app, eventually, hosting

pytestmark = pytest.mark.integration
NEW_YEAR = "0 0 0 1 1 *"


class Ticks:
    """A timer function that remembers how it was called, and may fail at first."""

    def __init__(self, schedule: str, *, failures: int = 0, run_on_startup: bool = False, retries: int = 0) -> None:
        self.past_due: list[bool] = []
        self.retries: list[int] = []
        self.app = an_app()

        async def tick(timer: func.TimerRequest, context: func.Context) -> None:
            self.past_due.append(timer.past_due)
            self.retries.append(context.retry_context.retry_count)
            if len(self.past_due) <= failures:
                raise RuntimeError("as told")

        declared = self.app.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=run_on_startup)(tick)
        if retries:
            self.app.retry(strategy="fixed_delay", max_retry_count=str(retries), delay_interval="00:00:00")(declared)

    async def reached(self, count: int) -> bool:
        return len(self.past_due) >= count


async def test_a_timer_fires_on_its_schedule_again_and_again(tmp_path: Path) -> None:
    ticks = Ticks("* * * * * *")
    async with hosting(ticks.app, tmp_path):
        await eventually(lambda: ticks.reached(2))
    assert not any(ticks.past_due)


async def test_run_on_startup_fires_at_once(tmp_path: Path) -> None:
    ticks = Ticks(NEW_YEAR, run_on_startup=True)
    async with hosting(ticks.app, tmp_path):
        await eventually(lambda: ticks.reached(1))
    assert ticks.past_due == [False]


async def test_an_occurrence_missed_while_the_host_was_down_is_caught_up_as_past_due(tmp_path: Path) -> None:
    status = tmp_path / STATUS_FILE
    status.parent.mkdir()
    status.write_text(json.dumps({"tick": "2020-01-01T00:00:00+00:00"}))
    ticks = Ticks(NEW_YEAR)
    async with hosting(ticks.app, tmp_path):
        await eventually(lambda: ticks.reached(1))
    assert ticks.past_due == [True]
    assert json.loads(status.read_text())["tick"] > "2020"


async def test_a_failing_timer_is_retried_as_its_policy_says_and_no_more(tmp_path: Path) -> None:
    ticks = Ticks(NEW_YEAR, run_on_startup=True, failures=9, retries=2)
    async with hosting(ticks.app, tmp_path) as http:
        await eventually(lambda: ticks.reached(3))
        await http.get("/admin/host/ping")
    assert ticks.retries == [0, 1, 2]
