"""One look at what GitHub says was deployed, within so many questions.

Three rounds, each of questions side by side: which deployments and releases there are; what became of the deployments
that matter most, for a deployment has no state of its own; and the commits between the last two revisions deployed.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol, TypeVar

from shared.adapters.github_answers import (
    MAX_ITEMS,
    Compared,
    Listed,
    Read,
    Standing,
    comparison_in,
    deployments_in,
    releases_in,
    shas_in,
    standing_in,
)
from shared.adapters.github_api import ApiAnswer
from shared.adapters.github_places import Mapped, Place, concerned, in_turn, revisions, worth_asking
from shared.errors import AddressRefused, SourceUnavailable
from shared.ports.deployments import Commit, Comparison, Deployed, Deployment, Direction, Release

MAX_REQUESTS: Final = 12
MAX_PAGES: Final = 2
"""Of the deployments of the service that matters most; of others the first."""
MAX_RELEASES: Final = 20
"""Each comes with all of its notes."""
MAX_COMMITS: Final = 50
KEPT_FOR_COMPARING: Final = 2
"""Questions that the states of deployments leave over."""

T = TypeVar("T")


class Asking(Protocol):
    """One question to GitHub; raises SourceUnavailable and AddressRefused."""

    async def get(self, path: str, params: Mapping[str, str | int], *, what: str) -> ApiAnswer:
        """The answer."""
        ...


@dataclass
class Looking:
    """One look that is under way: what it found so far, and how many requests it has left."""

    api: Asking
    mapped: Mapped
    since: datetime
    until: datetime
    left: int = MAX_REQUESTS
    answered: int = 0
    deployments: list[Deployment] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    comparison: Comparison | None = None
    warnings: list[str] = field(default_factory=list)
    failures: list[SourceUnavailable | AddressRefused] = field(default_factory=list)

    async def through(self, places: Sequence[Place]) -> None:
        """All three rounds."""
        own = [place for place in places if place.is_own]
        lists = [self._listed(place) for place in places]
        listed, _ = await asyncio.gather(asyncio.gather(*lists), asyncio.gather(*map(self._released, own)))
        wanted = in_turn(zip(places, listed, strict=True))
        affordable = max(0, self.left - KEPT_FOR_COMPARING)
        if len(wanted) > affordable:
            self.warnings.append(f"the states of {len(wanted) - affordable} more deployments were not asked for")
        await asyncio.gather(*(self._standing(place, one) for place, one in wanted[:affordable]))
        for place in own:
            self.comparison = self.comparison or await self._compared(place)

    def found(self, unmapped: tuple[str, ...]) -> Deployed:
        """What was found; raises the first failure when nothing was answered at all."""
        if self.failures and not self.answered:
            raise self.failures[0]
        lately = [one for one in self.deployments if self.since <= one.at <= self.until]
        return Deployed(
            deployments=tuple(sorted(lately, key=lambda one: (one.at, one.deployment_id), reverse=True)),
            releases=tuple(sorted(self.releases, key=lambda one: (one.published_at, one.tag), reverse=True)),
            comparison=self.comparison,
            unmapped=unmapped,
            warnings=tuple(dict.fromkeys((*self.warnings, *map(str, self.failures)))),
            failure=self.failures[0].reason if self.failures else None,
            questions=MAX_REQUESTS - self.left,
        )

    def note(self, failure: SourceUnavailable | AddressRefused) -> None:
        """Something could not be asked; the rest goes on."""
        self.failures.append(failure)

    async def _listed(self, place: Place) -> list[Listed]:
        """Deployments of a place whose states are wanted."""
        path, what = f"/repos/{place.repository}/deployments", f"deployments of {place.repository}"
        found: list[Listed] = []
        for page in range(1, (MAX_PAGES if place.is_own else 1) + 1):
            answer = await self._ask(path, {"per_page": MAX_ITEMS, "page": page}, what=what, read=_with_more)
            if answer is None:
                break
            read, more = answer
            self._count(read.unread, what)
            found += [one for one in read.items if self._concerned(place, one)]
            # Enough is known once a page reaches back beyond all that is wanted of it.
            if not more or len(worth_asking(found, since=self.since)) < len(found):
                break
        return worth_asking(found, since=self.since)

    async def _released(self, place: Place) -> None:
        what = f"releases of {place.repository}"
        read = await self._ask(
            f"/repos/{place.repository}/releases",
            {"per_page": MAX_RELEASES},
            what=what,
            read=lambda answer: releases_in(answer.body, place.repository),
        )
        if read is not None:
            self._count(read.unread, what)
            self.releases += [one for one in read.items if self.since <= one.published_at <= self.until]

    async def _standing(self, place: Place, listed: Listed) -> None:
        reached = await self._ask(
            f"/repos/{place.repository}/deployments/{listed.deployment_id}/statuses",
            {"per_page": MAX_ITEMS},
            what=f"deployment {listed.deployment_id} of {place.repository}",
            read=_standing_in,
        )
        self.deployments += [self._deployment(place, listed, standing) for standing in reached or ()]

    def _deployment(self, place: Place, listed: Listed, standing: Standing) -> Deployment:
        commit = f"{self.mapped.web}/{place.repository}/commit/{listed.sha}" if listed.sha else None
        return Deployment(
            repository=place.repository,
            deployment_id=listed.deployment_id,
            services=self._concerned(place, listed),
            status=standing.status,
            at=standing.at,
            began_at=standing.began_at,
            environment=listed.environment,
            is_production=listed.is_production,
            is_rollback=listed.is_rollback,
            ref=listed.ref,
            sha=listed.sha,
            title=listed.title,
            author=listed.author,
            url=standing.url or commit,
        )

    def _concerned(self, place: Place, listed: Listed) -> tuple[str, ...]:
        everybody = self.mapped.sharing(place.repository)
        return concerned(listed.service, place, everybody, self.mapped.service_map)

    async def _compared(self, place: Place) -> Comparison | None:
        mine = [
            one
            for one in self.deployments
            if one.repository == place.repository and place.services[0] in one.services
        ]
        pair = revisions(mine, since=self.since)
        if pair is None:
            return None
        head, base = pair
        compared = await self._compare(place, base.sha or "", head.sha or "")
        if compared is not None and compared.direction is Direction.BACK:
            taken_back = await self._compare(place, head.sha or "", base.sha or "")
            compared = replace(taken_back, direction=Direction.BACK) if taken_back else compared
        if compared is None:
            return None
        listed_from = base if compared.direction is Direction.BACK else head
        commits, path = await self._of_path(place, listed_from, compared.commits)
        return Comparison(
            repository=place.repository,
            environment=head.environment,
            base=base.sha or "",
            head=head.sha or "",
            direction=compared.direction,
            commits=tuple(reversed(commits))[:MAX_COMMITS],
            total=compared.total,
            path=path,
            url=compared.url,
        )

    async def _compare(self, place: Place, base: str, head: str) -> Compared | None:
        """The first page, mostly all there is; of many commits the last page too, as that has the newest."""
        path, what = f"/repos/{place.repository}/compare/{base}...{head}", f"comparison in {place.repository}"
        first = await self._ask(path, {"per_page": MAX_COMMITS, "page": 1}, what=what, read=_compared_in)
        if first is None or first.total <= MAX_COMMITS:
            return first
        last_page = -(-first.total // MAX_COMMITS)
        last = await self._ask(path, {"per_page": MAX_COMMITS, "page": last_page}, what=what, read=_compared_in)
        if last is None:
            return first
        # Never with a gap: what is listed is the newest of all.
        joins = first.total <= 2 * MAX_COMMITS
        return replace(first, commits=(*first.commits, *last.commits) if joins else last.commits)

    async def _of_path(
        self, place: Place, head: Deployment, commits: Sequence[Commit]
    ) -> tuple[Sequence[Commit], str | None]:
        """The commits that touch the service's own path, and that path, where a repository is shared."""
        if place.path is None or not commits:
            return commits, None
        touching = await self._ask(
            f"/repos/{place.repository}/commits",
            {"sha": head.sha or "", "path": place.path, "per_page": MAX_ITEMS},
            what=f"commits of {place.repository}",
            read=lambda answer: shas_in(answer.body),
        )
        if touching is None:
            return commits, None
        return [one for one in commits if one.sha in touching], place.path

    async def _ask(
        self, path: str, params: Mapping[str, str | int], *, what: str, read: Callable[[ApiAnswer], T]
    ) -> T | None:
        """One question, read; None when there is no answer, which is noted."""
        if self.left <= 0:
            self.warnings.append(f"{what}: not asked, for a look has {MAX_REQUESTS} questions")
            return None
        self.left -= 1
        try:
            found = read(await self.api.get(path, params, what=what))
        except (SourceUnavailable, AddressRefused) as exc:
            self.note(exc)
            return None
        self.answered += 1
        return found

    def _count(self, unread: int, what: str) -> None:
        if unread:
            self.warnings.append(f"{unread} entries among the {what} make no sense and are left out")


def _standing_in(answer: ApiAnswer) -> tuple[Standing, ...]:
    standing = standing_in(answer.body)
    return (standing,) if standing else ()


def _with_more(answer: ApiAnswer) -> tuple[Read[Listed], bool]:
    return deployments_in(answer.body), answer.more


def _compared_in(answer: ApiAnswer) -> Compared:
    return comparison_in(answer.body)
