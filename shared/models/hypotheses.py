"""Ranked root-cause hypotheses, how each was checked, and where they came from."""

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
    INCONCLUSIVE = "inconclusive"
    """There are suspects, but none of them is likely enough, or two are as likely as each other; `next_query` says
    what would tell them apart.
    """
    NO_EVIDENCE = "no_evidence"
    NOT_MEASURED = "not_measured"


class Rung(StrEnum):
    """How much was spent on an answer."""

    FULL = "full"
    """The model proposes, code checks, and the model is told once what did not hold."""
    SINGLE = "single_pass"
    """The model proposes once."""
    DETERMINISTIC = "deterministic"
    """No model was asked."""


class Operator(StrEnum):
    """How an assertion or a check compares what is found with what is claimed."""

    LESS = "<"
    AT_MOST = "<="
    EQUAL = "=="
    NOT_EQUAL = "!="
    AT_LEAST = ">="
    MORE = ">"


class Held(StrEnum):
    """What became of an assertion when it was recomputed."""

    TRUE = "true"
    FALSE = "false"
    UNCHECKABLE = "uncheckable"
    """It names no evidence, no field, or a value of another kind: counted like a false one."""


class Assertion(Value):
    """A typed statement about one piece of evidence, and what its recomputing on the frozen snapshot found."""

    evidence_id: str
    path: str
    """A field of the piece, dotted (`movement.current`), or `min`, `max`, `median`, `last` of its points."""
    operator: Operator
    value: str
    """As it was claimed: a number in the piece's unit, a time, or a word."""
    window_start: Instant | None = None
    window_end: Instant | None = None
    """Of a statement about points: only those from `window_start` to `window_end`."""
    held: Held
    found: str | None = None
    """What the evidence says instead."""
    reason: str = ""
    """Why it is uncheckable, in a word."""


class CheckVerdict(StrEnum):
    """What running a check found."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    NOT_RUN = "not_run"


class Check(Value):
    """A read-only query whose outcome speaks for or against a hypothesis."""

    query: str = Field(max_length=1000)
    operator: Operator
    value: float
    because: str = Field(default="", max_length=400)
    verdict: CheckVerdict
    found: float | None = None
    """The value that was found; of several series the one that decides."""
    reason: str = ""
    """Why it did not run, or what was found, in a word."""


RAW = "raw"
"""Of a hypothesis' `confidence_factors`: its confidence before calibration."""


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
    confidence: float | None = Field(default=None, ge=0, le=1)
    """The calibrated probability that it is right; computed by code, None before that."""
    confidence_factors: Mapping[str, float] = {}
    """What each factor added to it, in log odds, and `raw`, which it was before calibration."""
    assertions: tuple[Assertion, ...] = ()
    checks: tuple[Check, ...] = ()
    similar_incidents: tuple[str, ...] = ()
    """Evidence ids of past incidents that it is likened to."""
    caps: tuple[str, ...] = ()
    """Why its score was capped: `later_than_symptom`, `no_dependency_path`, …"""

    @property
    def raw_confidence(self) -> float | None:
        """Its confidence before calibration: what labels are about. None where confidence was not computed yet."""
        return self.confidence_factors.get(RAW)

    @property
    def verified(self) -> tuple[int, int]:
        """How many of its assertions hold, of how many: what is shown as "verified 7 of 9"."""
        return sum(one.held is Held.TRUE for one in self.assertions), len(self.assertions)


class NextQuery(Value):
    """What to ask next: what was not looked at yet and would come out differently for two of the suspects."""

    query: str | None = Field(default=None, max_length=1000)
    """PromQL made of a query of the snapshot's own evidence; None where no metric is known that would tell."""
    look_at: str = Field(max_length=400)
    """The same in words."""
    distinguishes: tuple[str, ...] = Field(min_length=1, max_length=2)
    """The suspected services that it tells apart; of a lone suspect, whether it is one."""
    expected: Mapping[str, str]
    """By suspected service, the outcome that speaks for it."""


class Receipt(Value):
    """What an answer cost: tokens, and money by the settings' prices."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    currency: str = "USD"

    @property
    def cached_share(self) -> float:
        """The share of the prompt's tokens that the provider had cached, 0 to 1."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0

    def plus(self, other: "Receipt") -> "Receipt":
        """Both together, in the currency of whichever holds calls; the first one's where both do."""
        return Receipt(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cost=self.cost + other.cost,
            currency=self.currency if self.calls or not other.calls else other.currency,
        )


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
    next_query: NextQuery | None = None
    """Only of an inconclusive answer."""
    calibration: str | None = None
    """The version of the curve that its confidence was read from."""
    dropped_hypotheses: int = 0
    dropped_citations: int = 0
    struck_assertions: int = 0
    """Of the model's assertions, those that did not hold on the snapshot, of kept and of dropped hypotheses."""
    reworded: int = 0
    """Claims and mechanisms of the model that named what the cited evidence does not tell: code wrote them anew."""
    rung: Rung = Rung.DETERMINISTIC
    receipt: Receipt | None = None
    """What the model's answer cost; None when no model was asked."""
    flags: tuple[str, ...] = ()
    """Why the snapshot is not trusted with a model, or its answer was not taken: `canary_echoed`, …"""
    ranker_version: str | None = None
    replay_of: str | None = None
    """The answer that this one replays; such an answer never becomes the incident's latest."""
    model: str | None = None
    prompt_version: str | None = None
    elapsed_seconds: float = 0.0
    created_at: Instant
