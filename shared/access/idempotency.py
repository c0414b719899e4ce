"""What to do with a request that comes with an Idempotency-Key, given what is known of that key."""

import re
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from shared.errors import Malformed
from shared.models.base import TenantId, document_id
from shared.models.requests import KEPT_FOR, LEASE, RequestClaim, RequestState

MAX_KEY_CHARS = 64
MAX_ANSWER_BYTES = 32 * 1024
_KEY = re.compile(rf"[!-~]{{1,{MAX_KEY_CHARS}}}")


class Meeting(StrEnum):
    """What a request finds under its key."""

    FIRST = "first"
    EXPIRED = "expired"
    RUN_AGAIN = "run_again"
    UNDER_WAY = "under_way"
    DONE = "done"
    ANOTHER_REQUEST = "another_request"


def key_of(values: list[str]) -> str | None:
    """The key of the header's values, with or without the quotes of a structured field; raises Malformed."""
    if not values:
        return None
    key = values[0].strip()
    if key.startswith('"') and key.endswith('"') and len(key) >= len('""'):
        key = key[1:-1]
    if len(values) > 1 or not _KEY.fullmatch(key):
        raise Malformed(
            f"Idempotency-Key: give one, of 1 to {MAX_KEY_CHARS} visible ASCII characters", reason="bad_key"
        )
    return key


def fingerprint(method: str, path: str, query: str, body: bytes) -> str:
    """What two requests must share to be the same one."""
    head = "\n".join((method, path, query))
    return sha256(f"{len(head)}:{head}".encode() + body).hexdigest()


def first_claim(tenant_id: TenantId, claim_id: str, mark: str, *, now: datetime) -> RequestClaim:
    """The claim of a request that nobody has run."""
    return RequestClaim(
        id=claim_id,
        tenant_id=tenant_id,
        fingerprint=mark,
        state=RequestState.UNDER_WAY,
        # With the time, as a key may be used for something new when it is forgotten.
        run_id=document_id("run", claim_id, now.isoformat()),
        lease_until=now + LEASE,
        created_at=now,
    )


def meet(held: RequestClaim | None, mark: str, *, now: datetime) -> Meeting:
    """What a request with this fingerprint finds."""
    if held is None:
        return Meeting.FIRST
    if now - held.created_at >= KEPT_FOR:
        # Documents outlive their time for a moment, as the store removes them when it has nothing else to do.
        return Meeting.EXPIRED
    if held.fingerprint != mark:
        return Meeting.ANOTHER_REQUEST
    if held.state is RequestState.DONE:
        return Meeting.DONE
    is_under_way = held.state is RequestState.UNDER_WAY and now < held.lease_until
    return Meeting.UNDER_WAY if is_under_way else Meeting.RUN_AGAIN
