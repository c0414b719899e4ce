"""Finds a service of ours among the names a Prometheus has: by the tenant's word, exactly, or by known spellings.

Never by likeness: a wrong match shows another service's metrics as evidence. Of two candidates none is taken.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from shared.context.conventions.rows import Binding, Carrier
from shared.context.conventions.subjects import SUBJECTS
from shared.context.conventions.table import BINDINGS
from shared.models.conventions import Detected, ServiceNames

_MAX_TOLD = 5


class MatchReason(StrEnum):
    """How a name was found, the surest first."""

    MAPPED = "mapped"
    """The tenant's mapping says so."""
    EXACT = "exact"
    FOLDED = "folded"
    """But for case, and `_` for `-`."""
    NAMESPACED = "namespaced"
    """One of the two has a namespace before a slash, as OpenTelemetry's `job` does."""
    KUBERNETES = "kubernetes"
    """But for what Kubernetes and its proxies add: `-service`, a hash, a port, a cluster address."""
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Match:
    """The name that stands for a service; None with the candidates when there is more than one, or none."""

    name: str | None
    reason: MatchReason
    candidates: tuple[str, ...] = ()


def folded(name: str) -> str:
    """Equal for names that differ in case, or in `_` and `-`."""
    return name.casefold().replace("_", "-")


_CLUSTER = re.compile(r"^(?:in|out)bound\|[0-9]*\|[^|]*\|")
_PORT = re.compile(r":[0-9]{1,5}$")
_HASH = re.compile(r"-(?=[a-z]*[0-9])[bcdfghjklmnpqrstvwxz2456789]{8,10}(?:-[bcdfghjklmnpqrstvwxz2456789]{5})?$")
"""Of a ReplicaSet or its pod; with a digit in it, as words have none."""
_KINDS = ("-service", "-svc", "-deployment", "-hpa")
_KIND = re.compile(f"(?:{'|'.join(_KINDS)})$")


def plain(name: str) -> str:
    """Folded, and without what Kubernetes, Istio and Envoy put around a service's name."""
    host = _PORT.sub("", _CLUSTER.sub("", folded(name)))
    if host.endswith(".svc") or ".svc." in host:
        host = host.partition(".")[0]
    return _KIND.sub("", _HASH.sub("", host.rpartition("/")[2]))


def workload_names(services: Iterable[str]) -> list[str]:
    """What Kubernetes may call what runs these services, where that is neither their name nor has a hash."""
    bare = {plain(service) for service in services} - {""}
    return sorted(f"{name}{kind}" for name in bare for kind in ("", *_KINDS))


class Names:
    """The names under one binding, found again by their spellings. What is not looked for is not built."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)

    def find(self, reason: MatchReason, service: str, others: Sequence[str]) -> tuple[str, ...]:
        """The names that stand for a service in this way; `others` are what the tenant also calls it."""
        match reason:
            case MatchReason.MAPPED:
                return tuple(name for name in others if name in self._names)
            case MatchReason.EXACT:
                return (service,) if service in self._names else ()
            case MatchReason.FOLDED:
                return self._folded.get(folded(service), ())
            case MatchReason.NAMESPACED:
                return self._beside_namespace(folded(service))
            case MatchReason.KUBERNETES:
                return self._beside_kubernetes(service)
        return ()

    def _beside_namespace(self, service: str) -> tuple[str, ...]:
        """Two different namespaces are two different services."""
        namespace, _, last = service.rpartition("/")
        if namespace:
            return self._folded.get(last, ())
        return self._spelled(name for name in self._with(f"/{service}\n") if name.endswith(f"/{service}"))

    def _beside_kubernetes(self, service: str) -> tuple[str, ...]:
        """A namespace that only one of the two tells is no contradiction; two that differ are."""
        namespace, bare = folded(service).rpartition("/")[0], plain(service)
        alike = (name for name in self._with(bare) if plain(name) == bare) if bare else ()
        spaces = ("", namespace)
        return self._spelled(name for name in alike if not namespace or name.rpartition("/")[0] in spaces)

    def _spelled(self, spellings: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for spelled in dict.fromkeys(spellings) for name in self._folded[spelled])

    def _with(self, part: str) -> Iterator[str]:
        """The folded names that hold this text. Thousands are searched as one string: a loop over them takes long."""
        at = self._lines.find(part)
        while at >= 0:
            begin, end = self._lines.rfind("\n", 0, at + 1) + 1, self._lines.find("\n", at)
            yield self._lines[begin:end]
            at = self._lines.find(part, end + 1)

    @cached_property
    def _lines(self) -> str:
        """A line a name; one with a line break of its own is found exactly, or not at all."""
        return "".join(f"{name}\n" for name in self._folded if "\n" not in name)

    @cached_property
    def _folded(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self._names):
            found[folded(name)].append(name)
        return {spelled: tuple(names) for spelled, names in found.items()}


_TIERS = tuple(one for one in MatchReason if one not in (MatchReason.AMBIGUOUS, MatchReason.UNKNOWN))


def match(service: str, names: Names, others: Sequence[str] = ()) -> Match:
    """The surest name for a service among these; the first way that finds any decides."""
    for reason in _TIERS:
        found = names.find(reason, service, others)
        if found:
            return Match(found[0], reason) if len(found) == 1 else Match(None, MatchReason.AMBIGUOUS, found)
    return Match(None, MatchReason.UNKNOWN)


@dataclass(frozen=True)
class Place:
    """Under which binding, and by which name there, a service is measured."""

    binding: Binding
    name: str
    reason: MatchReason

    @property
    def is_certain(self) -> bool:
        """Whether no other name could stand for the service as well."""
        return self.reason in (MatchReason.MAPPED, MatchReason.EXACT)


@dataclass(frozen=True)
class Resolution:
    """Where services are measured. Who is in neither mapping is known by no name."""

    places: Mapping[str, Place]
    candidates: Mapping[str, tuple[str, ...]]
    """Of services that could be more than one."""

    @property
    def bound(self) -> Mapping[Binding, Mapping[str, str]]:
        """By binding: the services, each with its name there."""
        found: dict[Binding, dict[str, str]] = defaultdict(dict)
        for service, place in self.places.items():
            found[place.binding][service] = place.name
        return found

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person can mend."""
        return tuple(
            f"{service} could be {_listed(names)}: the service names of the tenant can say which"
            for service, names in self.candidates.items()
        )


