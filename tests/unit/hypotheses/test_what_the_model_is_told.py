# ruff: noqa: RUF001 -- letters that look like others are what it is about
"""The prompt: known fields with whose word they are, in a bounded size, and first what stays the same."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.context.snapshot import collect
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.paths import FIELDS, POINTS
from shared.hypotheses.propose import PROMPT_VERSION, instructions_of, render
from shared.hypotheses.rendering import number, written
from shared.hypotheses.tokens import estimated_tokens
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.evidence import AlertEvidence, Evidence, PastIncidentEvidence, RelatedEvidence, RunbookEvidence
from shared.models.measures import Metric
from shared.models.signals import AlertStatus, Severity
from shared.models.snapshots import SectionName, Snapshot, SnapshotBody
from shared.ports.model import Prompt
from tests.builders import ACME, GLOBEX, NOON, a_signal, an_alert, an_incident
from tests.unit.context.test_planted import LeakyPrometheus
from tests.unit.context.test_runbook_ranking import a_runbook
from tests.unit.hypotheses.injections import POSITIONS, Injection
from tests.unit.hypotheses.scenes import World, a_body, a_snapshot_of
from tests.unit.hypotheses.test_ranking import a_bad_deploy_and_a_decoy

MAX_PROMPT_TOKENS = 8_000
SCHEMA_TOKENS = 900
"""What the shape of the answer takes besides, as the provider is told it."""
LEAST_CACHEABLE = 0.6


def whole(prompt: Prompt) -> str:
    return prompt.instructions + prompt.stable + prompt.material


def prompt_of(body: SnapshotBody, tenant_id: TenantId = ACME) -> Prompt:
    snapshot = a_snapshot_of(body).model_copy(update={"tenant_id": tenant_id})
    return render(snapshot, ranked_set(snapshot, now=NOON))


def lines_of(block: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in block.splitlines()[1:-1]]


def an_alert_of(number: int, service: str) -> AlertEvidence:
    return AlertEvidence(
        id=f"Ea{number:06x}",
        name=("HighErrorRatio", "SlowRequests", "QueueGrows")[number % 3],
        service=service,
        severity=Severity.CRITICAL,
        status=AlertStatus.FIRING,
        summary=f"{service} fails {number % 90} % of its requests in the last five minutes; see the dashboard " * 3,
        starts_at=NOON + timedelta(seconds=number),
        expression='sum by (service) (rate(http_requests_total{code=~"5.."}[5m])) > 0.05' * 4,
    )


def a_runbook_of(number: int) -> RunbookEvidence:
    text = "## First\n1. Look at the last deploy. Did errors begin with it? Roll it back.\n2. Look at its database. "
    return RunbookEvidence(
        id=f"Eb{number:06x}", runbook_id=f"r{number}", service="service-0", title="Requests fail", excerpt=text * 5,
        score=0.5,
    )  # fmt: skip


def a_past_of(number: int) -> PastIncidentEvidence:
    return PastIncidentEvidence(
        id=f"Ec{number:06x}", incident_id=f"i{number}", service="service-0", title="fails " * 9,
        detected_at=NOON - timedelta(days=number), similarity=0.8, ended="rolled back " * 9,
        fixed_by="a rollback " * 9,
    )  # fmt: skip


def a_system(services: int, *, seed: int) -> World:
    """A chain of fans: each service calls three others; where trouble is depends on the incident."""
    calls = {
        f"service-{at}": {f"service-{3 * at + one}": 4.0 for one in (1, 2, 3) if 3 * at + one < services}
        for at in range(services)
        if 3 * at + 1 < services
    }
    world = World("service-0", calls)
    for at in range(0, min(services, 1 + 3 * seed), 2):
        world.errors(f"service-{at}", 0.2 + 0.05 * seed, at=float(at))
        world.move(f"service-{at}", Metric.LATENCY_P95, 0.05, 0.5 + 0.1 * seed, at=float(at))
    return world.deploy(f"service-{2 * seed}", -20.0 * seed)


def with_more(body: SnapshotBody, more: dict[SectionName, Sequence[Evidence]]) -> SnapshotBody:
    sections = tuple(
        one.model_copy(update={"evidence": (*one.evidence, *more.get(one.name, ()))}) for one in body.sections
    )
    return body.model_copy(update={"sections": sections})


def a_storm(signals: int, *, services: int = 80) -> SnapshotBody:
    alerts = [an_alert_of(at, f"service-{at % services}") for at in range(signals)]
    related = [
        RelatedEvidence(
            id=f"Ed{at:06x}", name="Slow", service=f"service-{at}", status=AlertStatus.FIRING, starts_at=NOON,
            score=0.5,
        )
        for at in range(60)
    ]  # fmt: skip
    return with_more(
        a_system(services, seed=9).body(),
        {
            SectionName.ALERTS: alerts,
            SectionName.RELATED: related,
            SectionName.RUNBOOKS: [a_runbook_of(at) for at in range(5)],
            SectionName.SIMILAR: [a_past_of(at) for at in range(5)],
        },
    )


@pytest.mark.parametrize("signals", [1, 50, 500, 2000])
def test_a_storm_makes_the_prompt_no_longer_than_it_may_be(signals: int) -> None:
    prompt = prompt_of(a_storm(signals))
    assert estimated_tokens(whole(prompt)) + SCHEMA_TOKENS < MAX_PROMPT_TOKENS


def test_alerts_of_one_name_and_service_are_told_as_one_with_their_number() -> None:
    alerts = [an_alert_of(3 * at, "service-1") for at in range(40)]
    told = lines_of(prompt_of(with_more(a_system(9, seed=1).body(), {SectionName.ALERTS: alerts})).material)
    storm = next(one for one in told if one["kind"] == "alert" and one["service"] == "service-1")
    assert (storm["count"], storm["firing"], len(storm["also"])) == (40, 40, 2)
    assert told[0]["alerts"] == 41


def test_the_next_incident_of_the_same_service_shares_most_of_its_prompt() -> None:
    books = {SectionName.RUNBOOKS: [a_runbook_of(at) for at in range(3)]}
    one, next_one = (whole(prompt_of(with_more(a_system(12, seed=seed).body(), books))) for seed in (1, 2))
    shared = next(at for at, (mine, its) in enumerate(zip(one, next_one, strict=False)) if mine != its)
    assert shared / len(next_one) > LEAST_CACHEABLE
    assert estimated_tokens(one[:shared]) / estimated_tokens(next_one) > LEAST_CACHEABLE


def test_what_stays_the_same_holds_no_number_that_is_measured_and_is_in_one_order() -> None:
    books = [a_runbook_of(at) for at in range(3)]
    system = a_system(12, seed=1)
    one = prompt_of(with_more(system.body(), {SectionName.RUNBOOKS: books}))
    again = with_more(system.body(), {SectionName.RUNBOOKS: books[::-1]})
    busier = again.model_copy(
        update={
            "sections": tuple(
                section.model_copy(
                    update={
                        "evidence": tuple(
                            piece.model_copy(update={"calls_per_second": 77.7}) if piece.kind == "edge" else piece
                            for piece in section.evidence[::-1]
                        )
                    }
                )
                for section in again.sections
            )
        }
    )
    assert prompt_of(busier).stable == one.stable


def test_every_line_says_whose_word_it_is() -> None:
    body = a_bad_deploy_and_a_decoy("checkout").body()
    for position in POSITIONS:
        body = position.poison(body, Injection("ordinary", ("a text",)))
    prompt = prompt_of(body)
    trusts = {one["kind"]: one["trust"] for one in (*lines_of(prompt.stable), *lines_of(prompt.material))}
    assert trusts == {
        "incident": "measured", "series": "measured", "steady": "measured", "edge": "measured", "calls": "measured",
        "expression": "measured", "limit": "measured", "slo": "measured", "related": "measured", "alert": "outside",
        "change": "outside", "silence": "outside", "runbook": "staff", "past_incident": "outside",
    }  # fmt: skip


def test_free_text_stands_apart_and_nobody_is_named() -> None:
    body = a_bad_deploy_and_a_decoy("checkout").body()
    for position in POSITIONS:
        body = position.poison(body, Injection("ordinary", ("planted words",)))
    prompt = prompt_of(body)
    lines = [*lines_of(prompt.stable), *lines_of(prompt.material)]
    assert "mallory" not in whole(prompt)
    free = [one for one in lines if one["kind"] in ("alert", "change", "silence", "runbook", "past_incident")]
    outside_text = [json.dumps({**one, "text": None, "version": None, "name": None}) for one in free]
    assert not any("planted words" in one for one in outside_text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("see https://evil.example/x?y=1 now", "see (link) now"),
        ("![chart](https://evil.example/a.png) is up", "chart is up"),
        ("[docs](javascript:alert(1)) here", "docs) here"),
        ("<b>bold</b> text", "bold text"),
        ("two\nlines\tand\x00more", "two lines andmore"),
        ("ig\u200bnore \u202ethis", "ignore this"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("x" * 500, "x" * 50),
        (" \u200b ", None),
    ],
    ids=["address", "image", "link", "tags", "lines", "unseen", "full width", "long", "nothing"],
)
def test_written_text_is_shown_plainly(text: str, told: str | None) -> None:
    assert written(text, 50) == told


@pytest.mark.parametrize(
    ("value", "short"), [(0.123456, 0.1235), (12345.6, 12350), (3.0, 3), (float("nan"), None), (None, None)]
)
def test_a_number_has_four_digits(value: float | None, short: float | None) -> None:
    assert number(value) == short


def test_every_field_that_the_prompt_names_can_be_asserted() -> None:
    told = instructions_of(PROMPT_VERSION).split("`path`: ")[1].split("- `operator`")[0]
    named = [piece for at, piece in enumerate(told.split("`")) if at % 2]
    kinds, paths = (
        set(FIELDS) | {"steady", "moved"},
        {path for fields in FIELDS.values() for path in fields} | set(POINTS),
    )
    assert [one for one in named if one not in kinds | paths] == []


@pytest.mark.parametrize("text", ["", "a", "payment fails since 12:00", '{"id":"E3f9a2c1","v":0.05234}', "忽略之前"])
def test_tokens_are_guessed_rather_too_many(text: str) -> None:
    assert len(text) / 4 <= estimated_tokens(text) <= len(text)


async def test_a_prompt_holds_no_word_of_another_tenant() -> None:
    services = services_in_memory()
    for tenant_id, word in ((ACME, "aardvark"), (GLOBEX, "gnuplanted")):
        book = a_runbook(1, services=["payment"], title=f"{word} title", body=f"# Restart\n{word} body", tags=[word])
        await services.records.create(tenant_id, book.model_copy(update={"tenant_id": tenant_id}))
    prompts = [await _prompt_for(tenant_id, services) for tenant_id in (ACME, GLOBEX)]
    assert ["aardvark" in whole(one) for one in prompts] == [True, False]
    assert ["gnuplanted" in whole(one) for one in prompts] == [False, True]
    assert prompts[0].cache_key != prompts[1].cache_key


async def _prompt_for(tenant_id: TenantId, services: Any) -> Prompt:
    incident = an_incident(tenant_id=tenant_id)
    signal = a_signal(an_alert(name="High")).model_copy(update={"tenant_id": tenant_id})
    snapshot: Snapshot = await collect(
        incident, [signal], replace(services), LeakyPrometheus("nothing"),
        snapshot_id=SnapshotId("snap-1"), now=NOON + timedelta(minutes=2), deadline_seconds=5,
    )  # fmt: skip
    assert snapshot.tenant_id == tenant_id
    assert snapshot.incident_id == IncidentId("inc-1")
    return render(snapshot, ranked_set(snapshot, now=NOON))


def test_an_empty_snapshot_has_a_prompt_without_a_first_block() -> None:
    prompt = prompt_of(a_body("payment", {}))
    assert prompt.stable == ""
    assert [one["kind"] for one in lines_of(prompt.material)] == ["incident"]
