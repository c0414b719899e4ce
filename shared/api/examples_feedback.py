"""Examples of what people say of answers and causes, and of a replay: answers and bodies."""

from collections.abc import Mapping
from typing import Any

_PERSON = "6b1e52a9-0d35-4a0e-9a3b-5d1f4c7e8b21"
_SAID = "2026-11-23T13:05:00.000000Z"


def said_of(hypotheses: Mapping[str, Any], snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """From the examples of an answer and of its snapshot."""
    feedback = {
        "hypotheses_id": hypotheses["id"],
        "rank": 1,
        "suspected_service": "payment",
        "suspected_change": "E3f9a1c2",
        "verdict": "confirmed",
        "note": "The errors ended with the rollback.",
        "given_by": _PERSON,
        "given_at": _SAID,
    }
    cause = {"root_service": "payment", "root_change": "E3f9a1c2", "snapshot_id": snapshot["id"]}
    resolution = {
        "is_known": True,
        **cause,
        "cause": "2.4.1 retries declined cards without end.",
        "fixed_by": "Rolled payment back to 2.4.0.",
        "given_by": _PERSON,
        "given_at": _SAID,
    }
    return {
        "give_hypothesis_feedback": feedback,
        "name_incident_cause": resolution,
        "read_incident_feedback": {
            "items": [feedback],
            "resolution": resolution,
            "cause": {**cause, "named_at": _SAID},
            "is_regression_case": True,
            "cursor": None,
        },
        "replay_incident": _replay(hypotheses, snapshot),
    }


def _replay(hypotheses: Mapping[str, Any], snapshot: Mapping[str, Any]) -> dict[str, Any]:
    (first,) = hypotheses["hypotheses"]
    confidence = first["confidence"]
    compared = {
        "change": "same",
        "suspected_service": "payment",
        "suspected_change": "E3f9a1c2",
        "rank_before": 1,
        "rank_after": 1,
        "confidence_before": confidence,
        "confidence_after": confidence,
        "confidence_moved_by": 0.0,
    }
    return {
        "snapshot_id": snapshot["id"],
        "dry_run": False,
        "prompt_version_before": None,
        "prompt_version_after": None,
        "ranker_version_before": None,
        "ranker_version_after": None,
        "cost": None,
        "difference": [compared],
        "before": hypotheses,
        "after": {**hypotheses, "id": "rpl-2f0c9b1e7a6d4c3b8e5f1a0d", "reason": "ranked"},
    }


FEEDBACK_REQUESTS: Mapping[str, dict[str, Any]] = {
    "give_hypothesis_feedback": {
        "rank": 1,
        "verdict": "confirmed",
        "note": "The errors ended with the rollback.",
    },
    "name_incident_cause": {
        "root_service": "payment",
        "cause": "2.4.1 retries declined cards without end.",
        "fixed_by": "Rolled payment back to 2.4.0.",
    },
    "replay_incident": {"prompt_version": "hypotheses-v2", "dry_run": True},
}
