"""What asking and explaining may be asked and answer, for the documentation."""

from collections.abc import Mapping
from typing import Any

_SNAPSHOT_ID = "snap-9c1e4b7a2d5f8063b1a4c7e0"
_HYPOTHESES_ID = "hyp-1f2e3d4c5b6a79880a1b2c3d"
_CLAIM = (
    "payment answers 45 % of its requests with errors (0 % before) since 11:59:35 UTC, 5 s after version 1.5.0 "
    "replaced 1.4.0."
)

QUESTION_REQUESTS: Mapping[str, Any] = {"ask_question": {"question": "What changed before the errors began?"}}

QUESTION_EXAMPLES: Mapping[str, Any] = {
    "ask_question": {
        "question": "What changed before the errors began?",
        "snapshot_id": _SNAPSHOT_ID,
        "hypotheses_id": _HYPOTHESES_ID,
        "generated_by": "deterministic_ranker",
        "reason": "model_not_configured",
        "ranked_first": {"text": _CLAIM, "cited": ["E1a2b3c4", "E5d6e7f8"]},
        "sentences": [
            {"text": "Version 1.5.0 of payment replaced 1.4.0 at 11:59:30 UTC.", "cited": ["E5d6e7f8"]},
        ],
        "notes": [],
        "struck": {},
        "receipt": None,
        "model": None,
        "prompt_version": None,
    },
    "explain_hypothesis": {
        "snapshot_id": _SNAPSHOT_ID,
        "hypotheses_id": _HYPOTHESES_ID,
        "rank": 1,
        "generated_by": "deterministic_ranker",
        "sentences": [
            {"text": _CLAIM, "cited": ["E1a2b3c4"]},
            {"text": "It began at 11:59:35 UTC, 25 s before the first alert.", "cited": ["E1a2b3c4", "E9f8e7d6"]},
            {
                "text": "It ranks 1 of 2 hypotheses, with a score of 0.93; nothing looked at speaks against it.",
                "cited": [],
            },
            {"text": "First: Roll payment back to 1.4.0 and see whether it recovers.", "cited": ["E5d6e7f8"]},
        ],
    },
}
