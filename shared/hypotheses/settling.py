"""What becomes of a question to a model: answered, unanswered and paid for all the same, or free again. Pure."""

from typing import Any

from pydantic import ValidationError

from shared.errors import ModelUnavailable
from shared.models.hypotheses import Receipt
from shared.models.spending import ModelQuestion, ModelTerms, QuestionState, Tokens
from shared.ports.model import AnswerT, ModelAnswer

INTERRUPTED = "model_interrupted"
PAID_FOR = frozenset(
    (
        *("model_timeout", "model_filtered_prompt", "model_filtered_answer", "model_refused"),
        *("model_truncated", "model_empty", "model_malformed", INTERRUPTED),
    )
)
"""What Azure bills although there is no answer: all that it processed, so a prompt that its filter stopped, too.

https://learn.microsoft.com/azure/ai-services/openai/how-to/manage-costs: but neither a 401 nor a 429.
"""


def answered(question: ModelQuestion, answer: ModelAnswer[Any], terms: ModelTerms) -> ModelQuestion:
    """The question with what the model said, as it said it, and what that cost."""
    tokens = Tokens(prompt=answer.prompt_tokens, cached=answer.cached_tokens, completion=answer.completion_tokens)
    said = {"answer": answer.answer.model_dump(mode="json"), "model": answer.model}
    return question.model_copy(update={"state": QuestionState.ANSWERED, "receipt": terms.receipt(tokens), **said})


def unanswered(question: ModelQuestion, failed: ModelUnavailable, terms: ModelTerms) -> ModelQuestion:
    """The question without an answer: by what the failure says that it cost, or may have cost."""
    prompt, cached, completion = failed.spent
    if prompt or completion:
        receipt = terms.receipt(Tokens(prompt=prompt, cached=cached, completion=completion))
    elif failed.reason in PAID_FOR:
        receipt = _all_of(question, terms)
    else:
        return question.model_copy(update={"state": QuestionState.FREE, "reason": failed.reason})
    ended = {"state": QuestionState.ANSWERED, "reason": failed.reason, "receipt": receipt}
    return question.model_copy(update=ended)


def interrupted(question: ModelQuestion, terms: ModelTerms) -> ModelQuestion:
    """The question whose worker is gone: nobody knows whether it was paid, so it is taken to have been."""
    ended = {"state": QuestionState.ANSWERED, "reason": INTERRUPTED, "receipt": _all_of(question, terms)}
    return question.model_copy(update=ended)


def _all_of(question: ModelQuestion, terms: ModelTerms) -> Receipt:
    # Nobody tells what it cost: the whole reservation is the honest side to err on.
    return Receipt(calls=1, cost=question.amount, currency=terms.currency)


def found_again(question: ModelQuestion, shape: type[AnswerT]) -> ModelAnswer[AnswerT]:
    """What was paid for earlier; raises ModelUnavailable when that was no answer, or one of another release."""
    if question.answer is None:
        raise ModelUnavailable("the model gave no answer to this before", reason=question.reason)
    try:
        answer = shape.model_validate(question.answer)
    except ValidationError as exc:
        raise ModelUnavailable("the kept answer has another shape", reason="model_malformed") from exc
    cost = question.receipt
    return ModelAnswer(answer, question.model, cost.prompt_tokens, cost.cached_tokens, cost.completion_tokens)
