"""How two services stand to each other in the measured call graph."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

CALLEE = 1.0
"""The effect calls the cause."""
CALLEE_FAR = 0.75
"""It does through a service that has no alert."""
CALLER = 0.4
"""The cause calls the effect, and may ask too much of it."""
NOTHING = 0.0


@dataclass(frozen=True)
class CallGraph:
    """The measured calls, by caller and by callee."""

    callees: Mapping[str, frozenset[str]]
    callers: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        callers: dict[str, set[str]] = defaultdict(set)
        for caller, callees in self.callees.items():
            for callee in callees:
                callers[callee].add(caller)
        object.__setattr__(self, "callers", {name: frozenset(found) for name, found in callers.items()})

    def knows(self, name: str) -> bool:
        """Whether any call of or to the service was measured."""
        return name in self.callees or name in self.callers

    def around(self, name: str) -> frozenset[str]:
        """Every service within two calls that may explain this one."""
        callees = self.callees.get(name, frozenset())
        further = (self.callees.get(callee, frozenset()) for callee in callees)
        return self.callers.get(name, frozenset()).union(callees, *further)

    def explaining(self, effect: str, alerting: frozenset[str]) -> dict[str, float]:
        """The alerting services that calls relate the effect with, and how well that would explain it."""
        found: dict[str, float] = {}
        for value, cause in self._explaining(effect, alerting):
            if cause != effect:
                found[cause] = max(value, found.get(cause, NOTHING))
        return found

    def _explaining(self, effect: str, alerting: frozenset[str]) -> Iterator[tuple[float, str]]:
        for caller in self.callers.get(effect, frozenset()) & alerting:
            yield CALLER, caller
        for callee in self.callees.get(effect, frozenset()):
            if callee in alerting:
                yield CALLEE, callee
                continue
            for further in self.callees.get(callee, frozenset()) & alerting:
                yield CALLEE_FAR, further
