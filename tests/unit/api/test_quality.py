"""The quality of confidence over HTTP: figures of the caller's own labels, and nulls where there are none."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.hypotheses.calibration import shipped
from shared.models.base import TenantId
from shared.models.feedback import Label
from tests.builders import ACME, GLOBEX, a_calibration, a_label
from tests.unit.access.issuer import a_token
from tests.unit.api.serving import Served, answer_of, bearer

NOW = datetime.now(UTC)
FIGURES = ("labels", "brier", "constant_brier", "ece")


def labels(tenant: TenantId = ACME, *, days_ago: int = 1) -> list[Label]:
    given = [(0.95, True), (0.95, True), (0.95, False), (0.05, False)]
    at = NOW - timedelta(days=days_ago)
    return [
        a_label(id=f"label-{days_ago}-{n}", tenant_id=tenant, confidence=said, was_right=right, labelled_at=at)
        for n, (said, right) in enumerate(given)
    ]


async def test_without_labels_it_says_that_nothing_is_known(served: Served) -> None:
    answer = await answer_of(served, "/quality")
    assert [answer[name] for name in FIGURES] == [0, None, None, None]
    assert {(one["n"], one["mean_confidence"], one["share_right"]) for one in answer["reliability"]} == {
        (0, None, None)
    }
    assert answer["calibration"]["version"] == shipped().version
    assert answer["labels_for_own_calibration"] == 200


async def test_with_labels_it_shows_how_far_confidence_was_off(served: Served) -> None:
    for one in labels():
        await served.services.labels.keep(ACME, one)
    answer = await answer_of(served, "/quality")
    assert [answer[name] for name in FIGURES] == [4, 0.2275, 0.25, 0.225]
    assert answer["reliability"][9] == {
        "low": 0.9,
        "high": 1.0,
        "n": 3,
        "mean_confidence": 0.95,
        "share_right": 0.6667,
    }


async def test_only_labels_of_the_window_count(served: Served) -> None:
    for one in (*labels(days_ago=2), *labels(days_ago=40)):
        await served.services.labels.keep(ACME, one)
    assert (await answer_of(served, "/quality?days=7"))["labels"] == 4
    assert (await answer_of(served, "/quality?days=90"))["labels"] == 8


async def test_a_tenants_own_calibration_is_named_with_its_age_and_its_labels(served: Served) -> None:
    await served.services.labels.keep_calibration(ACME, a_calibration(version="tenant-abc", n=312))
    found = (await answer_of(served, "/quality"))["calibration"]
    assert (found["origin"], found["version"], found["n"]) == ("tenant", "tenant-abc", 312)
    assert found["fitted_at"] == "2026-11-23T12:00:00.000000Z"


async def test_another_tenants_labels_and_calibration_are_in_no_figure(served: Served) -> None:
    for one in labels(GLOBEX):
        await served.services.labels.keep(GLOBEX, one)
    await served.services.labels.keep_calibration(GLOBEX, a_calibration(tenant_id=GLOBEX))
    answer = await answer_of(served, "/quality")
    assert (answer["labels"], answer["calibration"]["origin"]) == (0, "global")


@pytest.mark.parametrize("query", ["days=0", "days=366", "days=x", "weeks=1"])
async def test_a_window_that_makes_no_sense_is_refused(served: Served, query: str) -> None:
    async with served.client() as client:
        assert (await client.get(f"/quality?{query}")).status_code == 400


async def test_who_reads_the_answers_reads_how_good_they_are(served: Served) -> None:
    async with served.client(headers=bearer(a_token(roles=["viewer"]))) as client:
        assert (await client.get("/quality")).status_code == 200
