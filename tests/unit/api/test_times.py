"""Times in requests: one spelling, wherever one is given."""

from typing import Any

import pytest

from tests.unit.api.asking import asked
from tests.unit.api.serving import Served

NO_TIMES = (
    "0",
    "1700000000",
    "1700000000000",
    "2026-11-23",
    "2026-11-23T12:00:00",
    "20261123T120000Z",
    "P1D",
    "null",
)
TIMES = ("2026-11-23T12:00:00Z", "2026-11-23t12:00:00.5z", "2026-11-23T12:00:00.123456%2B01:00")


@pytest.mark.parametrize("path", ["/incidents?from=", "/incidents?to=", "/changes?until=", "/audit-logs?from="])
async def test_a_time_in_a_query_is_rfc_3339_with_its_offset(served: Served, path: str) -> None:
    refused = [await asked(served, "GET", f"{path}{text}") for text in NO_TIMES]
    assert [one.status_code for one in refused] == [400] * len(NO_TIMES)
    assert "RFC 3339" in refused[0].json()["detail"]
    assert [(await asked(served, "GET", f"{path}{text}")).status_code for text in TIMES] == [200] * len(TIMES)


@pytest.mark.parametrize("at", [*NO_TIMES, 0, 1700000000, 1.5, True])
async def test_a_time_in_a_body_is_too(served: Served, at: Any) -> None:
    assert (await asked(served, "POST", "/changes", {"service": "payment", "at": at})).status_code == 400
    window = {"starts_at": at, "ends_at": "2026-11-23T12:00:00Z"}
    assert (await asked(served, "POST", "/policies", {"name": "Night", "parameters": window})).status_code == 400
