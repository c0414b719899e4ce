"""Grafana's annotations, through the genuine guarded client."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.breaker import FAILURES
from shared.adapters.grafana_annotations import AnnotationsOfTenant, GrafanaAnnotations
from shared.adapters.grafana_dashboards import Grafana
from shared.adapters.memory import MemoryDirectory
from shared.adapters.plain_text import MAX_CHARS, plain_text
from shared.adapters.prometheus import Connection
from shared.adapters.tenant_slots import TenantSlots
from shared.errors import SourceUnavailable
from shared.models.tenants import IntegrationType
from shared.ports.annotations import Annotation
from tests.builders import ACME, GLOBEX, NOON
from tests.unit.adapters.scripted import BoundBox, Script, Servers, connected_to, responding

DAY_BEFORE = NOON - timedelta(hours=24)


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def a_note(number: int = 1124, at: datetime = NOON - timedelta(hours=1), **changes: Any) -> dict[str, Any]:
    """As Grafana lists it, with some of what is not kept."""
    return {
        "id": number, "alertId": 0, "alertName": "", "dashboardId": 163, "dashboardUID": "cIBgcSjkk", "panelId": 2,
        "userId": 1, "newState": "", "prevState": "", "created": milliseconds(at), "updated": milliseconds(at),
        "time": milliseconds(at), "timeEnd": milliseconds(at), "text": "Deployed 1.5.0",
        "tags": ["deploy", "payment"],
        "login": "dana", "email": "dana@acme.example", "avatarUrl": "/avatar/1", "data": {}, **changes,
    }  # fmt: skip


def a_source(
    script: Script | bytes | None, url: str = "http://127.0.0.1:3000/sub/?orgId=2", **grafana: Any
) -> tuple[GrafanaAnnotations, Servers]:
    servers = Servers(script if callable(script) else lambda _: script)
    connection = Connection(url, bearer_token="glsa_1")
    return (
        GrafanaAnnotations(
            Grafana(servers.client(), connection, ACME, TenantSlots(4), **grafana), "int-1", pause_seconds=0
        ),
        servers,
    )


async def noted(*listed: Any) -> tuple[Annotation, ...]:
    source, _ = a_source(responding(list(listed)))
    return (await source.between(DAY_BEFORE, NOON)).items


async def test_what_is_listed_is_read_without_the_address_of_who_wrote_it() -> None:
    (note,) = await noted(a_note())
    assert note == Annotation(
        annotation_id="1124",
        at=NOON - timedelta(hours=1),
        text="Deployed 1.5.0",
        tags=("deploy", "payment"),
        author="dana",
        dashboard_uid="cIBgcSjkk",
        dashboard_url=(
            "http://127.0.0.1:3000/sub/d/cIBgcSjkk?orgId=2"
            f"&from={milliseconds(NOON - timedelta(minutes=90))}"
            f"&to={milliseconds(NOON - timedelta(minutes=30))}&viewPanel=2"
        ),
    )


async def test_the_question_is_in_milliseconds_and_names_organisation_kind_and_tags() -> None:
    source, servers = a_source(responding([]))
    await source.between(DAY_BEFORE, NOON, tags=["deploy", "a&b"], limit=7)
    (asked,) = servers.asked
    assert (asked.method, asked.path) == ("GET", "/sub/api/annotations")
    assert asked.params == {
        "from": [str(milliseconds(DAY_BEFORE))],
        "to": [str(milliseconds(NOON + timedelta(minutes=5)))],
        "type": ["annotation"],
        "limit": ["7"],
        "tags": ["deploy", "a&b"],
    }
    assert (asked.headers["authorization"], asked.headers["x-grafana-org-id"]) == ("bearer glsa_1", "2")


async def test_a_region_has_an_end_and_counts_while_it_touches_the_time() -> None:
    before = DAY_BEFORE - timedelta(hours=1)
    notes = await noted(
        a_note(1, before, timeEnd=milliseconds(DAY_BEFORE + timedelta(hours=1))),
        a_note(2, before, timeEnd=milliseconds(before + timedelta(minutes=1))),
        a_note(3, before, timeEnd=0),
    )
    assert [(one.annotation_id, one.until) for one in notes] == [("1", DAY_BEFORE + timedelta(hours=1))]


async def test_they_are_newest_first_and_two_minutes_of_skew_lose_nothing() -> None:
    notes = await noted(
        a_note(1, NOON - timedelta(hours=2)),
        a_note(2, NOON + timedelta(minutes=2)),
        a_note(3, NOON + timedelta(hours=1)),
        a_note(4, NOON - timedelta(hours=1)),
    )
    assert [one.annotation_id for one in notes] == ["2", "4", "1"]


async def test_what_alert_rules_noted_is_left_out() -> None:
    assert await noted(a_note(alertId=7), a_note(newState="alerting")) == ()


async def test_of_many_the_latest_are_kept_and_it_is_said() -> None:
    source, servers = a_source(responding([a_note(number) for number in range(5000)]))
    found = await source.between(DAY_BEFORE, NOON, limit=100)
    assert (len(found.items), found.warnings) == (100, ("only the latest 100 annotations are here",))
    await source.between(DAY_BEFORE, NOON, limit=10_000)
    assert servers.asked[-1].params["limit"] == ["500"]


async def test_entries_that_make_no_sense_are_left_out_and_counted() -> None:
    odd = [
        None,
        7,
        "x",
        [],
        {},
        a_note(time="noon"),
        a_note(time=-5),
        a_note(time=10**30),
        a_note(time=True),
        a_note(id=[]),
    ]
    source, _ = a_source(
        responding([*odd, a_note(text=7, tags="deploy", login=7, dashboardUID="../..", panelId="x")])
    )
    found = await source.between(DAY_BEFORE, NOON)
    (note,) = found.items
    assert (note.text, note.tags, note.author, note.dashboard_uid, note.dashboard_url) == ("", (), None, None, None)
    assert found.warnings == (f"{len(odd)} annotations make no sense and are left out",)


async def test_hostile_text_is_plain_one_line_and_short() -> None:
    text = (
        "<img src=x onerror=alert(1)>a\n\u202eb<script>steal()</script> <a href='javascript:alert(1)'>c</a>"
        + "x" * 90_000
    )
    (note,) = await noted(a_note(text=text, tags=["t\n" * 500] * 90, login="\u202edana@acme.example" * 9))
    assert note.text.startswith("a b c xxx")
    assert (len(note.text), note.link, len(note.tags), note.author) == (499, None, 20, "dana")
    assert all(len(tag) <= 120 and tag.isprintable() for tag in note.tags)


@pytest.mark.parametrize(
    ("text", "plain", "address"),
    [
        ("Deployed 1.5.0", "Deployed 1.5.0", None),
        ("  two\n lines ", "two lines", None),
        ("<b>payment</b> 1.5&nbsp;&amp; up", "payment 1.5 & up", None),
        ("one<br/>two<p>three</p>", "one two three", None),
        ('see <a href="https://ci.example/1?a=1&amp;b=2">build</a>', "see build", "https://ci.example/1?a=1&b=2"),
        ("<a>no</a> <a href='https://b'>b</a> <a href='https://c'>c</a>", "no b c", "https://b"),
        ("p99 < 5 ms and > 3", "p99 < 5 ms and > 3", None),
        ("<style>a{}</style>seen", "seen", None),
        ("<script>unfinished", "", None),
        ("</script>seen", "seen", None),
        ("<!-- unseen -->seen", "seen", None),
        ("<STYLE>a</script>b</STYLE>seen", "seen", None),
        ("<a HREF=https://a>x</a>", "x", "https://a"),
        ("", "", None),
    ],
)
def test_html_is_read_as_a_reader_sees_it(text: str, plain: str, address: str | None) -> None:
    assert plain_text(text) == (plain, address)


def test_endless_html_is_read_from_its_beginning_only() -> None:
    for piece in ("<", "<a ", "&", "<b>", "<!--", "x<a href='"):
        assert len(plain_text(piece * 200_000)[0]) <= MAX_CHARS


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (responding({"message": "Unauthorized"}, 401), "unauthorised"),
        (responding({"message": "You'll need annotations:read"}, 403), "unauthorised"),
        (responding({}, 404), "not_found"),
        (responding(b"", 429), "throttled"),
        (responding(b"<html>"), "not_json"),
        (responding(b""), "not_json"),
        (responding(b"<html>", 500), "http_5xx"),
        (responding({"not": "a list"}), "unexpected_shape"),
        (responding([a_note()], cut=3), "protocol"),
        (responding(b" " * (4 * 1024 * 1024 + 1)), "too_large"),
    ],
    ids=range(10),
)
async def test_a_grafana_that_gives_no_list_fails_with_its_reason(response: bytes, reason: str) -> None:
    source, _ = a_source(response)
    with pytest.raises(SourceUnavailable) as failed:
        await source.between(DAY_BEFORE, NOON)
    assert failed.value.reason == reason


async def test_a_grafana_that_hangs_fails_in_time_and_one_that_keeps_failing_is_left_alone() -> None:
    source, servers = a_source(None, ask_seconds=0.005)
    reasons, asked = [], []
    for _ in range(FAILURES + 1):
        with pytest.raises(SourceUnavailable) as failed:
            await source.between(DAY_BEFORE, NOON)
        reasons.append(failed.value.reason)
        asked.append(len(servers.asked))
    assert reasons == ["timeout"] * FAILURES + ["circuit_open"]
    assert asked[-1] == asked[-2]


async def test_each_tenant_gets_its_own_grafanas_in_their_order() -> None:
    directory, kind = MemoryDirectory(), IntegrationType.GRAFANA
    for number in range(1, 7):
        url = f"http://127.0.0.1:{3000 + number}"
        made = datetime(2026, 1, 10 - number, tzinfo=UTC)
        await directory.put(ACME, connected_to(url, id=f"int-{number}", integration_type=kind, created_at=made))
    await directory.put(GLOBEX, connected_to("", GLOBEX, integration_type=kind))
    sources = AnnotationsOfTenant(directory, BoundBox(), Servers(lambda _: None).client())
    assert [one.integration_id for one in await sources.of_tenant(ACME)] == ["int-6", "int-5", "int-4", "int-3"]
    assert await sources.of_tenant(GLOBEX) == []
