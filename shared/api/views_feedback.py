"""What the API shows of what people said of answers and causes."""

from pydantic import BaseModel, Field

from shared.models.base import Instant
from shared.models.feedback import Feedback, FeedbackVerdict, KnownCause, Resolution


class FeedbackView(BaseModel):
    """One person's verdict on one hypothesis."""

    hypotheses_id: str
    rank: int = Field(description="Which hypothesis of that answer.")
    suspected_service: str
    suspected_change: str | None
    verdict: FeedbackVerdict
    note: str
    given_by: str = Field(description="The Entra object id.")
    given_at: Instant

    @classmethod
    def of(cls, given: Feedback) -> "FeedbackView":
        """From the stored verdict."""
        return cls.model_validate(given.model_dump())


class ResolutionView(BaseModel):
    """What a person said was the cause."""

    is_known: bool = Field(description="False: nobody found out.")
    root_service: str | None
    root_change: str | None = Field(description="The evidence id of the change that was it.")
    cause: str
    fixed_by: str = Field(description="What the next incident of its kind is told under “fixed by”.")
    snapshot_id: str | None = Field(description="The snapshot that shows it; null where there was none.")
    given_by: str = Field(description="The Entra object id.")
    given_at: Instant

    @classmethod
    def of(cls, given: Resolution) -> "ResolutionView":
        """From the stored resolution."""
        return cls.model_validate(given.model_dump())


class CauseView(BaseModel):
    """The cause that people settled on."""

    root_service: str
    root_change: str | None
    snapshot_id: str | None
    named_at: Instant

    @classmethod
    def of(cls, cause: KnownCause) -> "CauseView":
        """From what the incident carries."""
        return cls.model_validate(cause.model_dump())


class SaidPage(BaseModel):
    """Every verdict, oldest first, and what follows from them: they fit one page."""

    items: list[FeedbackView]
    resolution: ResolutionView | None
    cause: CauseView | None = Field(description="Null while nobody says anything, or people disagree.")
    is_regression_case: bool = Field(description="Whether later rankers, prompts and models must get it right.")
    cursor: None = None
