"""The loopback ports of the local stack: its own range, so that it never fights a system service."""

from dataclasses import dataclass

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
    def shop(self) -> int:
        """The shop's control endpoint; its services take the ports after it."""
        return self.base + 200