class Index:
    """What was detected, by binding; each is built when it is first looked into."""

    def __init__(self, detected: Detected) -> None:
        self.detected = detected
        self._names: dict[str, Names] = {}
        known = detected.bindings
        self._bindings = tuple(one for one in BINDINGS if one.name in known)

    def names(self, listed_as: str) -> Names:
        """Those under a binding, or where subjects of limits are named."""
        if listed_as not in self._names:
            self._names[listed_as] = Names(self.detected.names(listed_as))
        return self._names[listed_as]

    def place(self, service: str, others: Sequence[str]) -> Place | tuple[str, ...]:
        """The surest place of a service; else the candidates, of which there may be none.

        What finds a name exactly somewhere never looks for likelier spellings elsewhere.
        """
        candidates: tuple[str, ...] = ()
        open_bindings = list(self._bindings)
        for reason in _TIERS:
            found = [(binding, self.names(binding.name).find(reason, service, others)) for binding in open_bindings]
            sure = [Place(binding, names[0], reason) for binding, names in found if len(names) == 1]
            if sure:
                return min(sure, key=self._has_gone)
            candidates = candidates or next((names for _, names in found if names), ())
            open_bindings = [binding for binding, names in found if not names]
        return candidates

    def _has_gone(self, place: Place) -> bool:
        """Of equally sure names, one that is there goes before one that has gone."""
        return not self.detected.is_there(place.binding.name, place.name)


def resolve(services: Iterable[str], index: Index, mapping: ServiceNames) -> Resolution:
    """Each service under the surest of its names, and of equally sure ones under the first row of the table."""
    found = {service: index.place(service, mapping.group_of(service)) for service in dict.fromkeys(services)}
    return Resolution(
        places={service: place for service, place in found.items() if isinstance(place, Place)},
        candidates={service: names for service, names in found.items() if names and not isinstance(names, Place)},
    )


def subjects(
    services: Iterable[str], index: Index, mapping: ServiceNames
) -> Mapping[tuple[Carrier, str], Mapping[str, str]]:
    """By carrier and label: the services that have limits there, each with its name.

    Pods are named after workloads of every kind, so a deployment is a subject of both carriers.
    """
    found: dict[tuple[Carrier, str], dict[str, str]] = defaultdict(dict)
    wanted = list(dict.fromkeys(services))
    for subject in SUBJECTS:
        carriers = {subject.carrier, Carrier.POD} if subject.carrier is Carrier.DEPLOYMENT else {subject.carrier}
        for label in subject.labels:
            names = index.names(subject.listed_as(label))
            for service in wanted:
                name = match(service, names, mapping.group_of(service)).name
                if name is None:
                    continue
                for carrier in carriers:
                    found[carrier, label if carrier is Carrier.PROCESS else ""].setdefault(service, name)
    return found


def _listed(names: Sequence[str]) -> str:
    more = f" or {len(names) - _MAX_TOLD} more" if len(names) > _MAX_TOLD else ""
    return " or ".join(names[:_MAX_TOLD]) + more
