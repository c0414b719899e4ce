"""Whatever is posted: a delivery in our terms, or one named reason why not. Nothing else comes out of a parser."""

import gzip
import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Malformed
from shared.models.changes import ReportedChange
from shared.models.signals import Alert, ParsedDelivery, Source
from shared.pipeline.recording import ALERTS_PER_WRITE
from shared.signals.sources import PARSERS, parse
from shared.signals.sources.json_body import MAX_ID_CHARS, text_of
from shared.signals.sources.sizes import MAX_ALERT_BYTES, cut, fitted, wire_bytes
from tests.builders import NOON
from tests.payloads.recorded import FOLDER

SOURCES = sorted(PARSERS)
RECORDED = sorted(path for path in FOLDER.glob("*/*.json") if not path.name.endswith(".expected.json"))
LONG = "x" * 5000
WIDE = "\U0001f525" * 5000
HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 2**80, 10**4000, 1e308, float("nan"), float("inf"), -0.0),
    *("", "\0", "\ud800", "\u202eevil", LONG, WIDE, "NaN", "\n", "firing", "resolved", "ok", "P1"),
    *("0001-01-01T00:00:00Z", "2026-13-45T99:99:99Z", "9999-12-31T23:59:59-14:00", "javascript:alert(1)"),
    *([], [[]], [None], {}, {"a": {}}, [{"status": "firing"}], {"type": "incident", "id": "P1"}),
    {f"{number}{'k' * 300}": WIDE[:300] for number in range(150)},
]
KEYS = [
    *("alerts", "status", "labels", "annotations", "startsAt", "endsAt", "fingerprint", "groupKey"),
    *("truncatedAlerts", "values", "valueString", "state", "ruleId", "evalMatches", "tags", "orgId", "title"),
    *("message", "generatorURL", "event", "event_type", "data", "id", "type", "incident", "service"),
    *("occurred_at", "metric", "resolve_reason", "agent", "name", "severity", "starts_at", "said_at"),
    *("changes", "kind", "version", "at", "deployment", "deployment_status", "repository", "full_name"),
    *("payload", "created_at", "updated_at", "creator", "incident_role_assignments", "priority", "summary"),
]


def hostile(place: int) -> Any:
    """Drawn by place: hypothesis describes its strategies, and the values are long."""
    return deepcopy(HOSTILE[place])


SOMETHING_HOSTILE = st.sampled_from(range(len(HOSTILE))).map(hostile)
LEAVES = SOMETHING_HOSTILE | st.text(max_size=20) | st.integers() | st.floats()
OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from(KEYS), LEAVES, max_size=8),
    lambda inner: st.dictionaries(st.sampled_from(KEYS), LEAVES | inner | st.lists(inner, max_size=3), max_size=8),
    max_leaves=30,
)
always_the_same = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def outcome(source: Source, body: bytes) -> ParsedDelivery | str:
    """The delivery, checked to be storable, or the reason why there is none."""
    try:
        parsed = parse(source, body, received_at=NOON)
    except Malformed as exc:
        return exc.reason
    for alert in parsed.alerts:
        stored = alert.model_dump_json()
        assert Alert.model_validate_json(stored) == alert
        assert len(json.dumps(json.loads(stored))) <= MAX_ALERT_BYTES
    for change in parsed.changes:
        assert ReportedChange.model_validate_json(change.model_dump_json()) == change
    assert ParsedDelivery.model_validate_json(parsed.model_dump_json()) == parsed
    return parsed


def the_alert(labels: object, **fields: object) -> Alert:
    """The one alert of an Alertmanager's body with these labels."""
    parsed = outcome(
        Source.ALERTMANAGER, json.dumps({"alerts": [{"status": "firing", "labels": labels, **fields}]}).encode()
    )
    assert isinstance(parsed, ParsedDelivery)
    (alert,) = parsed.alerts
    return alert


@always_the_same
@given(st.sampled_from(SOURCES), OBJECTS)
def test_any_object_is_read_or_refused_with_a_reason(source: Source, payload: dict[str, Any]) -> None:
    outcome(source, json.dumps(payload).encode())


@pytest.mark.parametrize("source", SOURCES)
@settings(always_the_same, max_examples=60)
@given(data=st.data())
def test_a_recorded_payload_with_something_hostile_in_it_is_read_or_refused_with_a_reason(
    source: Source, data: st.DataObject
) -> None:
    own = [path for path in RECORDED if path.parent.name == source]
    payload = json.loads(data.draw(st.sampled_from(own)).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = payload
        while place:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
            if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.integers(0, 3))):
                break
            place = place[key]
        if place:
            place[key] = data.draw(SOMETHING_HOSTILE | OBJECTS)
    outcome(source, json.dumps(payload).encode())


@always_the_same
@given(
    st.sampled_from(SOURCES), st.binary(max_size=200) | st.text(max_size=80).map(lambda text: text.encode("utf-16"))
)
def test_any_bytes_are_read_or_refused_with_a_reason(source: Source, body: bytes) -> None:
    outcome(source, body)


