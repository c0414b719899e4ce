"""What was changed lately: everybody tells what they know, alone, and nobody's trouble costs another's answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.adapters.memory.sources import (
    MemoryAnnotations,
    MemoryDeployments,
    ScriptedAnnotations,
    ScriptedDeployments,
)
from shared.context.collectors.changes import MAX_CHANGES, MAX_REPORTED, collect_changes
from shared.context.look import Collected, NotConfigured, View
from shared.context.neighbourhood import Neighbour, Neighbourhood
from shared.context.sections import section_of
from shared.errors import SecretUnreadable, SourceUnavailable
from shared.models.changes import Change, ChangeKind, ChangeStatus
from shared.models.conventions import ServiceAliases, ServiceNames
from shared.models.evidence import EVERYWHERE, ChangeEvidence, Origin
from shared.models.measures import Relation
from shared.models.snapshots import SectionName, SectionStatus
from shared.ports.annotations import Annotation
from shared.ports.deployments import Deployed, DeploymentSource
from shared.ports.metrics import Answer, MetricsSource, Series
from shared.ports.services import Services
from tests.builders import ACME, GLOBEX, NOON, a_signal, an_alert
from tests.unit.context.changes import SHA, a_comparison, a_deployment, a_note, a_release, a_report, at
from tests.unit.context.fake_source import FakeSource, samples
from tests.unit.context.views import a_view

AROUND = {"bank": Neighbour(Relation.CALLEE, 1), "cart": Neighbour(Relation.CALLER, 1)}
DOWN = SourceUnavailable("down", reason="connect")


async def given(
    *,
    reports: Sequence[Change] = (),
    github: Deployed | SourceUnavailable | None = None,
    notes: Sequence[Annotation] | SourceUnavailable | None = None,
) -> Services:
    services = services_in_memory()
    for change in reports:
        await services.changes.record(change.tenant_id, change)
    if github is not None:
        known = {"payment": "acme/payment", "bank": "acme/bank"}
        services = replace(services, deployments=MemoryDeployments({ACME: [ScriptedDeployments(github, known)]}))
    if notes is not None:
        services = replace(services, annotations=MemoryAnnotations({ACME: [ScriptedAnnotations(notes)]}))
    return services


def seen_by(services: Services, source: MetricsSource | None = None, **view: Any) -> View:
    return a_view(source, services=services, neighbours=AROUND, **view)


async def collected(services: Services, source: MetricsSource | None = None, **view: Any) -> Collected:
    return await collect_changes(seen_by(services, source, **view), patience_seconds=0.05, total_seconds=0.1)


def changes(found: Collected) -> list[ChangeEvidence]:
    return [one for one in found.evidence if isinstance(one, ChangeEvidence)]


def titles(found: Collected) -> list[str]:
    return [one.title for one in changes(found)]


def versions(service: str, *runs: tuple[str, float, float], label: str = "service") -> list[Series]:
    """Versions that ran from so many minutes after noon to so many, sampled four times a minute."""
    return [
        Series(
            {"binding": label, label: service, "__name__": "app_build_info", "version": version},
            [(at(start).timestamp() + 15 * n, 1.0) for n in range(round((end - start) * 4))],
        )
        for version, start, end in runs
    ]


RUNS = ("1.4.0", -10.0, -4.5), ("1.5.0", -4.5, 2.0)
PAYMENT_RUNS = Answer(series=versions("payment", *RUNS))


async def test_what_was_reported_is_told_of_the_services_around_and_of_no_other_tenant() -> None:
    services = await given(
        reports=[
            a_report(-5, "1", version="1.5.0", url="https://ci.test/1"),
            a_report(-9, "2", service_name="Bank", kind=ChangeKind.CONFIG, title="a higher limit"),
            a_report(-4, "3", service_name="mail"),
            a_report(-3, "4", tenant_id=GLOBEX),
            a_report(-60 * 25, "5"),
            a_report(-6, "6", environment="staging"),
            a_report(-7, "7", service_name="cart", kind=ChangeKind.FEATURE_FLAG, title="new-checkout on"),
        ]
    )
    found = await collected(services)
    assert [(one.service, one.change.value, one.title) for one in changes(found)] == [
        ("payment", "deploy", "payment goes out"),
        ("cart", "feature_flag", "new-checkout on"),
        ("bank", "config", "a higher limit"),
    ]
    first = changes(found)[0]
    assert (first.version, first.author, first.url, first.origin, first.told_by) == (
        "1.5.0", "erin", "https://ci.test/1", Origin.RECORDS, (Origin.RECORDS,),
    )  # fmt: skip


async def test_an_alert_of_a_staging_environment_looks_at_changes_there() -> None:
    services = await given(reports=[a_report(environment="staging")])
    signals = [a_signal(an_alert(labels={"env": "Staging"}))]
    assert titles(await collected(services, signals=signals)) == ["payment goes out"]


async def test_the_same_deploy_by_four_tellers_is_told_once_with_what_each_of_them_knows() -> None:
    services = await given(
        reports=[a_report(-5, version=SHA[:7], author=None, title="")],
        github=Deployed((a_deployment(-3.5, began_at=at(-5)),), (a_release(-30, SHA[:12]),), a_comparison()),
        notes=[a_note(-5, "deployed payment", "deploy")],
    )
    found = await collected(services, FakeSource([("build_info", PAYMENT_RUNS)]))
    (one,) = changes(found)
    assert (one.origin, one.told_by) == (
        Origin.RECORDS, (Origin.PROMETHEUS, Origin.GRAFANA, Origin.GITHUB, Origin.RECORDS),
    )  # fmt: skip
    assert (one.version, one.previous_version, one.author) == ("1.5.0", "1.4.0", "alice")
    assert (one.at, one.began_at, one.url) == (at(-4.5), at(-5), "https://github.test/run/7")
    assert [(commit.sha, commit.title, commit.author) for commit in one.commits] == [
        ("0000000", "fix 0", "bob"), ("0000001", "fix 1", "bob"),
    ]  # fmt: skip


async def test_without_a_prometheus_the_others_still_tell() -> None:
    services = await given(
        reports=[a_report()],
        github=Deployed((a_deployment(-20, services=("bank",)),)),
        notes=[a_note(-9, "bank config")],
    )
    found = await collected(services)
    assert [one.origin for one in changes(found)] == [Origin.RECORDS, Origin.GRAFANA, Origin.GITHUB]
    assert found.failure is None
    assert found.warnings == ("no Prometheus is connected: which versions run was not looked at",)


async def test_where_nobody_is_connected_and_nothing_was_reported_nobody_can_tell() -> None:
    with pytest.raises(NotConfigured) as refused:
        await collected(await given())
    assert refused.value.reason == "no_prometheus"


async def test_whoever_is_connected_and_tells_nothing_leaves_the_section_empty() -> None:
    found = await collected(await given(notes=[]))
    assert (found.evidence, found.failure, found.why_empty) == ((), None, "no_changes")
    assert (await collected(await given(), FakeSource())).why_empty == "no_changes"


@pytest.mark.parametrize("named", ["int-github", "int-grafana"])
async def test_a_source_that_is_down_costs_what_it_knows_and_is_named(named: str) -> None:
    github, notes = (DOWN, None) if named == "int-github" else (None, DOWN)
    found = await collected(await given(reports=[a_report()], github=github, notes=notes), FakeSource())
    assert titles(found) == ["payment goes out"]
    assert (found.failure, found.warnings) == ("connect", (f"{named} could not be asked: connect",))


async def test_a_prometheus_that_is_down_costs_the_versions_alone() -> None:
    services = await given(reports=[a_report()], github=Deployed((a_deployment(-20),)))
    found = await collected(services, FakeSource([("", DOWN)]))
    assert (titles(found), found.failure) == (["payment goes out", "ship it"], "connect")
    assert found.warnings == ("Prometheus could not be asked: connect",)


async def test_a_source_that_hangs_costs_the_time_there_is_and_no_other_answer() -> None:
    hanging = FakeSource([("", asyncio.Event())])
    found = await collected(await given(reports=[a_report()]), hanging)
    assert (titles(found), found.failure) == (["payment goes out"], "timeout")


async def never() -> Neighbourhood:
    await asyncio.Event().wait()
    return Neighbourhood({}, ())


async def test_a_topology_that_hangs_leaves_the_service_itself() -> None:
    view = seen_by(await given(reports=[a_report(), a_report(-6, "2", service_name="bank")]), FakeSource())
    view.finding = asyncio.ensure_future(never())
    found = await collect_changes(view, patience_seconds=0.01, total_seconds=0.1)
    view.finding.cancel()
    assert [one.service for one in changes(found)] == ["payment"]
    assert found.warnings == ("the topology was not found in time: only this service was asked",)


async def test_one_query_that_fails_leaves_the_others() -> None:
    source = FakeSource([("kube_replicaset_created", DOWN), ("build_info", PAYMENT_RUNS)])
    found = await collected(await given(), source)
    assert [one.version for one in changes(found)] == ["1.5.0"]
    assert (found.failure, found.warnings) == (
        "connect", ("ages of ReplicaSets and processes could not be asked: connect",),
    )  # fmt: skip


async def test_credentials_that_cannot_be_read_are_told_from_nothing_connected() -> None:
    class Unreadable:
        async def of_tenant(self, _: str) -> Sequence[DeploymentSource]:
            raise SecretUnreadable("sealed", reason="secret_unreadable")

    services = replace(await given(reports=[a_report()]), deployments=Unreadable())
    found = await collected(services)
    assert (titles(found), found.failure) == (["payment goes out"], "secret_unreadable")


async def test_what_github_could_only_answer_in_part_is_said() -> None:
    partial = Deployed((a_deployment(),), warnings=("statuses of acme/payment: timeout",), failure="timeout")
    found = await collected(
        await given(github=partial), FakeSource([("build_info", Answer(warnings=["a shard is down"]))])
    )
    assert (titles(found), found.failure) == (["ship it"], "timeout")
    assert found.warnings == ("a shard is down", "int-github: statuses of acme/payment: timeout")


async def test_a_bug_is_not_swallowed_and_leaves_no_question_behind() -> None:
    before = asyncio.all_tasks()
    view = seen_by(await given(), FakeSource([("kube_replicaset_created", ZeroDivisionError())]))
    section = await section_of(
        SectionName.CHANGES, collect_changes(view, total_seconds=1), clock=lambda: 0.0, began=0.0, now=NOON
    )
    assert (section.status, section.reason) == (SectionStatus.FAILED, "bug_ZeroDivisionError")
    assert {task for task in asyncio.all_tasks() - before if task not in (view.looking, view.finding)} == set()


async def test_series_whose_labels_vanished_tell_nothing() -> None:
    points = [(at(-9 + n).timestamp(), 1.0) for n in range(9)]
    bindings = ("service", "job", "target_info", "replicaset", "configmap", "unheard of", "")
    lost = Answer(series=[Series({"binding": binding}, points) for binding in bindings])
    born = samples(*(({"binding": binding}, 5e300) for binding in (*bindings, "started/service", "started/job")))
    found = await collected(await given(), FakeSource([("kube_replicaset_created", born), ("build_info", lost)]))
    assert (found.evidence, found.failure) == ((), None)


@pytest.mark.parametrize("value", ["NaN", "inf", "-inf", "1e400", "-5", "soon", ""])
async def test_processes_that_began_at_no_time_are_not_told(value: str) -> None:
    born = samples(({"binding": "started/service", "service": "payment", "started": value}, 1))
    found = await collected(await given(), FakeSource([("kube_replicaset_created", born)]))
    assert found.evidence == ()


async def test_a_clock_two_minutes_ahead_still_tells_and_one_far_ahead_does_not() -> None:
    services = await given(
        reports=[a_report(3.5, title="ahead"), a_report(10, "2", title="far ahead")],
        notes=[a_note(3.5, "config of bank"), a_note(6, "config of cart")],
    )
    assert sorted(titles(await collected(services, FakeSource()))) == ["ahead", "config of bank"]


async def test_changes_come_by_how_near_to_the_onset_they_were_and_those_after_it_last() -> None:
    times = {"a": -30, "b": -2, "c": 1.5, "d": -0.5, "e": -600, "f": 2.5}
    services = await given(
        reports=[a_report(when, name, title=name, version=f"1.{name}") for name, when in times.items()]
    )
    assert titles(await collected(services, FakeSource(), now=at(5))) == ["d", "c", "b", "a", "e", "f"]


async def test_of_too_many_the_nearest_are_kept_and_the_rest_is_counted() -> None:
    services = await given(reports=[a_report(-n, str(n), title=str(n)) for n in range(1, 61)])
    found = await collected(services, FakeSource())
    assert titles(found) == [str(n) for n in range(1, MAX_CHANGES + 1)]
    assert found.warnings == ("10 more changes are left out",)


async def test_a_text_from_outside_is_masked_cut_and_on_one_line() -> None:
    services = await given(
        reports=[
            a_report(title="password=hunter2\n" + "x" * 500, author="\x1b[31mmallory", url="javascript:alert(1)")
        ],
        github=Deployed((a_deployment(-20, title="token=abcdefghijk"),), (), None),
        notes=[a_note(-40, "config of bank: api_key=abcdefghijk")],
    )
    found = changes(await collected(services, FakeSource()))
    everything = " ".join(one.model_dump_json() for one in found)
    assert len(found) == 3
    assert not any(bad in everything for bad in ("hunter2", "abcdefghijk", "javascript", "\\u001b", "\\n"))
    assert max(len(one.title) for one in found) <= 200


async def test_a_note_that_names_nobody_is_told_only_when_it_is_tagged_as_a_deploy() -> None:
    notes = [
        a_note(-9, "release 7", "deploy"), a_note(-8, "we deployed something"), a_note(-7, "lunch"),
        a_note(-6, "payment deploy", "incident"), a_note(-5, "flag new-ui on", "service:payment"),
    ]  # fmt: skip
    found = changes(await collected(await given(notes=notes), FakeSource()))
    assert [(one.service, one.change.value, one.title) for one in found] == [
        ("payment", "feature_flag", "flag new-ui on"), (EVERYWHERE, "deploy", "release 7"),
    ]  # fmt: skip


async def test_a_failed_deployment_is_told_as_one() -> None:
    failed = a_deployment(status=ChangeStatus.FAILED)
    (one,) = changes(await collected(await given(github=Deployed((failed,)))))
    assert (one.status, one.change) == (ChangeStatus.FAILED, ChangeKind.DEPLOY)


async def test_the_namespace_of_the_alert_tells_two_workloads_of_one_name_apart() -> None:
    def sets(namespace: str, name: str, start: float, end: float) -> Series:
        labels = {"binding": "replicaset", "namespace": namespace, "replicaset": name}
        return Series(labels, [(at(start).timestamp() + 15 * n, 1.0) for n in range(round((end - start) * 4))])

    running = [
        sets("shop", "payment-5d4f8", -10, -5),
        sets("shop", "payment-66bd9", -5, 2),
        sets("dev", "payment-5d4f8", -10, 2),
    ]
    source = FakeSource([("build_info", Answer(series=running))])
    nameless, named = a_signal(), a_signal(an_alert(labels={"namespace": "shop"}))
    unsure = await collected(await given(), source, signals=[nameless])
    assert unsure.evidence == ()
    assert unsure.warnings == (
        "payment could be dev/payment or shop/payment in Kubernetes: changes there are not told",
    )
    (one,) = changes(await collected(await given(), source, signals=[named]))
    assert one.title == "ReplicaSet shop/payment-66bd9 came in the place of shop/payment-5d4f8"


async def test_a_service_is_known_by_what_the_tenant_calls_it_in_its_metrics() -> None:
    services = await given(reports=[a_report(-40, service_name="pmt-api", title="by another name")])
    aliases = (ServiceAliases(service="payment", aliases=("pmt-api", "pmt")),)
    names = ServiceNames.none_yet(ACME, now=NOON).model_copy(update={"services": aliases})
    await services.records.create(ACME, names)
    found = await collected(
        services, source := FakeSource([("build_info", Answer(series=versions("pmt-api", *RUNS)))])
    )
    assert [(one.service, one.version or one.title) for one in changes(found)] == [
        ("payment", "1.5.0"), ("payment", "by another name"),
    ]  # fmt: skip
    assert all("bank|cart|payment|pmt|pmt-api" in query for query in source.asked)


async def test_of_two_names_that_could_be_a_service_neither_is_taken_unless_one_is_its_own() -> None:
    two = [*versions("prod/payment", *RUNS, label="job"), *versions("dev/payment", *RUNS, label="job")]
    unsure = await collected(await given(), FakeSource([("build_info", Answer(series=two))]))
    assert (unsure.evidence, unsure.warnings) == (
        (), ("payment could be dev/payment or prod/payment in Prometheus: the versions there are not told",),
    )  # fmt: skip
    own = [*two, *versions("payment", ("7", -10, -4), ("8", -4, 2), label="job")]
    sure = await collected(await given(), FakeSource([("build_info", Answer(series=own))]))
    assert [one.version for one in changes(sure)] == ["8"]


async def test_the_services_own_changes_are_found_behind_those_of_a_busy_tenant() -> None:
    busy = [a_report(-1, f"b{n}", service_name=f"s{n}") for n in range(MAX_REPORTED)]
    found = await collected(await given(reports=[*busy, a_report(-300, "own")]), FakeSource())
    assert titles(found) == ["payment goes out"]
    assert found.warnings == (f"only the latest {MAX_REPORTED} reported changes were looked at",)


async def test_five_thousand_services_ask_three_queries_about_those_around() -> None:
    many = versions("payment", ("1", -10, 0), ("2", 0, 2)) + [
        one for n in range(5000) for one in versions(f"s{n}", ("2", 0, 0.25))
    ]
    source = FakeSource([("build_info", Answer(series=many))])
    found = await collected(await given(), source)
    assert ([one.service for one in changes(found)], len(source.asked)) == (["payment"], 3)


async def test_the_same_answers_give_the_same_changes_in_whatever_order_they_come() -> None:
    reports = [a_report(-n % 7, str(n), source=f"s{n}", version=f"1.{n % 3}") for n in range(12)]
    forth, back = [
        await collected(await given(reports=order), FakeSource([("build_info", PAYMENT_RUNS)]))
        for order in (reports, reports[::-1])
    ]
    assert forth.evidence == back.evidence
