"""What Alertmanager says of its silences, and of why its alerts are quiet."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.alertmanager_api import AlertmanagerApi, ApiConfig
from shared.adapters.breaker import FAILURES
from shared.adapters.memory import MemoryDirectory
from shared.adapters.prometheus import Connection
from shared.adapters.silencing import MAX_SILENCES, AlertmanagerSilencing, SilencingOfTenant
from shared.errors import SourceUnavailable
from shared.models.tenants import IntegrationType
from shared.ports.alert_sources import Quiet
from shared.ports.silencing import Matcher, Silence, SilenceState
from tests.builders import ACME, GLOBEX, NOON
from tests.unit.adapters.scripted import BoundBox, Script, Servers, connected_to, responding
from tests.unit.adapters.test_alertmanager_api import LISTED

HOUR = timedelta(hours=1)


def a_silence(number: int = 1, state: str = "active", **changes: Any) -> dict[str, Any]:
    """As Alertmanager 0.25 lists it."""
    return {
        "id": f"0e7f-{number}",
        "status": {"state": state},
        "updatedAt": "2026-11-23T11:00:00.000Z",
        "comment": "deploying 1.5.0",
        "createdBy": "dana",
        "startsAt": (NOON - HOUR).isoformat(),
        "endsAt": (NOON + HOUR).isoformat(),
        "matchers": [
            {"isEqual": True, "isRegex": False, "name": "service", "value": "payment"},
            {"isEqual": False, "isRegex": True, "name": "severity", "value": "info|none"},
        ],
        **changes,
    }


def a_source(script: Script | bytes | None, **api: Any) -> tuple[AlertmanagerSilencing, Servers]:
    servers = Servers(script if callable(script) else lambda _: script)
    config = ApiConfig(Connection("http://127.0.0.1:9093/base/?x=1#y", bearer_token="t"))
    return AlertmanagerSilencing(AlertmanagerApi(servers.client(), config, **api), "int-1", pause_seconds=0), servers


async def silences(*listed: Any) -> tuple[Silence, ...]:
    source, _ = a_source(responding(list(listed)))
    return (await source.silences(since=NOON - HOUR)).items


async def test_a_silence_is_read_with_who_made_it_why_and_on_what() -> None:
    source, servers = a_source(responding([a_silence()]))
    found = await source.silences(since=NOON - HOUR)
    assert found.items == (
        Silence(
            silence_id="0e7f-1",
            state=SilenceState.ACTIVE,
            matchers=(Matcher("service", "payment"), Matcher("severity", "info|none", is_regex=True, is_equal=False)),
            starts_at=NOON - HOUR,
            ends_at=NOON + HOUR,
            created_by="dana",
            comment="deploying 1.5.0",
        ),
    )
    assert found.warnings == ()
    assert [(one.path, one.headers["authorization"]) for one in servers.asked] == [
        ("/base/api/v2/silences", "bearer t")
    ]


@pytest.mark.parametrize(
    ("is_regex", "is_equal", "written"),
    [(False, True, '="b"'), (False, False, '!="b"'), (True, True, '=~"b"'), (True, False, '!~"b"')],
)
def test_a_matcher_is_written_as_alertmanager_writes_it(is_regex: bool, is_equal: bool, written: str) -> None:
    assert str(Matcher("a", "b", is_regex=is_regex, is_equal=is_equal)) == f"a{written}"


async def test_those_that_silence_now_come_first_and_those_that_ended_before_are_left_out() -> None:
    ended = {"state": "expired", "endsAt": (NOON - HOUR / 2).isoformat()}
    found = await silences(
        a_silence(1, "pending"),
        a_silence(2, **ended),
        a_silence(3, "expired", endsAt=(NOON - 2 * HOUR).isoformat()),
        a_silence(4, startsAt=(NOON - 3 * HOUR).isoformat()),
        a_silence(5),
    )
    assert [one.silence_id for one in found] == ["0e7f-5", "0e7f-4", "0e7f-2", "0e7f-1"]


async def test_of_five_thousand_silences_the_latest_are_kept_and_it_is_said() -> None:
    source, _ = a_source(responding([a_silence(number, "pending") for number in range(5000)] + [a_silence(7)]))
    found = await source.silences(since=NOON)
    assert (len(found.items), found.items[0].state) == (MAX_SILENCES, SilenceState.ACTIVE)
    assert found.warnings == (f"{5001 - MAX_SILENCES} more silences are left out",)


async def test_silences_that_make_no_sense_are_left_out_and_counted() -> None:
    odd = [None, 7, {}, a_silence(state="odd"), a_silence(startsAt="x"), a_silence(matchers={}), a_silence(id="")]
    source, _ = a_source(responding([*odd, a_silence(matchers=[7, {"name": 5}], createdBy=None, comment={"a": 1})]))
    found = await source.silences(since=NOON)
    (silence,) = found.items
    assert (len(silence.matchers), silence.created_by, silence.comment) == (2, None, '{"a": 1}')
    assert found.warnings == (f"{len(odd)} silences make no sense and are left out",)


async def test_hostile_text_is_one_line_and_short() -> None:
    long = "a\nb\u202e" + "x" * 5_000
    (silence,) = await silences(
        a_silence(comment=long, createdBy=long, matchers=[{"name": long, "value": long}] * 50)
    )
    assert silence.comment is not None
    assert silence.created_by is not None
    assert len(silence.matchers) == 20
    for text in (silence.comment, silence.created_by, str(silence.matchers[0])):
        assert text.isprintable()
        assert len(text) <= 800


@pytest.mark.parametrize(
    ("status", "quiet", "silenced", "inhibited"),
    [
        ({"state": "active", "silencedBy": [], "inhibitedBy": []}, set(), (), ()),
        ({"state": "suppressed", "silencedBy": ["s1", "s2"], "inhibitedBy": []}, {Quiet.SILENCED}, ("s1", "s2"), ()),
        ({"state": "suppressed", "silencedBy": [], "inhibitedBy": ["f1"]}, {Quiet.INHIBITED}, (), ("f1",)),
        (
            {"state": "suppressed", "silencedBy": ["s"], "inhibitedBy": ["f"]},
            {Quiet.SILENCED, Quiet.INHIBITED},
            ("s",),
            ("f",),
        ),
        ({"state": "active", "mutedBy": ["night"]}, {Quiet.MUTED}, (), ()),
        ({"state": "unprocessed", "silencedBy": None}, {Quiet.UNPROCESSED}, (), ()),
        (
            {"state": "suppressed", "silencedBy": "s", "inhibitedBy": [7, {}]},
            {Quiet.SILENCED, Quiet.INHIBITED},
            (),
            (),
        ),
    ],
)
async def test_an_alert_says_what_keeps_it_quiet(
    status: dict[str, Any], quiet: set[Quiet], silenced: tuple[str, ...], inhibited: tuple[str, ...]
) -> None:
    source, _ = a_source(responding([{**LISTED, "status": status}]))
    (alert,) = (await source.firing(now=NOON)).alerts
    assert (alert.quiet, alert.silenced_by, alert.inhibited_by) == (quiet, silenced, inhibited)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (responding({}, 401), "unauthorised"),
        (responding({}, 403), "unauthorised"),
        (responding(b"404 page not found", 404), "not_found"),
        (responding(b"", 429), "throttled"),
        (responding(b"<html>"), "not_json"),
        (responding(b""), "not_json"),
        (responding(b"<html>", 500), "http_5xx"),
        (responding({"not": "a list"}), "unexpected_shape"),
        (responding([a_silence()], cut=3), "protocol"),
    ],
    ids=range(9),
)
async def test_what_gives_no_list_fails_with_its_reason(response: bytes, reason: str) -> None:
    source, _ = a_source(response)
    with pytest.raises(SourceUnavailable) as failed:
        await source.silences(since=NOON)
    assert failed.value.reason == reason


async def test_one_that_hangs_fails_in_time_and_one_that_keeps_failing_is_left_alone() -> None:
    source, servers = a_source(None, ask_seconds=0.005)
    reasons = []
    for number in range(FAILURES + 1):
        with pytest.raises(SourceUnavailable) as failed:
            await (source.firing(now=NOON) if number % 2 else source.silences(since=NOON))
        reasons.append(failed.value.reason)
    assert reasons == ["timeout"] * FAILURES + ["circuit_open"]
    assert len(servers.asked) == FAILURES


async def test_alertmanagers_are_asked_and_grafanas_only_with_a_receiver() -> None:
    directory = MemoryDirectory()
    to_receiver = json.dumps({"url": "http://127.0.0.1:3000", "receiver": "us"})
    grafana = IntegrationType.GRAFANA
    await directory.put(ACME, connected_to("http://127.0.0.1:9093"))
    await directory.put(
        ACME, connected_to("", id="int-2", integration_type=grafana, config=f"{ACME}|int-2|{to_receiver}")
    )
    await directory.put(ACME, connected_to("http://127.0.0.1:3000", id="int-3", integration_type=grafana))
    servers = Servers(lambda _: responding([]))
    sources = SilencingOfTenant(directory, BoundBox(), servers.client())
    found = await sources.of_tenant(ACME)
    assert [(one.integration_id, one.receiver) for one in found] == [("int-1", None), ("int-2", "us")]
    for one in found:
        await one.silences(since=NOON)
    assert [one.path for one in servers.asked] == ["/api/v2/silences", "/api/alertmanager/grafana/api/v2/silences"]
    assert await sources.of_tenant(GLOBEX) == []
