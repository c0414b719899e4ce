"""What every DeploymentSource, AnnotationSource and SilencingSource promises: scripted in memory, or over HTTP."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from shared.adapters.github import GitHubOfTenant
from shared.adapters.grafana_annotations import AnnotationsOfTenant
from shared.adapters.memory import (
    MemoryAnnotations,
    MemoryDeployments,
    MemoryDirectory,
    MemorySilencing,
    ScriptedAnnotations,
    ScriptedDeployments,
    ScriptedSilencing,
)
from shared.adapters.silencing import SilencingOfTenant
from shared.errors import SourceUnavailable
from shared.models.changes import ChangeStatus
from shared.models.tenants import IntegrationType
from shared.ports.alert_sources import FiringAlert, FiringNow, Quiet
from shared.ports.annotations import Annotation, AnnotationSources
from shared.ports.deployments import Deployed, Deployment, DeploymentSources, Release
from shared.ports.silencing import Matcher, Silence, SilenceState, SilencingSources
from tests.builders import ACME, GLOBEX, NOON
from tests.unit.adapters.fake_github import FakeGitHub, Repo, a_release, ago, at
from tests.unit.adapters.scripted import Asked, BoundBox, Refusing, Script, Servers, connected_to, responding
from tests.unit.adapters.test_grafana_annotations import a_note
from tests.unit.adapters.test_silencing import a_silence

HOUR = timedelta(hours=1)
SINCE = NOON - 24 * HOUR
BACKENDS = ["memory", "http"]
DOWN = SourceUnavailable("no", reason="http_5xx")
DEPLOYED_AT = {"1": ago(hours=30), "2": ago(hours=3), "3": ago(hours=1), "4": ago(minutes=-2)}
NOTED_AT = {"1": NOON - 30 * HOUR, "2": NOON - 3 * HOUR, "3": NOON - HOUR, "4": NOON + timedelta(minutes=2)}


def down(_: Asked) -> bytes:
    return responding(b"<html>", 503)


async def over_http(
    kind: IntegrationType, script: Script, service_map: dict[str, str]
) -> tuple[MemoryDirectory, Servers]:
    directory = MemoryDirectory()
    url = "http://127.0.0.1:8443"
    await directory.put(ACME, connected_to(url, integration_type=kind, service_map=service_map))
    return directory, Servers(script)


async def deployments(backend: str, *, is_down: bool = False) -> DeploymentSources:
    """Acme's payment was deployed at these times, and released twice."""
    if backend == "memory":
        made = [
            Deployment("acme/pay", name, ("payment",), ChangeStatus.SUCCEEDED, at(when))
            for name, when in DEPLOYED_AT.items()
        ]
        releases = [Release("acme/pay", name, at(ago(hours=hours))) for name, hours in (("v1", 40), ("v2", 2))]
        found = Deployed(deployments=tuple(made), releases=tuple(releases))
        source = ScriptedDeployments(DOWN if is_down else found, {"payment": "acme/pay"})
        return MemoryDeployments({ACME: [source]})
    repo = Repo(releases=[a_release("v2", ago(hours=2)), a_release("v1", ago(hours=40))])
    for name, when in DEPLOYED_AT.items():
        repo.deployed(int(name), when, ("success", when))
    directory, servers = await over_http(
        IntegrationType.GITHUB, down if is_down else FakeGitHub({"acme/pay": repo}), {"acme/pay": "payment"}
    )
    return GitHubOfTenant(directory, BoundBox(), servers.client(), pause_seconds=0)


async def annotations(backend: str, *, is_down: bool = False) -> AnnotationSources:
    """Somebody noted something at these times, `deploy` each but the last."""
    tags = {name: ("deploy",) if name != "4" else () for name in NOTED_AT}
    if backend == "memory":
        notes = [Annotation(name, when, "x", tags=tags[name]) for name, when in NOTED_AT.items()]
        return MemoryAnnotations({ACME: [ScriptedAnnotations(DOWN if is_down else notes)]})

    listed = [a_note(int(name), when, tags=list(tags[name])) for name, when in reversed(NOTED_AT.items())]

    def narrowed(asked: Asked) -> bytes:
        wanted = set(asked.params.get("tags", []))
        limit = int(asked.params["limit"][0])
        return responding([one for one in listed if wanted <= set(one["tags"])][:limit])

    directory, servers = await over_http(IntegrationType.GRAFANA, down if is_down else narrowed, {})
    return AnnotationsOfTenant(directory, BoundBox(), servers.client(), pause_seconds=0)


