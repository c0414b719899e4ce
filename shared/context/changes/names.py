"""Whose change it is: finds a service around by the name that somebody else gives it.

Never by likeness: a wrong match shows another service's change as evidence. Of two candidates none is taken.
"""

import re
from collections.abc import Callable, Iterable, Sequence

_KIND = re.compile(r"-(?:service|svc|deployment)$")
_BETWEEN = re.compile(r"[^\w./-]+")
_SHORTEST_WORD = 3
_ELSEWHERE = frozenset((
    "ci", "dev", "development", "integration", "int", "local", "pre-prod", "preprod", "preview", "qa", "review",
    "sandbox", "stage", "staging", "test", "testing", "uat",
))  # fmt: skip


def folded(name: str) -> str:
    """Equal for names that differ in case, or in `_` and `-`."""
    return name.casefold().replace("_", "-")


def bare(name: str) -> str:
    """Folded, without a namespace before a slash and without what Kubernetes objects add."""
    return _KIND.sub("", folded(name).rpartition("/")[2])


class Around:
    """The services that are looked at, the alerting one first."""

    def __init__(self, services: Sequence[str]) -> None:
        self.services = tuple(dict.fromkeys(services))
        self._exact = frozenset(self.services)
        self._by_fold = _by(folded, self.services)
        self._by_bare = _by(bare, self.services)

    def of(self, name: str) -> str | None:
        """The service that goes by this name, or None when none does, or more than one could."""
        if name in self._exact:
            return name
        same = self._by_fold.get(folded(name)) or self._in_namespace(name)
        return same[0] if len(same) == 1 else None

    def named_in(self, *texts: str) -> list[str]:
        """The services that these texts name as words of their own."""
        words = (word.strip(".-/") for text in texts for word in _BETWEEN.split(text))
        found = (self.of(word) for word in words if len(word) >= _SHORTEST_WORD or word in self._exact)
        return list(dict.fromkeys(name for name in found if name))

    def _in_namespace(self, name: str) -> list[str]:
        """Two different namespaces are two services; one that only one of the two tells is no contradiction."""
        namespace = folded(name).rpartition("/")[0]
        candidates = self._by_bare.get(bare(name), [])
        return [one for one in candidates if not namespace or folded(one).rpartition("/")[0] in ("", namespace)]


def is_elsewhere(environment: str | None, ours: Iterable[str]) -> bool:
    """Whether a change was made where the trouble is not: in an environment for trying out that is not ours."""
    if not environment:
        return False
    name = folded(environment)
    if name in {folded(one) for one in ours}:
        return False
    return name in _ELSEWHERE or name.startswith(("pr-", "preview", "review"))


def _by(spelling: Callable[[str], str], names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(spelling(name), []).append(name)
    return found
