"""Every error the product raises on purpose. Each says whether to retry, and why, in a word.

CopilotError
├── retryable: our own fault or a passing one; the same message may be tried again
│   ├── StoreUnavailable      Cosmos DB throttles, times out or is down
│   ├── QueueUnavailable      a Storage queue cannot be written
│   ├── BlobUnavailable       a blob cannot be read or written
│   ├── KeysUnavailable       the key that wraps secrets cannot be reached
│   ├── Conflict              somebody else wrote first; read again and decide again
│   ├── ProviderUnavailable   the identity provider does not answer a sign-in or a renewal
│   ├── SourceUnavailable     a tenant's Prometheus (or similar) did not answer well
│   └── ModelUnavailable      the model did not give a usable answer
└── permanent: trying again changes nothing
    ├── Malformed             what came from outside cannot be understood
    ├── AlreadyExists         a create met a document with this id
    ├── NotAllowed            what is asked for cannot be done as things stand; `reason` says why
    ├── StoreRejected         the store refuses the write itself (too large, wrong key)
    ├── SecretUnreadable      a sealed secret fails its authentication
    ├── AddressRefused        a tenant-supplied URL points where we do not go
    └── Unauthenticated       no credential, or not a good one
"""

from collections.abc import Sequence
from typing import ClassVar

from shared.redaction import redact


class CopilotError(Exception):
    """Base of all; `reason` is a short constant that may label a metric.

    The message may be kept, shown and logged: what it quotes of a source's own words has its secrets masked.
    """

    retryable: ClassVar[bool] = False
    default_reason: ClassVar[str] = "unspecified"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(redact(message))
        self.reason = reason or self.default_reason


class StoreUnavailable(CopilotError):
    """Cosmos DB could not serve the call now."""

    retryable = True
    default_reason = "store_unavailable"


class QueueUnavailable(CopilotError):
    """A queue could not take the message now."""

    retryable = True
    default_reason = "queue_unavailable"


class BlobUnavailable(CopilotError):
    """Blob Storage could not serve the call now."""

    retryable = True
    default_reason = "blob_unavailable"


class KeysUnavailable(CopilotError):
    """The key that wraps secrets could not be reached now."""

    retryable = True
    default_reason = "keys_unavailable"


class ProviderUnavailable(CopilotError):
    """The identity provider could not be reached now."""

    retryable = True
    default_reason = "provider_unavailable"


class Conflict(CopilotError):
    """The document moved since it was read."""

    retryable = True
    default_reason = "conflict"


class SourceUnavailable(CopilotError):
    """A tenant's monitoring system did not answer, or not usefully; `reason` says how."""

    retryable = True
    default_reason = "source_unavailable"


class ModelUnavailable(CopilotError):
    """The model gave no usable answer; `reason` becomes the answer's stated reason.

    `retry_after_seconds` is what a throttled model asks for. Tokens that were paid for all the same are in `spent`,
    (prompt, cached, completion).
    """

    retryable = True
    default_reason = "model_unavailable"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        retry_after_seconds: float | None = None,
        spent: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_seconds = retry_after_seconds
        self.spent = spent


class Malformed(CopilotError):
    """Input that cannot be understood; `reason` names the first thing wrong with it."""

    default_reason = "malformed"


class AlreadyExists(CopilotError):
    """A create-once document is there already."""

    default_reason = "already_exists"


class NotAllowed(CopilotError):
    """What is asked for cannot be done in the state that things are in.

    `allowed` says what could be done instead, `retry_after_seconds` when to try again, where that is known.
    """

    default_reason = "not_allowed"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        allowed: Sequence[str] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message, reason=reason)
        self.allowed = allowed
        self.retry_after_seconds = retry_after_seconds


class StoreRejected(CopilotError):
    """The store will never take this write."""

    default_reason = "store_rejected"


class SecretUnreadable(CopilotError):
    """A sealed secret was altered, or sealed for another tenant or integration."""

    default_reason = "secret_unreadable"


class AddressRefused(CopilotError):
    """A tenant-supplied URL that the guarded client does not follow; `reason` says why."""

    default_reason = "address_refused"


class Unauthenticated(CopilotError):
    """No credential or a wrong one; never says which."""

    default_reason = "unauthenticated"
