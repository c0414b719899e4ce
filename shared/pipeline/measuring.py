"""What the pipeline counts of its work, each by a name: labels are constants of ours, never a tenant's words.

A step that runs twice is counted twice: these are rates to watch, and the books are the receipts and the incidents.
"""

from shared.messages import QueueName
from shared.models.hypotheses import HypothesisSet, Receipt
from shared.models.receipts import DeadLetter, ReceiptPart
from shared.models.snapshots import Snapshot
from shared.telemetry import Counter, Histogram

_SIGNALS = Counter("signals")
_INCIDENTS = Counter("incidents")
_SECTIONS = Histogram("snapshot_section_seconds")
_HYPOTHESES = Counter("hypotheses")
_TOKENS = Counter("model_tokens")
_COST = Counter("model_cost")
_LETTERS = Counter("dead_letters")
_REPAIRS = Counter("reconciler_repairs")
_STAGES = Histogram("stage_seconds")


def count_alerts(part: ReceiptPart) -> None:
    """What became of the alerts of a delivery."""
    for outcome, times in part.outcomes.items():
        _SIGNALS.add(times, outcome=outcome.value)


def count_incident(event: str) -> None:
    """An incident was `opened`, `reopened` or `merged` into another."""
    _INCIDENTS.add(event=event)


def time_sections(snapshot: Snapshot) -> None:
    """How long each question of a snapshot took, and how it ended."""
    for section in snapshot.body.sections:
        _SECTIONS.record(section.elapsed_seconds, section=section.name.value, status=section.status.value)


def count_answer(answer: HypothesisSet) -> None:
    """A final answer: who wrote it, and why that stands."""
    _HYPOTHESES.add(origin=answer.generated_by.value, reason=answer.reason)


def count_cost(receipt: Receipt) -> None:
    """What a question to a model took."""
    _TOKENS.add(receipt.prompt_tokens - receipt.cached_tokens, kind="prompt")
    _TOKENS.add(receipt.cached_tokens, kind="cached")
    _TOKENS.add(receipt.completion_tokens, kind="completion")
    _COST.add(receipt.cost)


def count_letter(letter: DeadLetter) -> None:
    """A message, or alerts of one, given up: where and why."""
    _LETTERS.add(letter.alerts, queue=letter.stage, reason=letter.reason)


def count_repairs(*, fires: int, resolves: int) -> None:
    """Alerts that no webhook had told."""
    _REPAIRS.add(fires, kind="fires")
    _REPAIRS.add(resolves, kind="resolves")


def time_stage(queue: QueueName, ending: str, seconds: float) -> None:
    """How long a message was worked on, and how it ended."""
    _STAGES.record(seconds, queue=queue.value, ending=ending)
