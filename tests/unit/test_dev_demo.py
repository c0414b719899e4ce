"""The demo waits for the answers of those incidents that are there, and for no others."""

from datetime import timedelta
from typing import Any

import pytest

from dev.demo import ApiClient, _is_answered
from tests.builders import NOON


class Told(ApiClient):
    """Answers every question about an incident with this one."""

    def __init__(self, incident: dict[str, Any]) -> None:
        self._told = incident

    async def incident(self, incident_id: str) -> dict[str, Any]:
        return self._told


def an_answer(*, seconds: float) -> dict[str, str]:
    return {"created_at": (NOON + timedelta(seconds=seconds)).isoformat()}


@pytest.mark.parametrize(
    ("incident", "is_answered"),
    [
        ({"id": "inc-1", "hypotheses": an_answer(seconds=1)}, True),
        ({"id": "inc-1", "hypotheses": None}, False),
        ({"id": "inc-1", "hypotheses": an_answer(seconds=-1)}, False),
        ({"id": "inc-2", "hypotheses": an_answer(seconds=1)}, False),
    ],
    ids=["answered", "not yet", "by an earlier demo", "merged into another since it was listed"],
)
async def test_an_incident_is_answered(incident: dict[str, Any], is_answered: bool) -> None:
    assert await _is_answered(Told(incident), {"id": "inc-1"}, NOON) is is_answered
