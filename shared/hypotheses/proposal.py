"""The shape of what the model may answer. Nothing in it is believed before it is checked."""

import re
from operator import itemgetter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.models.hypotheses import Operator
from shared.redaction import redact

MAX_TEXT_CHARS = 2000
MAX_SHORT_CHARS = 200
NOT_AN_ID = "not-an-id"
_ID = re.compile(r"E[0-9a-z]{1,16}")
MAX_IDS = 20
MAX_STEPS = 5
MAX_PROPOSED = 10
MAX_ASSERTIONS = 12
MAX_CHECKS = 3


def _cut_to(limit: int) -> AfterValidator:
    # Cut here and not said in the schema: Azure's strict mode refuses schemas with maxLength or maxItems.
    return AfterValidator(itemgetter(slice(limit)))


def _id_or_none(text: str) -> str:
    # Ids are not masked as texts are, so what cannot be one is not kept at all: it would be a way past the masks.
    return text if _ID.fullmatch(text) else NOT_AN_ID


# What a model says is text from outside like any other: it may know secrets that no evidence told it.
Text = Annotated[str, AfterValidator(redact), _cut_to(MAX_TEXT_CHARS)]
ShortText = Annotated[str, AfterValidator(redact), _cut_to(MAX_SHORT_CHARS)]
EvidenceId = Annotated[str, AfterValidator(_id_or_none)]
EvidenceIds = Annotated[list[EvidenceId], _cut_to(MAX_IDS)]


class ModelAssertion(BaseModel):
    """A typed statement about one piece of evidence, which code recomputes on the frozen snapshot."""

    model_config = ConfigDict(extra="forbid")

    evidence_id: EvidenceId = Field(description="Id of the evidence that the statement is about.")
    path: ShortText = Field(description="A field of it, dotted, or min, max, median, last of its points.")
    operator: Operator
    value: ShortText = Field(description="A number in the evidence's unit, an ISO 8601 time, or a word.")
    window_start: ShortText | None = Field(description="For points: only from this time on, or null.")
    window_end: ShortText | None = Field(description="For points: only up to this time, or null.")


class ModelCheck(BaseModel):
    """A read-only question to Prometheus, with the outcome that the hypothesis predicts."""

    model_config = ConfigDict(extra="forbid")

    query: Text = Field(description="An instant PromQL query that gives one number or a few.")
    operator: Operator
    value: float = Field(description="What the hypothesis predicts the result to compare with.")
    because: ShortText = Field(description="What the outcome would show.")


class ModelHypothesis(BaseModel):
    """One hypothesis as the model words it."""

    model_config = ConfigDict(extra="forbid")

    claim: Text = Field(description="One testable sentence with numbers and times from the evidence.")
    suspected_service: Text = Field(description="A service that occurs in the evidence.")
    suspected_change: EvidenceId | None = Field(description="Id of the deploy evidence that is suspected, or null.")
    mechanism: Text = Field(description="How the cause leads to the symptom, in at most three sentences.")
    supporting: EvidenceIds = Field(description="Ids of evidence that supports the claim.")
    contradicting: EvidenceIds = Field(description="Ids of evidence that speaks against it.")
    similar_incidents: EvidenceIds = Field(description="Ids of past incidents that this is like.")
    assertions: Annotated[list[ModelAssertion], _cut_to(MAX_ASSERTIONS)] = Field(
        description="The statements on which the claim rests, each about one piece of evidence."
    )
    checks: Annotated[list[ModelCheck], _cut_to(MAX_CHECKS)] = Field(
        description="Queries whose outcome would tell this hypothesis from the others."
    )
    next_steps: Annotated[list[Text], _cut_to(MAX_STEPS)] = Field(
        description="Read-only checks or a rollback, most useful first."
    )


class ModelHypotheses(BaseModel):
    """The whole answer, likeliest first."""

    model_config = ConfigDict(extra="forbid")

    hypotheses: Annotated[list[ModelHypothesis], _cut_to(MAX_PROPOSED)]
