"""The final answer for one snapshot: the model's where it stands up to checking, else the ranker's, and why."""

import time
from dataclasses import dataclass
from datetime import datetime

from shared.errors import ModelUnavailable
from shared.hypotheses.guard import ANSWER_FLAGGED, EVIDENCE_FLAGGED, flags_of_answer, guarded
from shared.hypotheses.proposal import ModelHypotheses
from shared.hypotheses.propose import PROMPT_VERSION, render
from shared.hypotheses.second_look import objections, stands_better, told
from shared.hypotheses.trust import flags_of
from shared.hypotheses.verify import Verified, verify
from shared.models.base import SnapshotId, document_id
from shared.models.hypotheses import GeneratedBy, HypothesisSet
from shared.models.snapshots import Snapshot
from shared.ports.model import Model, ModelAnswer, Prompt

LEAST_SECONDS = 5.0
"""With less time left the model is not told what did not hold: it could not answer any more."""


@dataclass(frozen=True)
class _Checked:
    """What a model said and what is left of it."""

    answer: ModelAnswer[ModelHypotheses]
    verified: Verified
    flags: tuple[str, ...]
    """Why it is not taken at all."""


async def refine(
    snapshot: Snapshot,
    ranked: HypothesisSet,
    model: Model | None,
    *,
    now: datetime,
    timeout_seconds: float,
    version: str = PROMPT_VERSION,
) -> HypothesisSet:
    """The final answer: the model's, checked, or the ranker's with the reason why the model's does not stand.

    Where something of a first answer does not hold, the model is told once and may propose again; whatever comes of
    that, the better of both stands. A model that may not be asked twice says so itself (ModelUnavailable).
    """
    flags = flags_of(snapshot)
    if model is None or flags:
        reason = EVIDENCE_FLAGGED if flags else "model_not_configured"
        return fallen_back(ranked, reason=reason, now=now, flags=flags)
    began = time.monotonic()
    prompt = render(snapshot, ranked, version=version)
    try:
        best = await _proposed(prompt, snapshot, ranked, model, timeout_seconds=timeout_seconds)
    except ModelUnavailable as exc:
        return fallen_back(ranked, reason=exc.reason, now=now, elapsed_seconds=_since(began))
    wrong = objections(best.answer.answer, best.verified, snapshot.body)
    left = timeout_seconds - (time.monotonic() - began)
    if wrong and not best.flags and left >= LEAST_SECONDS:
        best = await _again(best, told(prompt, wrong), snapshot, ranked, model, timeout_seconds=left)
    return _concluded(ranked, best, version, now=now, elapsed_seconds=_since(began))


async def _proposed(
    prompt: Prompt, snapshot: Snapshot, ranked: HypothesisSet, model: Model, *, timeout_seconds: float
) -> _Checked:
    answer = await model.ask(prompt, ModelHypotheses, timeout_seconds=timeout_seconds)
    checked = guarded(verify(answer.answer, snapshot.body, ranked), snapshot.body, ranked)
    return _Checked(answer, checked, flags_of_answer(answer.answer, prompt))


async def _again(
    first: _Checked,
    prompt: Prompt,
    snapshot: Snapshot,
    ranked: HypothesisSet,
    model: Model,
    *,
    timeout_seconds: float,
) -> _Checked:
    """The better of the first answer and another; the first where there is no other."""
    try:
        second = await _proposed(prompt, snapshot, ranked, model, timeout_seconds=timeout_seconds)
    except ModelUnavailable:
        return first
    if second.flags:
        # Whoever makes a model give away what it was told may have made the first answer, too.
        return second
    return second if stands_better(second.verified, first.verified) else first


def fallen_back(ranked: HypothesisSet, *, reason: str, now: datetime, **changes: object) -> HypothesisSet:
    """The ranker's answer as the final one, with the reason why it is."""
    return ranked.model_copy(
        update={"id": final_id(SnapshotId(ranked.snapshot_id)), "reason": reason, "created_at": now, **changes}
    )


def final_id(snapshot_id: SnapshotId) -> str:
    """The id of a snapshot's final answer, whoever gives it: of two workers, one gives it."""
    return document_id("hyp", snapshot_id, "final")


def meanwhile_id(snapshot_id: SnapshotId) -> str:
    """The id of what stands for a snapshot while a busy model is waited for."""
    return document_id("hyp", snapshot_id, "meanwhile")


def standing_meanwhile(ranked: HypothesisSet, *, reason: str, now: datetime) -> HypothesisSet:
    """The ranker's answer while a busy model is waited for."""
    standing_id = meanwhile_id(SnapshotId(ranked.snapshot_id))
    return ranked.model_copy(update={"id": standing_id, "reason": reason, "created_at": now})


def _concluded(
    ranked: HypothesisSet, best: _Checked, version: str, *, now: datetime, elapsed_seconds: float
) -> HypothesisSet:
    found = {
        **best.verified.counts,
        "elapsed_seconds": elapsed_seconds,
        "model": best.answer.model,
        "prompt_version": version,
    }
    if best.flags:
        return fallen_back(ranked, reason=ANSWER_FLAGGED, now=now, flags=best.flags, elapsed_seconds=elapsed_seconds)
    if not best.verified.hypotheses:
        # Who suspects nobody said nothing wrong, and is often right.
        reason = "model_unsupported" if best.answer.answer.hypotheses else "model_silent"
        return fallen_back(ranked, reason=reason, now=now, **found)
    by_model = {"generated_by": GeneratedBy.MODEL, "hypotheses": best.verified.hypotheses}
    return fallen_back(ranked, reason="verified", now=now, **by_model, **found)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
