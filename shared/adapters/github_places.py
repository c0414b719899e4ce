"""Which repository is whose, and which deployments there are worth a question: decided without I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from pydantic import TypeAdapter, ValidationError

from shared.adapters.github_answers import Listed
from shared.models.changes import ChangeStatus
from shared.models.connections import RepositoryPlace
from shared.ports.deployments import Deployment

LONGEST_WAIT: Final = timedelta(hours=24)
"""A deployment that was made so long before may still have reached its state in the time that is looked at."""
OWN_SHARE: Final = 3
_PLACE: Final = TypeAdapter(RepositoryPlace)


@dataclass(frozen=True)
class Place:
    """A repository with the services that were asked about and live there; the path is the first one's."""

    repository: str
    services: tuple[str, ...]
    path: str | None = None
    is_own: bool = False
    """Whether it holds the service that matters most."""


@dataclass(frozen=True)
class Mapped:
    """Whose code is where, as the integration says, and where people find the host."""

    repositories: Mapping[str, str]
    service_map: Mapping[str, str]
    web: str

    def sharing(self, repository: str) -> frozenset[str]:
        """Every service that lives in a repository."""
        named = {
            service
            for service, place in self.repositories.items()
            if place == repository or place.startswith(f"{repository}/")
        }
        return frozenset(named | {self.service_map[repository]} if repository in self.service_map else named)


def places_of(
    services: Sequence[str], repositories: Mapping[str, str], service_map: Mapping[str, str]
) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """The repositories of services, in their order, and the services without one.

    `service_map` knows repositories too, as the webhook's deliveries name their service by them.
    """
    by_repository: dict[str, Place] = {}
    unmapped = []
    for service in services:
        told = [repositories[service]] if service in repositories else []
        told += [name for name, mapped in service_map.items() if mapped == service and _is_place(name)]
        unmapped += [] if told else [service]
        for repository, path in map(_split, told):
            held = by_repository.get(repository)
            shared_by = tuple(dict.fromkeys((*held.services, service))) if held else (service,)
            by_repository[repository] = Place(
                repository, shared_by, held.path if held else path, is_own=shared_by[0] == services[0]
            )
    return tuple(by_repository.values()), tuple(unmapped)


def concerned(
    told: str | None, place: Place, everybody: Iterable[str], service_map: Mapping[str, str]
) -> tuple[str, ...]:
    """Which of a place's services a deployment there is of: the one its pipeline names, else any of them.

    In a repository of one service a deployment is that service's, whatever its pipeline calls it.
    """
    if told is None or len(set(everybody)) <= 1:
        return place.services
    named = service_map.get(told, told)
    if named in place.services:
        return (named,)
    return () if named in everybody else place.services


def worth_asking(listed: Iterable[Listed], *, since: datetime) -> list[Listed]:
    """Deployments in the order in which their states are wanted: production first, previews last, newest first.

    Of each environment those that may have reached their state since then, and the one before them.
    """
    by_environment: dict[str | None, list[Listed]] = {}
    for one in sorted(listed, key=lambda one: one.created_at, reverse=True):
        by_environment.setdefault(one.environment, []).append(one)
    lately = since - LONGEST_WAIT
    wanted: list[Listed] = []
    for made in sorted(by_environment.values(), key=_rank):
        recent = [one for one in made if one.created_at >= lately]
        if recent:
            wanted += made[: len(recent) + 1]
    return wanted


def in_turn(found: Iterable[tuple[Place, Sequence[Listed]]]) -> list[tuple[Place, Listed]]:
    """Deployments of all places in one order: three of the own service for each one of a neighbour."""
    ranked = [
        (number // OWN_SHARE if place.is_own else number, place, one)
        for place, listed in found
        for number, one in enumerate(listed)
    ]
    return [(place, one) for _, place, one in sorted(ranked, key=lambda one: one[0])]


def revisions(deployed: Iterable[Deployment], *, since: datetime) -> tuple[Deployment, Deployment] | None:
    """The last two different revisions that were deployed to one environment, the newer first and since then.

    One that is under way counts as deployed, for it may be what hurts; one that failed does not.
    """
    reached = [one for one in deployed if one.sha and one.status is not ChangeStatus.FAILED]
    newest_first = sorted(reached, key=lambda one: (one.is_production, one.at), reverse=True)
    for newer in (one for one in newest_first if one.at >= since):
        older = [
            one
            for one in newest_first
            if one.environment == newer.environment and one.at < newer.at and one.sha != newer.sha
        ]
        if older:
            return newer, max(older, key=lambda one: one.at)
    return None


def web_base(api_url: str) -> str:
    """Where people find what this API speaks of: github.com, a host of ghe.com, or an Enterprise Server."""
    parts = urlsplit(api_url)
    host = parts.netloc.removeprefix("api.") if not parts.path.rstrip("/") else parts.netloc
    path = parts.path.rstrip("/").removesuffix("/api/v3")
    return urlunsplit((parts.scheme, host, path, "", ""))


def _rank(made: Sequence[Listed]) -> tuple[bool, bool, float]:
    newest = made[0]
    return not newest.is_production, newest.is_transient, -newest.created_at.timestamp()


def _is_place(name: str) -> bool:
    try:
        _PLACE.validate_python(name)
    except ValidationError:
        return False
    return True


def _split(place: str) -> tuple[str, str | None]:
    owner, name, *path = place.split("/", 2)
    return f"{owner}/{name}", path[0] if path else None
