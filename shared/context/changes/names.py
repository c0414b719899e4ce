"""Whose change it is: finds a service around by the name that somebody else gives it, as its metrics are found."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from shared.context.service_names import Names, folded, match
from shared.models.conventions import ServiceNames

T = TypeVar("T")

MAX_ASKED = 100
"""How many names one question has: the services' own come first, then what else the tenant calls them."""
_BETWEEN = re.compile(r"[^\w./-]+")
_SHORTEST_WORD = 3
_ELSEWHERE = frozenset((
    "ci", "dev", "development", "integration", "int", "local", "pre-prod", "preprod", "preview", "qa", "review",
    "sandbox", "stage", "staging", "test", "testing", "uat",
))  # fmt: skip


class Around:
    """The services that are looked at, the alerting one first, and what the tenant calls them."""

    def __init__(self, services: Sequence[str], mapping: ServiceNames | None = None) -> None:
        self.services = tuple(dict.fromkeys(services))
        self._names = Names(self.services)
        self._mapping = mapping
        self._found: dict[str, str | None] = {}

    @property
    def asked(self) -> list[str]:
        """Every name by which others may know them."""
        others = (other for service in self.services for other in self._others(service))
        return list(dict.fromkeys((*self.services, *others)))[:MAX_ASKED]

    def of(self, name: str) -> str | None:
        """The service that goes by this name, or None when none does, or more than one could."""
        if name not in self._found:
            self._found[name] = match(name, self._names, self._others(name)).name if name else None
        return self._found[name]

    def named_in(self, *texts: str) -> list[str]:
        """The services that these texts name as words of their own."""
        words = (word.strip(".-/") for text in texts for word in _BETWEEN.split(text))
        found = (self.of(word) for word in words if len(word) >= _SHORTEST_WORD or word in self.services)
        return list(dict.fromkeys(name for name in found if name))

    def only(self, service: str, held: dict[str, T]) -> tuple[str, T] | None:
        """Of what has names that could each be this service's: what has its own name, or the only one there is."""
        if service in held:
            return service, held[service]
        return next(iter(held.items())) if len(held) == 1 else None

    def _others(self, name: str) -> tuple[str, ...]:
        return self._mapping.group_of(name) if self._mapping else ()


def is_elsewhere(environment: str | None, ours: Iterable[str]) -> bool:
    """Whether a change was made where the trouble is not: in an environment for trying out that is not ours."""
    if not environment:
        return False
    name = folded(environment)
    if name in {folded(one) for one in ours}:
        return False
    return name in _ELSEWHERE or name.startswith(("pr-", "preview", "review"))
