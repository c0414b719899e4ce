"""How much an answer may cost: the rung of the ladder, how large a question is, when to ask a busy model again."""

import re
from dataclasses import dataclass

from shared.models.hypotheses import Rung
from shared.models.signals import Severity
from shared.ports.model import Prompt

MAX_RESENDS = 3
MAX_WAIT_SECONDS = 300.0
"""For a throttled model, in all: after that the deterministic answer is final."""
FIRST_WAIT_SECONDS = 10.0
"""When a throttled model does not say for how long; each further wait is twice as long."""
LEAST_WAIT_SECONDS = 1.0

_PIECES = re.compile(r"[^\W\d_]{1,6}|\d{1,3}|[^\w\s]{1,2}|_+|\s+")
_SCHEMA_TOKENS = 1_500
"""The schema of an answer travels with the question and is counted as prompt."""


@dataclass(frozen=True)
class Thresholds:
    """The least shares of a day's budget that must be left for a rung."""

    full: float
    single: float


LADDER = {
    Severity.CRITICAL: Thresholds(full=0.10, single=0.0),
    Severity.WARNING: Thresholds(full=0.50, single=0.20),
    Severity.INFO: Thresholds(full=0.80, single=0.50),
}
"""What is left late in a day is kept for what is worse."""


def rung_for(severity: Severity, *, left: float, budget: float, amount: float) -> tuple[Rung, str]:
    """How much may be spent on an incident of this severity, and why.

    `left` is what of the day's `budget` is neither spent nor reserved, `amount` what one question may cost at most.
    """
    if amount > left:
        return Rung.DETERMINISTIC, "model_budget_spent"
    share = left / budget if budget else 1.0
    least = LADDER[severity]
    if share < least.single:
        return Rung.DETERMINISTIC, "model_budget_kept"
    if share < least.full:
        return Rung.SINGLE, "budget_low"
    # Two questions, for it may have to be told what did not hold.
    return (Rung.FULL, "budget_allows") if 2 * amount <= left else (Rung.SINGLE, "budget_low")


def wait_before_asking_again(resends: int, waited_seconds: float, asked_seconds: float | None) -> float | None:
    """Seconds until a throttled model is asked again; None when it was asked often or waited for long enough."""
    wait = max(LEAST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0**resends if asked_seconds is None else asked_seconds)
    is_over = resends >= MAX_RESENDS or waited_seconds + wait > MAX_WAIT_SECONDS
    return None if is_over else wait


def estimated_tokens(text: str) -> int:
    """About how many tokens a text is, without the vocabulary of any model.

    GPT tokenisers split a text first into words, groups of at most three digits and runs of punctuation, and none of
    their tokens spans two such pieces. So pieces are counted, long words as several. It errs upwards for prose and
    stays close for JSON with numbers.
    """
    ascii_only = text.isascii()
    pieces = sum(1 for piece in _PIECES.finditer(text) if not piece[0].isspace() or "\n" in piece[0])
    # A letter outside ASCII may be a token of its own.
    return pieces if ascii_only else pieces + sum(not char.isascii() for char in text)


def tokens_of(prompt: Prompt) -> int:
    """About how many tokens a question takes, with its schema."""
    texts = (prompt.instructions, prompt.stable, prompt.material)
    return sum(map(estimated_tokens, texts)) + _SCHEMA_TOKENS