@always_the_same
@given(st.sampled_from(RECORDED), st.data())
def test_a_recorded_payload_with_bytes_broken_or_cut_off_is_read_or_refused_with_a_reason(
    path: Any, data: st.DataObject
) -> None:
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(body)))
    outcome(Source(path.parent.name), bytes(body[:end] if data.draw(st.booleans()) else body))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "not_json", id="nothing"),
        pytest.param(b"\xef\xbb\xbf", "not_json", id="only a BOM"),
        pytest.param(b"alerts=1&status=firing", "not_json", id="a form"),
        pytest.param(b"[" * 200_000, "too_deep", id="an array bomb"),
        pytest.param(b'{"alerts":' * 50_000, "too_deep", id="an object bomb"),
        pytest.param(b'{"alerts": ' + b"9" * 10_000 + b"}", "not_json", id="an integer of ten thousand digits"),
        pytest.param('{"alerts": []}'.encode("utf-16"), "not_utf8", id="UTF-16 with a BOM"),
        pytest.param('{"alerts": []}'.encode("utf-16-le"), "not_utf8", id="UTF-16 without one"),
        pytest.param('{"alerts": []}'.encode("utf-32"), "not_utf8", id="UTF-32"),
        pytest.param(gzip.compress(b'{"alerts": []}'), "not_utf8", id="compressed"),
        pytest.param(b"\x00\xff\xfe", "not_utf8", id="no text"),
        pytest.param(b'"text"', "not_an_object", id="a text"),
        pytest.param(b"NaN", "not_an_object", id="a number that is none"),
    ],
)
def test_what_is_no_json_object_is_refused_for_what_it_is(source: Source, body: bytes, reason: str) -> None:
    assert outcome(source, body) == reason


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"event":{"data":' + b"[" * 900 + b"]" * 900 + b"}}", id="nested as deep as JSON reads"),
        pytest.param(b'{"alerts": [NaN, Infinity, -Infinity]}', id="numbers that are none"),
        pytest.param(b'{"alerts": {}, "alerts": 1}', id="a key twice"),
    ],
)
def test_odd_but_valid_json_is_read_or_refused(source: Source, body: bytes) -> None:
    outcome(source, body)


def test_latin_1_in_a_label_costs_that_character_and_nothing_else() -> None:
    body = '{"alerts": [{"status": "firing", "labels": {"service": "caf\u00e9"}}]}'.encode("latin-1")
    assert parse(Source.ALERTMANAGER, body, received_at=NOON).alerts[0].service_name == "caf\ufffd"


def test_of_a_key_that_is_there_twice_the_last_counts() -> None:
    body = b'{"alerts": [{"status": "firing", "status": "resolved", "labels": {"service": "payment"}}]}'
    assert parse(Source.ALERTMANAGER, body, received_at=NOON).alerts[0].status == "resolved"


def test_a_value_nested_too_deeply_to_write_is_empty() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert text_of(deep) == ""
    assert text_of([[1]]) == "[[1]]"


def test_a_batch_of_the_longest_alerts_fits_one_request_of_the_store() -> None:
    # The rest is for the incident, its timeline entries and what a signal adds to its alert.
    assert ALERTS_PER_WRITE * (MAX_ALERT_BYTES + 2048) <= 2 * 1024 * 1024 - 128 * 1024


@pytest.mark.parametrize(
    "text", [LONG, WIDE, "ü" * 5000, '"\\\n' * 2000], ids=["plain", "emoji", "umlauts", "escapes"]
)
def test_an_alert_in_which_everything_is_as_long_as_can_be_is_cut_to_what_can_be_stored(text: str) -> None:
    labels = {**{f"{text[:250]}{number}": text for number in range(1000)}, "service": text, "alertname": text}
    url = f"http://prometheus.example/graph?g0.expr={text}"
    alert = the_alert(labels, annotations={**labels, "summary": text}, generatorURL=url, fingerprint=text)
    assert (alert.service_from, len(alert.service_name)) == ("service", 120)
    assert len(alert.fingerprint) <= MAX_ID_CHARS


def test_of_a_thousand_labels_those_that_tell_what_it_is_about_are_kept() -> None:
    labels = {**{f"a{number}": "x" * 4000 for number in range(1000)}, "service": "payment", "severity": "critical"}
    alert = the_alert(labels)
    assert (alert.service_name, alert.severity) == ("payment", "critical")


def test_a_megabyte_in_one_label_is_cut_with_a_mark_and_its_neighbours_stay_whole() -> None:
    alert = the_alert({"service": "payment", "big": "y" * 2**20, "region": "westeurope"})
    assert (alert.labels["service"], alert.labels["region"]) == ("payment", "westeurope")
    assert set(alert.labels["big"]) == {"y"}


def test_the_longest_values_are_cut_first() -> None:
    kept = fitted({"a": "x" * 3000, "b": "short", "c": "y" * 2000}, 2500)
    assert kept["b"] == "short"
    assert kept["a"].endswith("…")
    assert kept["c"].endswith("…")
    assert wire_bytes(kept["a"]) == wire_bytes(kept["c"])


@always_the_same
@given(st.dictionaries(st.text(max_size=60), st.text(max_size=200), max_size=20), st.integers(60, 2000))
def test_names_and_values_never_take_more_than_they_may(named: dict[str, str], max_bytes: int) -> None:
    kept = fitted(named, max_bytes)
    assert kept.keys() <= named.keys()
    assert len(json.dumps(kept)) <= max_bytes + len(kept) * wire_bytes("…") + 2


@always_the_same
@given(st.text(max_size=400), st.integers(12, 500))
def test_a_text_is_cut_to_what_it_may_take_on_the_wire_and_only_then_marked(text: str, max_bytes: int) -> None:
    short = cut(text, max_bytes)
    assert wire_bytes(short) <= max_bytes
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_words_do_not_grow_together_where_odd_blanks_are_taken_out() -> None:
    alert = the_alert({"service": "payment"}, annotations={"summary": "a\u00a0b\u2028c\u3000d\r\ne\x1bf\u202eg"})
    assert alert.summary == "a b c d\nefg"


def test_a_service_has_a_name_of_one_line() -> None:
    assert the_alert({"service": " pay\nment\tapi "}).service_name == "pay ment api"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "http://a b", "http://x\x00", 7, "ftp://x", ""]
)
def test_only_a_web_address_becomes_a_link(url: object) -> None:
    assert the_alert({}, generatorURL=url).generator_url is None