async def silencing(backend: str, *, is_down: bool = False) -> SilencingSources:
    """One alert is silenced by the first of three silences; the others ended, one of them long ago."""
    ends = {"0e7f-1": NOON + HOUR, "0e7f-2": NOON - HOUR, "0e7f-3": NOON - 50 * HOUR}
    if backend == "memory":
        made = [
            Silence(
                name,
                SilenceState.ACTIVE if end > NOON else SilenceState.EXPIRED,
                (Matcher("service", "payment"),),
                NOON - 60 * HOUR,
                end,
            )
            for name, end in ends.items()
        ]
        alert = FiringAlert(
            "f1", NOON, {}, notifies=False, quiet=frozenset({Quiet.SILENCED}), silenced_by=("0e7f-1",)
        )
        source = ScriptedSilencing(FiringNow([alert], NOON), made, DOWN if is_down else None)
        return MemorySilencing({ACME: [source]})
    told = [
        a_silence(number, "active" if end > NOON else "expired", endsAt=end.isoformat())
        for number, end in enumerate(ends.values(), start=1)
    ]
    status = {"state": "suppressed", "silencedBy": ["0e7f-1"], "inhibitedBy": []}
    fires = [{"fingerprint": "f1", "startsAt": NOON.isoformat(), "labels": {}, "status": status}]

    def answers(asked: Asked) -> bytes:
        return responding(told if asked.path.endswith("silences") else fires)

    directory, servers = await over_http(IntegrationType.ALERTMANAGER, down if is_down else answers, {})
    return SilencingOfTenant(directory, BoundBox(), servers.client(), pause_seconds=0)


async def looked(sources: DeploymentSources, services: Sequence[str], since: datetime = SINCE) -> Deployed:
    (source,) = await sources.of_tenant(ACME)
    return await source.look(services, since=since, until=NOON)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_deployments_and_releases_of_the_time_are_newest_first(backend: str) -> None:
    found = await looked(await deployments(backend), ["payment", "fraud"])
    assert [one.deployment_id for one in found.deployments] == ["4", "3", "2"], "a little skew is forgiven"
    assert [one.tag for one in found.releases] == ["v2"]
    assert all(one.services == ("payment",) for one in found.deployments)
    assert found.unmapped == ("fraud",)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_service_without_a_repository_is_named_and_costs_nothing(backend: str) -> None:
    assert await looked(await deployments(backend), ["fraud"]) == Deployed(unmapped=("fraud",))


@pytest.mark.parametrize("backend", BACKENDS)
async def test_annotations_of_the_time_are_newest_first_and_carry_the_tags(backend: str) -> None:
    (source,) = await (await annotations(backend)).of_tenant(ACME)
    found = await source.between(SINCE, NOON)
    assert ([one.annotation_id for one in found.items], found.warnings) == (["4", "3", "2"], ())
    tagged = await source.between(SINCE, NOON, tags=["deploy"])
    assert [one.annotation_id for one in tagged.items] == ["3", "2"]
    cut = await source.between(SINCE, NOON, tags=["deploy"], limit=1)
    assert ([one.annotation_id for one in cut.items], len(cut.warnings)) == (["3"], 1)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_silences_that_matter_are_told_and_alerts_say_which_they_met(backend: str) -> None:
    (source,) = await (await silencing(backend)).of_tenant(ACME)
    found = await source.silences(since=SINCE)
    assert [(one.silence_id, one.state.value) for one in found.items] == [("0e7f-1", "active"), ("0e7f-2", "expired")]
    (alert,) = (await source.firing(now=NOON)).alerts
    assert (alert.notifies, alert.quiet, alert.silenced_by) == (False, {Quiet.SILENCED}, ("0e7f-1",))


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_source_that_is_down_says_so(backend: str) -> None:
    (noting,) = await (await annotations(backend, is_down=True)).of_tenant(ACME)
    (quiet,) = await (await silencing(backend, is_down=True)).of_tenant(ACME)
    for asked in (
        looked(await deployments(backend, is_down=True), ["payment"]),
        noting.between(SINCE, NOON),
        quiet.silences(since=SINCE),
        quiet.firing(now=NOON),
    ):
        with pytest.raises(SourceUnavailable) as failed:
            await asked
        assert failed.value.reason == "http_5xx"


async def test_an_address_where_nobody_listens_says_so() -> None:
    directory, http = MemoryDirectory(), Refusing(down).client()
    for number, kind in enumerate((IntegrationType.GITHUB, IntegrationType.GRAFANA, IntegrationType.ALERTMANAGER)):
        named = {"integration_type": kind, "service_map": {"acme/pay": "payment"}}
        await directory.put(ACME, connected_to("http://127.0.0.1:8443", id=f"int-{number}", **named))
    github = GitHubOfTenant(directory, BoundBox(), http, pause_seconds=0)
    (noting,) = await AnnotationsOfTenant(directory, BoundBox(), http, pause_seconds=0).of_tenant(ACME)
    (quiet,) = await SilencingOfTenant(directory, BoundBox(), http, pause_seconds=0).of_tenant(ACME)
    for asked in (
        looked(github, ["payment"]),
        noting.between(SINCE, NOON),
        quiet.silences(since=SINCE),
        quiet.firing(now=NOON),
    ):
        with pytest.raises(SourceUnavailable) as failed:
            await asked
        assert failed.value.reason == "connect"


@pytest.mark.parametrize("backend", BACKENDS)
async def test_what_one_tenant_connected_is_nobody_elses(backend: str) -> None:
    for sources in (await deployments(backend), await annotations(backend), await silencing(backend)):
        assert len(await sources.of_tenant(ACME)) == 1
        assert list(await sources.of_tenant(GLOBEX)) == []
