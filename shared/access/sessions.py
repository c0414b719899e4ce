"""What a session cookie holds, and what may be done with it: handles, rotation, proof against forged requests."""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from shared.models.sessions import Session

GRACE = timedelta(seconds=30)
"""So long does a replaced handle work: for a second tab that had it in hand."""
RENEW_WITHIN = timedelta(minutes=20)
"""A refresh renews the tokens when they expire this soon."""

# 16 random bytes find the session, 32 more prove it.
_HANDLE = re.compile(r"([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Handle:
    """What the cookie holds: random, and of use only with the store."""

    selector: str
    secret: str

    @classmethod
    def fresh(cls) -> "Handle":
        """A handle that nobody has seen."""
        return cls(secrets.token_urlsafe(16), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> "Handle | None":
        """A cookie's handle; None for what we could not have made."""
        found = _HANDLE.fullmatch(text)
        return cls(*found.groups()) if found else None

    @property
    def session_id(self) -> str:
        """The id of the session's document."""
        return f"ses-{hashed(self.selector)}"

    def next(self, rotation_key: str) -> "Handle":
        """The handle that replaces this one; two tabs that refresh at once come to the same."""
        return Handle(self.selector, _mac(rotation_key, self.secret))

    def __str__(self) -> str:
        return self.selector + self.secret


class Standing(StrEnum):
    """How a handle stands to its session."""

    CURRENT = "current"
    REPLACED = "replaced"
    """Replaced a moment ago, and still good."""
    REUSED = "reused"
    """Neither the current handle nor the one before: an old one, so somebody has it who should not."""
    OVER = "over"


def standing(session: Session, handle: Handle, now: datetime) -> Standing:
    """How this handle stands to the session that it found."""
    if now >= session.ends_at:
        return Standing.OVER
    shown = hashed(handle.secret)
    if hmac.compare_digest(shown, session.secret_hash):
        return Standing.CURRENT
    is_previous = session.previous_hash is not None and hmac.compare_digest(shown, session.previous_hash)
    return Standing.REPLACED if is_previous and now < session.rotated_at + GRACE else Standing.REUSED


def is_renewal_due(session: Session, now: datetime) -> bool:
    """Whether a refresh should ask the provider for new tokens."""
    return session.token_expires_at - now < RENEW_WITHIN


def csrf_token(csrf_key: str, session_id: str) -> str:
    """What the web app sends with every write: only scripts of our own origin can read it."""
    return _mac(csrf_key, f"csrf:{session_id}")


def is_csrf_token(shown: str, csrf_key: str, session_id: str) -> bool:
    """Whether this is the session's."""
    return hmac.compare_digest(shown.encode(), csrf_token(csrf_key, session_id).encode())


def hashed(text: str) -> str:
    """SHA-256, as the store keeps it."""
    return sha256(text.encode()).hexdigest()


def _mac(key: str, text: str) -> str:
    return urlsafe_b64encode(hmac.digest(key.encode(), text.encode(), "sha256")).decode().rstrip("=")
