"""What is kept of a request that came with an Idempotency-Key, so that its repeat does nothing twice."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.base import Document, Instant, document_id

KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(seconds=60)
"""A request whose worker stopped may be run again when this is over; none takes nearly so long."""


class RequestState(StrEnum):
    """How far the request came."""

    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"
    """It was refused, or broke off: the same request may be run again."""


class Unkept(StrEnum):
    """Why an answer is not kept."""

    SECRET = "secret"  # noqa: S105 -- a reason, not a secret
    TOO_LARGE = "too_large"


class RequestClaim(Document):
    """One key of one user on one route: create-once, so that of two copies of a request one runs."""

    type: Literal["request_claim"] = "request_claim"
    fingerprint: str
    state: RequestState
    run_id: str
    """What ids derive from that must be the same when the request is run again."""
    runs: int = 1
    lease_until: Instant
    answer_status: int | None = None
    answer_headers: Mapping[str, str] = Field(default_factory=dict)
    answer_body: str | None = None
    unkept: Unkept | None = None
    """Why there is no body, where the request is done."""
    created_at: Instant
    ttl: int = int(KEPT_FOR.total_seconds())

    @staticmethod
    def id_for(object_id: str, operation: str, key: str) -> str:
        """The claim id of a key; keys of other users and other routes are other keys."""
        return document_id("request", object_id, operation, key)

    def again(self, *, now: datetime) -> "RequestClaim":
        """The claim while the request is run once more."""
        return self.model_copy(
            update={"state": RequestState.UNDER_WAY, "runs": self.runs + 1, "lease_until": now + LEASE}
        )

    def failed(self) -> "RequestClaim":
        """The claim of a request that was refused or broke off."""
        return self.model_copy(update={"state": RequestState.FAILED})

    def done(
        self, status: int, headers: Mapping[str, str], body: str | None, *, unkept: Unkept | None = None
    ) -> "RequestClaim":
        """The claim with what the request was answered with."""
        answer = {"answer_status": status, "answer_headers": headers, "answer_body": body, "unkept": unkept}
        return self.model_copy(update={"state": RequestState.DONE, **answer})
