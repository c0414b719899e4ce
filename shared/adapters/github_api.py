"""GitHub's REST API, or an Enterprise Server's: one question at a time, asked politely.

What was answered before is asked for with its ETag, for a 304 costs nothing of the hourly limit. When GitHub asks us
to wait, nothing more is asked until then. `Link` tells only whether a list goes on; its address is not followed.
(docs.github.com: best practices, rate limits and pagination of the REST API, version 2022-11-28.)
"""

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from hashlib import sha256
from typing import Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from shared.adapters.breaker import Breaker
from shared.adapters.guarded_http import Fields
from shared.adapters.kept_answers import Kept, KeptAnswers
from shared.adapters.once_more import PAUSE_SECONDS, once_more
from shared.adapters.prometheus import Connection
from shared.adapters.tenant_slots import TenantSlots
from shared.errors import SourceUnavailable
from shared.models.base import TenantId

API_VERSION: Final = "2022-11-28"
USER_AGENT: Final = "sre-copilot"
"""GitHub refuses callers that do not name themselves."""
_HEADERS: Final = {
    "accept": "application/vnd.github+json",
    "x-github-api-version": API_VERSION,
    "user-agent": USER_AGENT,
}
ASK_SECONDS: Final = 4.0
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
USUAL_WAIT_SECONDS: Final = 60.0
"""What GitHub asks for where it names no time."""
LONGEST_WAIT_SECONDS: Final = 3600.0
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_MOVED: Final = frozenset((301, 302, 307, 308))
_UNAUTHORISED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_NEXT: Final = re.compile(r"<[^>]*>;[^,]*\brel=\"?next\b", re.I)


class HeadedAnswer(Protocol):
    """A whole answer."""

    @property
    def status(self) -> int:
        """The status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, whatever their case."""
        ...

    @property
    def body(self) -> bytes:
        """The decoded body."""
        ...


class GitHubHttp(Protocol):
    """What is needed of the guarded client; raises SourceUnavailable and AddressRefused."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Fields | None = None,
        timeout_seconds: float | None = None,
        max_bytes: int | None = None,
        answers: Collection[int] = (),
    ) -> HeadedAnswer:
        """One request."""
        ...


@dataclass(frozen=True)
class ApiAnswer:
    """A body, and whether there is a next page."""

    body: bytes
    more: bool


class GitHubApi:
    """The API behind one connection. `get` raises SourceUnavailable and AddressRefused, each with its reason."""

    def __init__(
        self,
        http: GitHubHttp,
        connection: Connection,
        *,
        tenant_id: TenantId,
        kept: KeptAnswers,
        slots: TenantSlots,
        breaker: Breaker | None = None,
        ask_seconds: float = ASK_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._connection = connection
        self._tenant_id = tenant_id
        self._kept = kept
        self._slots = slots
        self._breaker = breaker or Breaker()
        self._ask_seconds = ask_seconds
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._quiet_until = 0.0

    async def get(self, path: str, params: Mapping[str, str | int], *, what: str) -> ApiAnswer:
        """The answer at a path below the base URL; `what` names it in messages to people."""
        # By the credential too: what one token may see, another may not.
        proof = self._connection.headers()
        whose = sha256("".join(proof.values()).encode()).hexdigest()
        key = (self._tenant_id, whose, self._url(path), *(f"{name}={params[name]}" for name in params))
        held = self._kept.get(key)
        known = {"if-none-match": held.etag} if held else {}
        answer = await self._send(path, params, {**proof, **known})
        if answer.status == _NOT_MODIFIED and held:
            return ApiAnswer(held.body, held.more)
        self._refuse(answer, what)
        more = bool(_NEXT.search(answer.headers.get("link", "")[:4096]))
        self._kept.keep(key, Kept(answer.headers.get("etag", ""), answer.body, more))
        return ApiAnswer(answer.body, more)

    async def _send(self, path: str, params: Fields, headers: Mapping[str, str]) -> HeadedAnswer:
        async with self._slots.taken(self._tenant_id, within_seconds=self._ask_seconds):
            # Asked last, for a question that waited for its slot may meanwhile have become one too many.
            if self._clock() < self._quiet_until:
                raise _throttled()
            request = partial(
                self._http.request,
                "GET",
                self._url(path),
                headers={**_HEADERS, **headers},
                params=params,
                timeout_seconds=self._ask_seconds,
                max_bytes=MAX_ANSWER_BYTES,
                answers=(_NOT_MODIFIED, *_MOVED),
            )
            with self._breaker.guarding():
                return await once_more(request, pause_seconds=self._pause_seconds)

    def _url(self, path: str) -> str:
        base = urlsplit(self._connection.url)
        return urlunsplit(base._replace(path=base.path.rstrip("/") + path, query="", fragment=""))

    def _refuse(self, answer: HeadedAnswer, what: str) -> None:
        if answer.status == _OK:
            return
        if answer.status in (_FORBIDDEN, _TOO_MANY):
            wait = wait_asked_for(answer)
            if wait is not None:
                self._quiet_until = self._clock() + min(max(wait, 1.0), LONGEST_WAIT_SECONDS)
                raise _throttled()
        raise _refusal(answer.status, what)


def wait_asked_for(answer: HeadedAnswer) -> float | None:
    """How many seconds GitHub wants us to wait; None when it refuses for another reason."""
    headers = answer.headers
    told = _date(headers.get("date", ""))
    after = headers.get("retry-after", "")
    if after.isascii() and after.isdecimal():
        return float(after[:9])
    until = _date(after)
    if until and told:
        return (until - told).total_seconds()
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0":
        # By GitHub's clock on both sides, as ours may be wrong.
        is_told = told is not None and reset.isascii() and reset.isdecimal()
        return float(reset[:12]) - told.timestamp() if is_told and told else USUAL_WAIT_SECONDS
    is_limit = answer.status == _TOO_MANY or b"rate limit" in answer.body[:2000].lower()
    return USUAL_WAIT_SECONDS if is_limit else None


def _refusal(status: int, what: str) -> SourceUnavailable:
    if status in _MOVED:
        return SourceUnavailable(f"GitHub has moved {what}: give its new name.", reason="moved")
    if status == _UNAUTHORISED:
        return SourceUnavailable("GitHub does not accept the token: wrong, or expired.", reason="unauthorised")
    if status == _FORBIDDEN:
        return SourceUnavailable(f"GitHub does not let this token read {what}.", reason="unauthorised")
    if status == _NOT_FOUND:
        # GitHub hides what a token may not see.
        words = f"GitHub shows no {what}: it does not exist, or the token may not read it."
        return SourceUnavailable(words, reason="not_found")
    return SourceUnavailable(f"GitHub answers {what} with status {status}.", reason="refused")


def _throttled() -> SourceUnavailable:
    return SourceUnavailable("GitHub asks us to slow down.", reason="throttled")


def _date(text: str) -> datetime | None:
    try:
        told = parsedate_to_datetime(text[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
