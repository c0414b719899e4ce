"""Collecting under one deadline: what fails says so, and what came back stays."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.context.snapshot import collect
from shared.errors import AddressRefused, SourceUnavailable
from shared.models.base import SnapshotId
from shared.models.evidence import AlertEvidence, ChangeEvidence, EdgeEvidence, SeriesEvidence
from shared.models.measures import Direction, Metric
from shared.models.signals import Severity
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot
from shared.ports.metrics import Answer, MetricsSource, Series
from tests.builders import ACME, NOON, a_signal, an_alert, an_incident, resolved
from tests.unit.context.fake_source import FakeSource, Rule, samples, series

NOW = NOON + timedelta(minutes=2)
DOWN = SourceUnavailable("down", reason="connect")
TIMES = [NOON.timestamp() - 600 + 15 * index for index in range(48)]
ONSET_INDEX = 36
DETECTED: Rule = (
    "label_replace(count by (service) (http_requests_total",
    samples(({"binding": "prometheus_client/service", "service": "payment"}, 1)),
)
INTERVAL: Rule = ("count_over_time(up", samples(({"pace": "0", "over": "120"}, 8)))
TOLD = {"told": "service_graph now"}
EDGES: Rule = (
    "topk(",
    samples(({**TOLD, "client": "payment", "server": "db"}, 5.0), warnings=["one store is down"]),
)
NORMAL = (INTERVAL, DETECTED, EDGES)


def errors(index: int) -> float:
    return 0.5 if index >= ONSET_INDEX else 0.0


ERRORS: Rule = ('code=~"5..', series([{"service": "payment"}], TIMES, errors))
LATENCY: Rule = ("histogram_quantile", series([{"service": "payment"}], TIMES, lambda _: 0.1))
RATE: Rule = ("rate(http_requests_total", series([{"service": "payment"}], TIMES, lambda _: 20.0))


async def taken(source: MetricsSource | None, *, deadline_seconds: float = 5, trouble: str | None = None) -> Snapshot:
    clock = count()
    return await collect(
        an_incident(),
        [a_signal()],
        services_in_memory(),
        source,
        snapshot_id=SnapshotId("snap-1"),
        now=NOW,
        deadline_seconds=deadline_seconds,
        source_trouble=trouble,
        clock=lambda: float(next(clock)),
    )


MEASURED = ("traffic", "topology", "dependencies", "changes")
"""Questions that nobody but the Prometheus answers here."""


def told(snapshot: Snapshot) -> dict[str, str]:
    return {one.name.value: f"{one.status.value} {one.reason or ''}".strip() for one in snapshot.body.sections}


def measured(snapshot: Snapshot) -> set[str]:
    found = told(snapshot)
    assert found["alerts"] == "ok"
    return {found[name] for name in MEASURED}


def section(snapshot: Snapshot, name: SectionName) -> Section:
    found = snapshot.body.section(name)
    assert found is not None
    return found


async def test_without_a_source_only_the_alerts_are_known() -> None:
    snapshot = await taken(None)
    assert measured(snapshot) == {"not_configured no_prometheus"}
    assert (snapshot.tenant_id, snapshot.id, snapshot.is_intact) == (ACME, "snap-1", True)


async def test_a_source_that_cannot_be_opened_is_a_failure_and_not_a_choice() -> None:
    found = await taken(None, trouble="secret_unreadable")
    assert measured(found) == {"failed secret_unreadable"}


@pytest.mark.parametrize("trouble", [DOWN, AddressRefused("no", reason="private_address")])
async def test_an_outage_never_reads_as_health(trouble: SourceUnavailable | AddressRefused) -> None:
    found = await taken(FakeSource([("", trouble)]))
    assert measured(found) == {f"failed {trouble.reason}"}


async def test_a_source_without_such_metrics_is_empty() -> None:
    found = told(await taken(FakeSource()))
    assert {name: found[name] for name in MEASURED} == {
        "traffic": "empty no_known_metrics", "topology": "empty no_service_graph",
        "dependencies": "empty no_neighbours", "changes": "empty no_changes",
    }  # fmt: skip


async def test_nothing_found_by_a_source_that_lacks_a_part_is_no_answer() -> None:
    lacking = Answer(warnings=("store gateway 3 is down",), is_partial=True)
    snapshot = await taken(FakeSource([("", lacking)]))
    assert measured(snapshot) == {"failed partial_answer"}
    assert told(snapshot)["expression"] == "empty no_expression"
    assert snapshot.body.coverage is not None
    assert {one.reason for one in snapshot.body.coverage.blind} >= {"partial_answer"}


async def test_what_a_source_that_lacks_a_part_counted_stays_and_is_not_called_whole() -> None:
    lacking = replace(RATE[1], is_partial=True) if isinstance(RATE[1], Answer) else RATE[1]
    snapshot = await taken(FakeSource([*NORMAL, ERRORS, LATENCY, (RATE[0], lacking)]))
    traffic = section(snapshot, SectionName.TRAFFIC)
    assert (traffic.status, traffic.reason) == (SectionStatus.FAILED, "partial_answer")
    assert {one.metric for one in traffic.evidence if isinstance(one, SeriesEvidence)} >= {Metric.REQUEST_RATE}
    assert told(snapshot)["topology"] == "ok"


async def test_a_failed_topology_leaves_traffic_and_the_own_changes() -> None:
    source = FakeSource([("topk(", DOWN), INTERVAL, DETECTED, ERRORS, LATENCY, RATE])
    snapshot = await taken(source)
    found = told(snapshot)
    assert found["traffic"] == "ok"
    assert found["topology"] == "failed connect"
    assert found["dependencies"] == "failed no_topology"
    assert found["changes"] == "empty no_changes"
    changes = section(snapshot, SectionName.CHANGES)
    assert changes.warnings == ("the topology failed: only this service was asked",)


async def test_calls_whose_failures_are_unknown_still_tell_whom_to_ask() -> None:
    source = FakeSource([("graph_request_failed_total", DOWN), *NORMAL, ERRORS, LATENCY, RATE])
    snapshot = await taken(source)
    assert told(snapshot)["topology"] == "failed connect"
    (edge,) = (one for one in snapshot.body.evidence() if isinstance(one, EdgeEvidence))
    assert (edge.caller, edge.callee, edge.failed_ratio) == ("payment", "db", None)
    assert told(snapshot)["dependencies"] == "empty no_known_metrics"


async def test_one_metric_that_fails_fails_the_section_but_keeps_the_rest() -> None:
    source = FakeSource([('code=~"5..', DOWN), *NORMAL, LATENCY, RATE])
    snapshot = await taken(source)
    traffic = section(snapshot, SectionName.TRAFFIC)
    assert (traffic.status, traffic.reason) == (SectionStatus.FAILED, "connect")
    assert {one.metric for one in traffic.evidence if isinstance(one, SeriesEvidence)} == {
        Metric.LATENCY_P95, Metric.REQUEST_RATE,
    }  # fmt: skip
    assert "error_ratio could not be asked: connect" in traffic.warnings


async def test_a_bug_in_a_collector_is_named_and_costs_no_other_section(caplog: pytest.LogCaptureFixture) -> None:
    source = FakeSource([("build_info", ZeroDivisionError("what a tenant wrote")), *NORMAL, ERRORS, LATENCY, RATE])
    found = told(await taken(source))
    assert found["changes"] == "failed bug_ZeroDivisionError"
    assert found["traffic"] == "ok"
    assert "collector_bug section=changes reason=bug_ZeroDivisionError at=_reply:" in caplog.text
    assert "what a tenant wrote" not in caplog.text


async def test_what_is_late_failed_by_the_deadline_and_the_rest_stays() -> None:
    never = asyncio.Event()
    source = FakeSource([("build_info", never), *NORMAL, ERRORS, LATENCY, RATE])
    found = told(await taken(source, deadline_seconds=0.05))
    assert found["changes"] == "failed deadline"
    assert (found["traffic"], found["topology"]) == ("ok", "ok")


async def test_a_source_that_hangs_fails_everything_by_the_deadline_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    found = await taken(FakeSource([("", asyncio.Event())]), deadline_seconds=0.05)
    assert measured(found) == {"failed deadline"}
    assert asyncio.all_tasks() == before


async def test_a_cancelled_collection_stops_its_questions() -> None:
    before = asyncio.all_tasks()
    collecting = asyncio.create_task(taken(FakeSource([("", asyncio.Event())])))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    collecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await collecting
    assert asyncio.all_tasks() == before


async def test_warnings_of_the_source_are_kept_with_their_section() -> None:
    snapshot = await taken(FakeSource([*NORMAL]))
    topology = next(one for one in snapshot.body.sections if one.name is SectionName.TOPOLOGY)
    assert topology.warnings == ("one store is down",)


async def test_neighbours_with_names_nobody_gives_are_not_followed() -> None:
    long = "x" * 50_000
    edges: Rule = (
        "topk(",
        samples(({**TOLD, "client": "payment", "server": "db"}, 5.0), ({**TOLD, "client": long, "server": "a"}, 9)),
    )
    source = FakeSource([INTERVAL, DETECTED, edges, ERRORS, LATENCY, RATE])
    snapshot = await taken(source)
    assert not any(long in asked for asked in source.asked)
    assert [one.caller for one in snapshot.body.evidence() if isinstance(one, EdgeEvidence)] == ["payment"]
    assert section(snapshot, SectionName.TOPOLOGY).warnings == (
        "1 calls between services with overlong names are left out",
    )


async def test_the_onset_is_where_the_own_errors_began() -> None:
    snapshot = await taken(FakeSource([*NORMAL, ERRORS, LATENCY, RATE]))
    assert snapshot.body.onset_at.timestamp() == TIMES[ONSET_INDEX]


async def test_a_deploy_is_timed_against_the_onset() -> None:
    labels = {"binding": "service", "service": "payment"}
    versions = Answer(
        series=(
            Series({**labels, "version": "1"}, [(at, 1.0) for at in TIMES[:30]]),
            Series({**labels, "version": "2"}, [(at, 1.0) for at in TIMES[30:]]),
        )
    )
    snapshot = await taken(FakeSource([("build_info", versions), *NORMAL, ERRORS, LATENCY, RATE]))
    (deploy,) = (one for one in snapshot.body.evidence() if isinstance(one, ChangeEvidence))
    assert (deploy.version, deploy.previous_version) == ("2", "1")
    assert deploy.seconds_before_onset == 15 * (ONSET_INDEX - 30)


async def test_build_information_of_a_library_that_a_new_version_brings_is_no_deploy() -> None:
    def running(name: str, version: str, times: list[float]) -> Series:
        labels = {"binding": "service", "service": "payment", "__name__": name, "version": version}
        return Series(labels, [(at, 1.0) for at in times])

    versions = Answer(
        series=(
            running("app_build_info", "1", TIMES[:30]),
            running("app_build_info", "2", TIMES[30:]),
            running("a_worker_build_info", "1", TIMES[:29]),
            running("a_worker_build_info", "2", TIMES[31:]),
            running("grpc_build_info", "0.9", TIMES[30:]),
        )
    )
    snapshot = await taken(FakeSource([("build_info", versions), *NORMAL, ERRORS, LATENCY, RATE]))
    found = [one for one in snapshot.body.evidence() if isinstance(one, ChangeEvidence)]
    assert [(one.version, one.previous_version, one.at.timestamp()) for one in found] == [("2", "1", TIMES[30])]


async def test_a_service_that_fell_silent_shows_as_down_and_warns() -> None:
    silent: Rule = ("rate(http_requests_total", series([{"service": "payment"}], TIMES[:30], lambda _: 20.0))
    snapshot = await taken(FakeSource([('code=~"5..', Answer()), *NORMAL, silent]))
    (rate,) = (one for one in snapshot.body.evidence() if isinstance(one, SeriesEvidence))
    assert (rate.movement.direction, rate.movement.current) == (Direction.DOWN, None)
    assert any(
        text.startswith("payment: no request_rate since") for text in section(snapshot, SectionName.TRAFFIC).warnings
    )


async def test_nan_is_no_measurement() -> None:
    nothing: Rule = ("rate(http_requests_total", series([{"service": "payment"}], TIMES, lambda _: float("nan")))
    found = told(await taken(FakeSource([('code=~"5..', Answer()), *NORMAL, nothing])))
    assert found["traffic"] == "empty no_known_metrics"


async def test_the_same_answers_give_the_same_bytes() -> None:
    first, second = [await taken(FakeSource([*NORMAL, ERRORS, LATENCY, RATE])) for _ in range(2)]
    assert first.body.canonical_json() == second.body.canonical_json()
    assert first.sha256 == second.sha256


async def test_of_a_storm_the_firing_and_worst_alerts_are_kept_and_masked() -> None:
    worst = an_alert(fingerprint="w", summary="password=hunter2 " + "x" * 400, expression='up{token="abc"} == 0')
    mild = [an_alert(fingerprint=f"m{n}", severity=Severity.INFO) for n in range(120)]
    over = resolved(an_alert(fingerprint="o"))
    snapshot = await collect(
        an_incident(),
        [a_signal(one) for one in (*mild, over, worst)],
        services_in_memory(),
        None,
        snapshot_id=SnapshotId("s"),
        now=NOW,
    )
    alerts = [one for one in snapshot.body.evidence() if isinstance(one, AlertEvidence)]
    assert len(alerts) == 100
    assert snapshot.body.sections[0].warnings == ("22 more alerts are left out",)
    (kept,) = (one for one in alerts if one.severity is Severity.CRITICAL)
    assert len(kept.summary) == 300
    assert "hunter2" not in kept.summary
    assert kept.expression == 'up{token="[redacted:secret_value]"} == 0'
