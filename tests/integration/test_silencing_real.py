"""What the real Alertmanager says of silences, and of alerts that are silenced or inhibited."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import yaml

from dev import binaries
from dev.prometheus.render import alertmanager_command
from dev.sentences import CannotRun
from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory import MemoryDirectory
from shared.adapters.silencing import SilencingOfTenant
from shared.ports.alert_sources import Quiet
from shared.ports.silencing import Matcher, SilenceState, SilencingSource
from tests.builders import ACME, an_integration
from tests.integration.test_connections_real import running
from tests.integration.test_reconcile_real import a_free_port, post
from tests.unit.adapters.test_alertmanager_api import PlainBox

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One in which what is critical inhibits the warnings of the same service."""
    try:
        binary = binaries.find("alertmanager")
    except CannotRun as exc:
        pytest.skip(str(exc))
    folder, port = tmp_path_factory.mktemp("alertmanager"), a_free_port()
    inhibiting = {
        "source_matchers": ['severity="critical"'],
        "target_matchers": ['severity="warning"'],
        "equal": ["service"],
    }
    config = {"route": {"receiver": "us"}, "receivers": [{"name": "us"}], "inhibit_rules": [inhibiting]}
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    command = alertmanager_command(binary, folder / "alertmanager.yml", folder / "data", port)
    with running(command, port, folder / "log") as url:
        yield url


@pytest.fixture
async def source(alertmanager: str) -> AsyncIterator[SilencingSource]:
    http, directory = GuardedHttp(allow_private=True), MemoryDirectory()
    await directory.put(ACME, an_integration(config=f"{ACME}|{json.dumps({'url': alertmanager})}"))
    (found,) = await SilencingOfTenant(directory, PlainBox(), http).of_tenant(ACME)
    yield found
    await http.aclose()


def silenced(url: str, name: str, *, now: datetime, starts_in: timedelta = timedelta(0)) -> str:
    """A new silence of one alert, and its id."""
    body = {
        "matchers": [{"name": "alertname", "value": f"{name}|Other.*", "isRegex": True, "isEqual": True}],
        "startsAt": (now + starts_in).isoformat(),
        "endsAt": (now + starts_in + timedelta(hours=1)).isoformat(),
        "createdBy": "dana",
        "comment": f"deploying {name}",
    }
    answer = httpx.post(f"{url}/api/v2/silences", json=body, trust_env=False).raise_for_status()
    return str(answer.json()["silenceID"])


def unsilence(url: str, silence_id: str) -> None:
    httpx.delete(f"{url}/api/v2/silence/{silence_id}", trust_env=False).raise_for_status()


async def quiet_of(
    source: SilencingSource, now: datetime
) -> dict[str, tuple[frozenset[Quiet], tuple[str, ...], int]]:
    """By alert: why it is quiet, by which silences, and by how many alerts."""
    listed = (await source.firing(now=now)).alerts
    return {one.labels["alertname"]: (one.quiet, one.silenced_by, len(one.inhibited_by)) for one in listed}


async def test_a_silence_hides_an_alert_until_it_ends_and_is_told_after_that(
    source: SilencingSource, alertmanager: str
) -> None:
    now = datetime.now(UTC)
    named = {"Burning": "critical", "Warm": "warning", "Noisy": "critical"}
    alerts = [
        {"labels": {"alertname": name, "severity": severity, "service": "noise" if name == "Noisy" else "payment"}}
        for name, severity in named.items()
    ]
    post(alertmanager, "alerts", alerts)
    hiding, later = (
        silenced(alertmanager, "Noisy", now=now),
        silenced(alertmanager, "Later", now=now, starts_in=timedelta(hours=2)),
    )
    expected = {
        "Burning": (frozenset(), (), 0),
        "Warm": (frozenset({Quiet.INHIBITED}), (), 1),
        "Noisy": (frozenset({Quiet.SILENCED}), (hiding,), 0),
    }
    # Alertmanager marks alerts as it works through them, a moment after it took them.
    for _ in range(100):
        if await quiet_of(source, now) == expected:
            break
        await asyncio.sleep(0.02)
    assert await quiet_of(source, now) == expected
    told = (await source.silences(since=now - timedelta(hours=1))).items
    assert [(one.silence_id, one.state) for one in told] == [
        (hiding, SilenceState.ACTIVE),
        (later, SilenceState.PENDING),
    ]
    first = told[0]
    assert first.matchers == (Matcher("alertname", "Noisy|Other.*", is_regex=True),)
    assert (first.created_by, first.comment) == ("dana", "deploying Noisy")
    unsilence(alertmanager, hiding)
    ended = {one.silence_id: one.state for one in (await source.silences(since=now - timedelta(hours=1))).items}
    assert ended[hiding] is SilenceState.EXPIRED
    assert hiding not in {one.silence_id for one in (await source.silences(since=now + timedelta(hours=1))).items}
