"""What the SDK raises, and what it means for us: translated in one place."""

from collections.abc import Mapping
from http import HTTPStatus

from azure.core.exceptions import AzureError

from shared.errors import AlreadyExists, Conflict, CopilotError, StoreRejected, StoreUnavailable

SDK_FAULTS: tuple[type[Exception], ...] = (AzureError, KeyError)
"""A second 404/1002 without a write in between makes azure-cosmos 4.17 (`clear_session_token`) raise KeyError."""
READ_SESSION_NOT_AVAILABLE = 1002
PASSING = frozenset({408, 410, 429, 449, 500, 502, 503, 504})
"""The SDK retries reads; most writes it leaves to us, and ours can be repeated: marked creates, or under an etag."""

_KINDS: Mapping[int, type[CopilotError]] = {
    400: StoreRejected,
    # A role or firewall that is set up wrongly is ours to mend: the message must live until it is.
    401: StoreUnavailable,
    403: StoreUnavailable,
    409: AlreadyExists,
    412: Conflict,
    413: StoreRejected,
}


class DocumentMissing(StoreUnavailable):
    """A named document is not there. Only its caller knows what that means; others see an unavailable store."""


def is_passing(exc: Exception) -> bool:
    """Whether the same call may succeed a moment later; so may one that got no answer at all."""
    status = getattr(exc, "status_code", None)
    # This 404 says that a replica lags behind our session, not that the document is missing.
    lags_behind = status == HTTPStatus.NOT_FOUND and _sub_status(exc) == READ_SESSION_NOT_AVAILABLE
    return status is None or status in PASSING or lags_behind


def translated(exc: Exception, container: str) -> CopilotError:
    """Our error for the SDK's. A 404 with a sub-status is about the store, without one about the document."""
    status = getattr(exc, "status_code", None) or 0
    kind = _KINDS.get(status, StoreUnavailable)
    if status == HTTPStatus.NOT_FOUND and not _sub_status(exc):
        kind = DocumentMissing
    return kind(f"container {container}: {type(exc).__name__}")


def _sub_status(exc: Exception) -> int:
    return int(getattr(exc, "sub_status", None) or 0)
