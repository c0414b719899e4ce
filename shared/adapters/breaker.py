"""A circuit breaker for each source: what keeps failing is left alone for a while, and then asked once.

    with breakers.of(tenant_id, integration_id).guarding():
        answer = await http.request(...)

Closed, every call goes through. After `failures` calls in a row that the network or the server failed it is open: for
`cool_down_seconds` calls raise SourceUnavailable (`circuit_open`) at once. Then one call is let through as a probe
while the others are still refused; its success closes the breaker, its failure opens it for as long again.

Why none of the libraries: docs/decisions/0009-our-own-circuit-breaker.md. The pattern is of M. Nygard, Release It!
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from shared.errors import SourceUnavailable
from shared.models.base import TenantId
from shared.telemetry import Counter

FAILURES: Final = 5
COOL_DOWN_SECONDS: Final = 30.0
SILENT_SECONDS: Final = 5.0
"""A call that its caller gave up after this long without an answer counts as a failure, as nobody saw it time out."""
MAX_KEPT: Final = 2048

TRANSPORT_REASONS: Final = frozenset({"connect", "http_5xx", "protocol", "timeout", "tls", "unresolvable"})
"""The reasons of SourceUnavailable that say that a source cannot be reached; with any other it has answered."""

OWN_REASONS: Final = frozenset({"busy"})
"""Those that are ours: the source was not asked at all."""

Clock = Callable[[], float]
"""Seconds that never run backwards."""

_opened, _closed = Counter("circuit_opened"), Counter("circuit_closed")


class Breaker:
    """The breaker of one source, in this process. Nothing here waits, so that guarding a call costs nothing."""

    def __init__(
        self, *, failures: int = FAILURES, cool_down_seconds: float = COOL_DOWN_SECONDS, clock: Clock = time.monotonic
    ) -> None:
        self._allowed = failures
        self._cool_down_seconds = cool_down_seconds
        self._clock = clock
        self._failed = 0
        self._opened_at: float | None = None
        self._is_probed = False

    @property
    def is_open(self) -> bool:
        """Whether calls are refused, but for one probe once the cool-down is over."""
        return self._opened_at is not None

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Around one call; raises SourceUnavailable (`circuit_open`) without making it.

        A SourceUnavailable of TRANSPORT_REASONS is a failure; any other but OWN_REASONS, and no error at all, is a
        success, as the source has answered. A call that is cancelled is a failure after SILENT_SECONDS; before that
        it says nothing of the source, and nor does any other error.
        """
        is_probe, began = self._admit(), self._clock()
        try:
            yield
        except SourceUnavailable as exc:
            if exc.reason not in OWN_REASONS:
                self._settle(exc.reason if exc.reason in TRANSPORT_REASONS else None, is_probe=is_probe)
            raise
        except asyncio.CancelledError:
            if self._clock() >= began + SILENT_SECONDS:
                self._settle("given_up", is_probe=is_probe)
            raise
        else:
            self._settle(None, is_probe=is_probe)
        finally:
            # Also when the probe was given up, or nobody would ever be let through again.
            self._is_probed = self._is_probed and not is_probe

    def _admit(self) -> bool:
        """Whether the call is the probe."""
        if self._opened_at is None:
            return False
        if self._is_probed or self._clock() < self._opened_at + self._cool_down_seconds:
            raise SourceUnavailable("This source failed too often of late to be asked now.", reason="circuit_open")
        self._is_probed = True
        return True

    def _settle(self, failure: str | None, *, is_probe: bool) -> None:
        if self.is_open and not is_probe:
            return  # It began before the breaker opened: the probe decides, and late failures extend nothing.
        if failure is None:
            if self.is_open:
                _closed.add(reason="probe_answered")
            self._failed, self._opened_at = 0, None
            return
        self._failed += 1
        if is_probe or self._failed >= self._allowed:
            self._opened_at = self._clock()
            _opened.add(reason=failure)


class Breakers:
    """A breaker for each source of each tenant. The one used longest ago is forgotten first: it costs a few calls."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        cool_down_seconds: float = COOL_DOWN_SECONDS,
        clock: Clock = time.monotonic,
        max_kept: int = MAX_KEPT,
    ) -> None:
        self._failures = failures
        self._cool_down_seconds = cool_down_seconds
        self._clock = clock
        self._max_kept = max_kept
        self._kept: OrderedDict[tuple[TenantId, str], Breaker] = OrderedDict()

    def of(self, tenant_id: TenantId, source: str) -> Breaker:
        """The breaker of a source. `source` names it among the tenant's: the integration's id, and with it what
        changes when its connection does (the sealed config), so that a corrected connection starts anew.
        """
        key = tenant_id, source
        if key not in self._kept:
            self._kept[key] = Breaker(
                failures=self._failures, cool_down_seconds=self._cool_down_seconds, clock=self._clock
            )
        self._kept.move_to_end(key)
        while len(self._kept) > self._max_kept:
            self._kept.popitem(last=False)
        return self._kept[key]
