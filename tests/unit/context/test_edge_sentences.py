"""What is said of a call: no more than is known of it."""

from typing import Any

import pytest

from shared.context.sentences import sentence_of
from shared.models.evidence import EdgeEvidence, EdgeSource
from tests.builders import NOON


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"calls_per_second": 2, "failed_ratio": 0.25}, "web calls db 2 times a second; 25 % fail."),
        ({"calls_per_second": 2}, "web calls db 2 times a second."),
        (
            {"calls_per_second": 2, "is_past": True},
            "web called db 2 times a second when that was last seen, at 2026-11-23 12:00:00 UTC.",
        ),
        ({"calls_per_second": 0}, "web called db, last seen at 2026-11-23 12:00:00 UTC; no calls now."),
        ({"calls_per_second": 0, "is_past": True}, "web called db, last seen at 2026-11-23 12:00:00 UTC."),
        (
            {"calls_per_second": 0, "seen_at": None, "told_by": (EdgeSource.DECLARED,)},
            "web calls db, as declared.",
        ),
    ],
)
def test_a_call_is_told_as_it_is_known(fields: dict[str, Any], said: str) -> None:
    usual: dict[str, Any] = {"caller": "web", "callee": "db", "failed_ratio": None, "seen_at": NOON}
    assert sentence_of(EdgeEvidence(**{**usual, **fields})) == said
