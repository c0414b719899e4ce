"""Ranked root-cause hypotheses and where they came from."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.base import Document, IncidentId, Instant, SnapshotId, Value


class GeneratedBy(StrEnum):
    """Who wrote the answer: our deterministic ranker, or the model checked by our code."""

    RANKER = "deterministic_ranker"
    MODEL = "model"


class Conclusion(StrEnum):
    """Whether the evidence points anywhere."""

    RANKED = "ranked"
    NO_EVIDENCE = "no_evidence"
    NOT_MEASURED = "not_measured"


class Hypothesis(Value):
    """One possible root cause. `score` orders (0 to 1), `factors` say what it is made of."""

    rank: int = Field(ge=1)
    claim: str = Field(max_length=400)
    suspected_service: str
    suspected_change: str | None = None
    """The evidence id of the deploy that is suspected."""
    mechanism: str = Field(max_length=800)
    supporting: tuple[str, ...] = Field(min_length=1)
    contradicting: tuple[str, ...] = ()
    score: float = Field(ge=0, le=1)
    factors: Mapping[str, float] = {}
    next_steps: tuple[str, ...] = ()


class HypothesisSet(Document):
    """The answer for one snapshot; create-once, so the first of two workers stands."""

    type: Literal["hypothesis_set"] = "hypothesis_set"
    incident_id: IncidentId
    snapshot_id: SnapshotId
    generated_by: GeneratedBy
    reason: str
    """Why this is who answered: `ranked`, `verified`, `model_not_configured`, `model_throttled`, …"""
    conclusion: Conclusion
    hypotheses: tuple[Hypothesis, ...]
    next_steps: tuple[str, ...] = ()
    """What to look at when the evidence does not decide."""
    dropped_hypotheses: int = 0
    dropped_citations: int = 0
    model: str | None = None
    prompt_version: str | None = None
    elapsed_seconds: float = 0.0
    created_at: Instant
