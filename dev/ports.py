"""The loopback ports of the local stack: its own range, so that it never fights a system service."""

import random
import socket
from dataclasses import dataclass

from dev.sentences import CannotRun

DEFAULT_BASE = 24000
"""Below 32768, where Linux begins to hand out ports to outgoing connections: those would block ours now and then."""


@dataclass(frozen=True)
class Ports:
    """Every port of one stack, as offsets from one base, so that two stacks can run side by side."""

    base: int = DEFAULT_BASE

    @property
    def functions(self) -> int:
        return self.base + 71

    @property
    def worker(self) -> int:
        """A second host, where HTTP and queue functions do not share one."""
        return self.base + 72

    @property
    def cosmos(self) -> int:
        return self.base + 81

    @property
    def prometheus(self) -> int:
        return self.base + 90

    @property
    def alertmanager(self) -> int:
        return self.base + 93

    @property
    def blob(self) -> int:
        return self.base + 100

    @property
    def queue(self) -> int:
        return self.base + 101

    @property
    def table(self) -> int:
        return self.base + 102

    @property
    def entra(self) -> int:
        return self.base + 110

    @property
    def openai(self) -> int:
        return self.base + 120

    @property
    def telemetry(self) -> int:
        return self.base + 130

    @property
    def shop(self) -> int:
        """The shop's control endpoint; its services take the ports after it."""
        return self.base + 200


_taken: list[socket.socket] = []
"""Hold the last port of each range until this process ends; no part of a stack listens on it."""
RANGE = 250


def a_free_base() -> int:
    """The first port of a range nobody listens in, for a stack beside others; raises CannotRun.

    The range is this process's until it ends, so that two that look for one at the same moment do not share it.
    """
    for _ in range(50):
        base = random.randrange(11_000, 31_000, RANGE)
        offsets = (71, 72, 81, 90, 93, 100, 101, 102, 110, 120, 130, *range(200, 207))
        if _take(base + RANGE - 1) and all(_is_free(base + offset) for offset in offsets):
            return base
    raise CannotRun("no free range of ports was found; stop another stack first")


def _take(port: int) -> bool:
    mark = socket.socket()
    try:
        mark.bind(("127.0.0.1", port))
    except OSError:
        mark.close()
        return False
    _taken.append(mark)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
