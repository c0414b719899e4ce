"""Secrets that everybody who is asked may tell: none is in the snapshot, the log, or what the model is shown."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote, unquote

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.adapters.memory.sources import (
    MemoryAnnotations,
    MemoryDeployments,
    MemorySilencing,
    ScriptedAnnotations,
    ScriptedDeployments,
    ScriptedSilencing,
)
from shared.context.snapshot import collect
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.propose import render
from shared.models.base import SnapshotId
from shared.models.snapshots import SectionName, SectionStatus, Snapshot
from shared.ports.alert_sources import FiringAlert, FiringNow
from shared.ports.deployments import Deployed
from shared.ports.metrics import Answer, Sample, Series
from shared.ports.services import Services
from shared.ports.silencing import Matcher, Silence, SilenceState
from tests.builders import ACME, NOON, a_signal, an_alert, an_incident
from tests.planted import PLANTED, Planted
from tests.unit.context.changes import SHA, a_comparison, a_deployment, a_note, a_release
from tests.unit.context.test_runbook_ranking import a_runbook

NOW = NOON + timedelta(minutes=2)
TIMES = tuple(NOON.timestamp() - 600 + 15 * n for n in range(48))
SLOTH = {"sloth_id": "payment-x", "sloth_service": "payment"}


@dataclass(frozen=True)
class LeakyPrometheus:
    """Knows the alerting service, and has the text in every label that is free to hold anything."""

    text: str

    async def query(self, promql: str, *, at: datetime, max_series: int = 500) -> Answer:
        del at, max_series
        return Answer(
            samples=tuple(Sample(labels, 0.0, value) for labels, value in self._samples(promql)),
            warnings=(self.text,),
        )

    async def query_range(
        self, promql: str, *, start: datetime, end: datetime, step_seconds: float, max_series: int = 500
    ) -> Answer:
        del start, end, step_seconds, max_series
        half = len(TIMES) // 2
        labels = {"service": "payment", "binding": "service", "__name__": "app_build_info", "note": self.text}
        before, after = TIMES[:half], TIMES[half:]
        found = [
            Series({**labels, "version": self.text, self.text: "named"}, [(at, 1.0) for at in before]),
            Series({**labels, "version": f"new {self.text}"}, [(at, 2.0 + ("rate" in promql)) for at in after]),
        ]
        return Answer(series=tuple(found), warnings=(self.text,))

    def _samples(self, promql: str) -> Iterator[tuple[dict[str, str], float]]:
        if "count_over_time(up" in promql:
            yield {"pace": "0", "over": "120"}, 8
        elif "topk(" in promql:
            yield {"told": "service_graph now", "client": "payment", "server": self.text[:100]}, 5.0
            yield {"told": "service_graph now", "client": "payment", "server": "bank"}, 5.0
        elif "sloth_service" in promql:
            labels = {**SLOTH, "sloth_slo": self.text}
            yield {**labels, "__name__": "slo:objective:ratio"}, 0.999
            yield {**labels, "__name__": "slo:sli_error:ratio_rate1h"}, 0.5
        else:
            yield {"service": "payment", "binding": "prometheus_client/service", "note": self.text}, 1


def connected(text: str) -> Services:
    """Everything that can be connected, with the text wherever a person or a machine may have written it."""
    link = f"https://ci.example/run?log={quote(text, safe='')}"
    commits = tuple(replace(one, title=text, author=text, url=link) for one in a_comparison().commits)
    github = Deployed(
        deployments=(a_deployment(title=text, author=text, url=link, ref=text, sha=SHA),),
        releases=(replace(a_release(tag=text[:40]), title=text, author=text, url=link),),
        comparison=replace(a_comparison(), commits=commits, url=link),
        warnings=(text,),
    )
    notes = [a_note(-4, f"deployed payment {text}", "deploy", link=link), a_note(-50, "deployed payment", text)]
    alerts = [
        FiringAlert("f-1", NOON, {"alertname": text, "service": "bank", "note": text}, silenced_by=("s-1",)),
        FiringAlert("f-2", NOON, {"alertname": "Slow", "service": text[:100]}),
    ]
    silence = Silence(
        "s-1", SilenceState.ACTIVE, (Matcher("service", "bank"), Matcher("note", text)), NOON,
        NOON + timedelta(hours=2), text, text,
    )  # fmt: skip
    return replace(
        services_in_memory(),
        deployments=MemoryDeployments({ACME: [ScriptedDeployments(github, {"payment": "acme/payment"})]}),
        annotations=MemoryAnnotations({ACME: [ScriptedAnnotations(notes)]}),
        silencing=MemorySilencing(
            {ACME: [ScriptedSilencing(alerts=FiringNow(alerts=alerts, asked_at=NOON), silenced=[silence])]}
        ),
    )


async def taken(text: str) -> Snapshot:
    services = connected(text)
    book = a_runbook(1, services=["payment"], title=text[:200], body=f"# Restart\n{text}", tags=[text[:40]])
    await services.records.create(ACME, book)
    alert = an_alert(name="High", expression="sum by (note) (rate(http_requests_total[5m])) > 1")
    return await collect(
        an_incident(), [a_signal(alert)], services, LeakyPrometheus(text),
        snapshot_id=SnapshotId("snap-1"), now=NOW, deadline_seconds=5,
    )  # fmt: skip


def shown(snapshot: Snapshot) -> str:
    """All of the snapshot and of the prompt, however it is spelled."""
    prompt = render(snapshot, ranked_set(snapshot, now=NOW))
    text = f"{snapshot.model_dump_json()}\n{prompt.material}\n{prompt.instructions}"
    return f"{text}\n{unquote(text)}\n{unquote(unquote(text))}"


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: f"{one.kind.value}-{one.secret[:12]}")
async def test_what_anybody_tells_holds_no_secret_once_it_is_frozen(
    planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = await taken(planted.text)
    assert planted.secret not in caplog.text
    found = shown(snapshot)
    assert planted.secret not in found
    assert json.dumps(planted.secret)[1:-1] not in found
    assert snapshot.body.redacted


async def test_everybody_was_heard_who_might_tell_one() -> None:
    """Or the search above would find nothing because nothing was told."""
    snapshot = await taken("nothing special")
    said = snapshot.model_dump_json()
    heard = (SectionName.EXPRESSION, SectionName.TOPOLOGY, SectionName.CHANGES, SectionName.SLO, SectionName.RELATED)
    answered = {one.name: one.status for one in snapshot.body.sections}
    assert [answered[name] for name in (*heard, SectionName.RUNBOOKS)] == [SectionStatus.OK] * 6
    assert said.count("nothing special") > 15
