"""The demo: a bad deploy in the shop, the page it causes, and what SRE Copilot says of it."""

import asyncio
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import starmap
from typing import Any

import httpx
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from dev.entra.tokens import API_AUDIENCE, entra_tenant_guid, mint
from dev.report import print_incident, print_where_to_look
from dev.seed import EMAIL, SLUG
from dev.sentences import CannotRun
from dev.shop.control import ShopControl
from dev.stack import Layout, Stack

CULPRIT = "payment"
BAD_VERSION = "1.5.0"
DECOY = "catalog"
DECOY_VERSION = "3.7.2"
BAD_BEHAVIOUR = {"error_ratio": 0.45, "latency_seconds": 0.25}

WARM_UP_SECONDS = 10
BETWEEN_DEPLOYS_SECONDS = 50
PAGE_WITHIN_SECONDS = 90
SETTLE_SECONDS = 6


@dataclass
class Story:
    """What happened when, in seconds since the demo began, for the report."""

    began: float = field(default_factory=time.monotonic)
    moments: dict[str, float] = field(default_factory=dict)

    def mark(self, moment: str) -> None:
        """Note that something happened now."""
        self.moments.setdefault(moment, time.monotonic() - self.began)


class ApiClient:
    """Reads incidents as a tenant's engineer's script would, with a token of the local identity provider."""

    def __init__(self, stack: Stack, slug: str = SLUG) -> None:
        ports, layout = stack.options.ports, stack.options.layout
        token = mint(
            layout.entra,
            port=ports.entra,
            tenant_id=entra_tenant_guid(slug),
            role="engineer",
            email=EMAIL.format(role="engineer", slug=slug),
            audience=API_AUDIENCE,
            now=datetime.now(UTC),
        )
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{ports.functions}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
            trust_env=False,
            # An incident that was merged answers with the way to the one that took it over.
            follow_redirects=True,
        )

    async def incidents(self) -> list[dict[str, Any]]:
        """The newest incidents, or none while the API starts."""
        answer = await self._http.get("/incidents", params={"limit": 50})
        return list(answer.raise_for_status().json()["items"])

    async def incident(self, incident_id: str) -> dict[str, Any]:
        """One incident with all that belongs to it."""
        return dict((await self._http.get(f"/incidents/{incident_id}")).raise_for_status().json())

    async def snapshot(self, incident_id: str, snapshot_id: str) -> dict[str, Any]:
        """What was looked at."""
        path = f"/incidents/{incident_id}/snapshots/{snapshot_id}"
        return dict((await self._http.get(path)).raise_for_status().json())

    async def receipt(self, receipt_id: str) -> dict[str, Any]:
        """What became of a delivery."""
        return dict((await self._http.get(f"/receipts/{receipt_id}")).raise_for_status().json())

    async def report_change(self, change: dict[str, Any]) -> None:
        """Tell of a change, as a deploy pipeline or a feature flag service would."""
        (await self._http.post("/changes", json=change)).raise_for_status()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


async def run_demo(stack: Stack, console: Console, report: Console) -> bool:
    """Play the story on a running stack and report what came of it; False when the answer is not the right one."""
    story = Story()
    api = ApiClient(stack)
    started = datetime.now(UTC)
    try:
        with _progress(console) as progress:
            await _break_the_shop(stack, story, progress)
            found = await _wait_for_answers(api, story, progress, started)
        incidents = [await api.incident(one["id"]) for one in found]
        snapshots = [await api.snapshot(one["id"], one["hypotheses"]["snapshot_id"]) for one in incidents]
        first = incidents[0]
        print_incident(report, first, snapshots[0], others=incidents[1:], moments=story.moments)
        verdict = all(starmap(names_the_culprit, zip(incidents, snapshots, strict=True)))
        print_where_to_look(report, stack, first["id"], verdict=verdict, culprit=CULPRIT, version=BAD_VERSION)
    finally:
        await api.aclose()
    return verdict


def forget_metrics(layout: Layout) -> None:
    """Let Prometheus and Alertmanager start anew; incidents stay.

    An earlier demo's bad deploy is not this one's normal, and Alertmanager would not send a page that its
    notification log says it has sent within the hour.
    """
    for name in ("prometheus", "alertmanager"):
        shutil.rmtree(layout.data / name, ignore_errors=True)


def names_the_culprit(incident: dict[str, Any], snapshot: dict[str, Any]) -> bool:
    """Whether the first hypothesis suspects the bad deploy itself, by the evidence that it cites."""
    hypotheses = incident["hypotheses"]["hypotheses"]
    if not hypotheses or hypotheses[0]["suspected_service"] != CULPRIT:
        return False
    pieces = [piece for section in snapshot["sections"] for piece in section["evidence"]]
    suspected = next((piece for piece in pieces if piece["id"] == hypotheses[0]["suspected_change"]), None)
    return suspected is not None and (suspected["service"], suspected["version"]) == (CULPRIT, BAD_VERSION)


async def _break_the_shop(stack: Stack, story: Story, progress: Progress) -> None:
    async with ShopControl(f"http://127.0.0.1:{stack.options.ports.shop}") as shop:
        await _wait(progress, "customers arrive, Prometheus learns what is normal", WARM_UP_SECONDS)
        await shop.deploy(DECOY, DECOY_VERSION)
        story.mark("decoy deployed")
        await _wait(progress, f"{DECOY} {DECOY_VERSION} is out (harmless)", BETWEEN_DEPLOYS_SECONDS)
        await shop.deploy(CULPRIT, BAD_VERSION, behaviour=BAD_BEHAVIOUR)
        story.mark("bad version deployed")


async def _wait_for_answers(
    api: ApiClient, story: Story, progress: Progress, started: datetime
) -> list[dict[str, Any]]:
    """The incidents of this demo, oldest first, once each has its hypotheses."""
    task = progress.add_task(f"{CULPRIT} {BAD_VERSION} is out (bad): waiting for the page", total=None)
    settled_at: float | None = None
    for _ in range(PAGE_WITHIN_SECONDS * 4):
        incidents = [one for one in await api.incidents() if datetime.fromisoformat(one["updated_at"]) >= started]
        if incidents:
            story.mark("incident opened")
            progress.update(task, description="paged: collecting context, ranking hypotheses")
        answered = [one for one in incidents if await _is_answered(api, one, started)]
        if answered:
            story.mark("hypotheses ready")
        if answered and len(answered) == len(incidents):
            settled_at = settled_at or time.monotonic()
            # Callers are paged a moment after the culprit; they belong to the same story.
            if time.monotonic() - settled_at > SETTLE_SECONDS:
                progress.update(task, total=1, completed=1)
                return sorted(incidents, key=lambda one: str(one["detected_at"]))
        await asyncio.sleep(0.25)
    raise CannotRun(f"no incident had its hypotheses {PAGE_WITHIN_SECONDS} s after the bad deploy; see .local/logs")


async def _is_answered(api: ApiClient, listed: dict[str, Any], started: datetime) -> bool:
    incident = await api.incident(listed["id"])
    if incident["id"] != listed["id"]:
        # Merged since it was listed; the next list has only the one that took it over.
        return False
    answer = incident["hypotheses"]
    return bool(answer) and datetime.fromisoformat(answer["created_at"]) >= started


async def _wait(progress: Progress, words: str, seconds: int) -> None:
    task = progress.add_task(words, total=seconds)
    for _ in range(seconds):
        await asyncio.sleep(1)
        progress.advance(task)


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=False
    )
