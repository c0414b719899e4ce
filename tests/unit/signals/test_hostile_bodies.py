"""Whatever is posted: a delivery in our terms, or one named reason why not. Nothing else comes out of a parser."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Malformed
from shared.models.changes import ReportedChange
from shared.models.signals import Alert, ParsedDelivery, Source
from shared.signals.sources import PARSERS, parse
from tests.builders import NOON

MAX_ALERT_BYTES = 200_000
HOSTILE_TEXTS = [
    "",
    "\0",
    "\ud800",
    "\u202eevil",
    "a" * 5000,
    "NaN",
    "0001-01-01T00:00:00Z",
    "2026-13-45T99:99:99Z",
    "\n",
]
HOSTILE_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 2**80, 1e308, float("nan"), float("inf"), -0.0),
    *HOSTILE_TEXTS,
    *([], [[]], [None], {}, {"a": {}}, [{"status": "firing"}], {"type": "incident", "id": "P1"}),
]
KEYS = [
    *(
        "alerts",
        "status",
        "labels",
        "annotations",
        "startsAt",
        "endsAt",
        "fingerprint",
        "groupKey",
        "truncatedAlerts",
    ),
    *("values", "valueString", "state", "ruleId", "evalMatches", "tags", "orgId", "title", "message", "generatorURL"),
    *("event", "event_type", "data", "id", "type", "incident", "service", "occurred_at", "resolve_reason", "agent"),
    *("name", "severity", "starts_at", "said_at", "changes", "kind", "version", "at", "deployment"),
    *("deployment_status", "repository", "full_name", "payload", "created_at", "updated_at", "creator"),
]
KNOWN_WORDS = [
    "firing",
    "resolved",
    "alerting",
    "ok",
    "no_data",
    "success",
    "incident.triggered",
    "incident.resolved",
]

LEAVES = st.sampled_from([*HOSTILE_VALUES, *KNOWN_WORDS]) | st.text(max_size=20) | st.integers() | st.floats()
OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from(KEYS), LEAVES, max_size=8),
    lambda inner: st.dictionaries(st.sampled_from(KEYS), LEAVES | inner | st.lists(inner, max_size=3), max_size=8),
    max_leaves=30,
)
SOURCES = sorted(PARSERS)

EVENT = {
    "id": "01E",
    "event_type": "incident.triggered",
    "occurred_at": "2026-11-23T11:59:30Z",
    "data": {"id": "P1", "type": "incident", "status": "triggered", "created_at": "2026-11-23T11:59:00Z"},
}
STATUS = {"state": "success", "updated_at": "2026-11-23T11:59:00Z"}
GOOD: dict[Source, dict[str, Any]] = {
    Source.ALERTMANAGER: {
        "status": "firing",
        "alerts": [{"labels": {"service": "payment"}, "startsAt": "2026-11-23T11:59:00Z"}],
    },
    Source.PAGERDUTY: {"event": EVENT},
    Source.GRAFANA: {
        "state": "alerting",
        "alerts": [{"labels": {"rulename": "r"}, "values": {"A": 1.5}, "startsAt": "2026-11-23T11:59:00Z"}],
    },
    Source.GRAFANA_LEGACY: {
        "state": "alerting",
        "ruleId": 1,
        "orgId": 1,
        "tags": {"service": "payment"},
        "evalMatches": [{"metric": "errors", "value": 0.5, "tags": None}],
    },
    Source.GENERIC: {"alerts": [{"name": "Slow", "service": "payment", "values": {"p95": 1.5}}]},
    Source.CHANGES: {"changes": [{"service": "payment", "version": "1.5.0"}]},
    Source.GITHUB: {
        "deployment_status": STATUS,
        "deployment": {"id": 1, "ref": "main"},
        "repository": {"full_name": "acme/payment"},
    },
}


def outcome(source: Source, body: bytes, received_at: datetime = NOON) -> ParsedDelivery | str:
    """The delivery, checked to be storable, or the reason why there is none."""
    try:
        parsed = parse(source, body, received_at=received_at)
    except Malformed as exc:
        return exc.reason
    for one in parsed.alerts:
        stored = one.model_dump_json()
        assert len(stored) < MAX_ALERT_BYTES
        assert Alert.model_validate_json(stored) == one
    for change in parsed.changes:
        assert ReportedChange.model_validate_json(change.model_dump_json()) == change
    ParsedDelivery.model_validate_json(parsed.model_dump_json())
    return parsed


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.sampled_from(SOURCES), OBJECTS)
def test_any_object_is_read_or_refused_with_a_reason(source: Source, payload: dict[str, Any]) -> None:
    outcome(source, json.dumps(payload).encode(errors="surrogatepass"))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_a_good_body_with_something_hostile_in_it_is_read_or_refused_with_a_reason(
    source: Source, data: st.DataObject
) -> None:
    payload = json.loads(json.dumps(GOOD[source]))
    place: Any = payload
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    place[key] = data.draw(st.sampled_from(HOSTILE_VALUES) | OBJECTS)
    outcome(source, json.dumps(payload).encode(errors="surrogatepass"))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(SOURCES), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_reason(source: Source, body: bytes) -> None:
    outcome(source, body)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xef\xbb\xbf", id="only a BOM"),
        pytest.param(b"[" * 200_000, id="an array bomb"),
        pytest.param(b'{"alerts":' * 50_000, id="an object bomb"),
        pytest.param(b'{"event":{"data":' + b"[" * 900 + b"]" * 900 + b"}}", id="nested as deep as JSON reads"),
        pytest.param(b'{"alerts": ' + b"9" * 10_000 + b"}", id="an integer of ten thousand digits"),
        pytest.param('{"alerts": []}'.encode("utf-16"), id="another encoding"),
        pytest.param(b'{"alerts": [NaN, Infinity, -Infinity]}', id="numbers that are none"),
        pytest.param(b'{"alerts": {}, "alerts": 1}', id="a key twice"),
        pytest.param(b'"text"', id="no object"),
        pytest.param(b"\x00\xff\xfe", id="no text"),
    ],
)
def test_a_hostile_body_is_refused_or_read_and_never_breaks_anything(source: Source, body: bytes) -> None:
    outcome(source, body)


@pytest.mark.parametrize("source", sorted(GOOD))
def test_every_source_reads_its_good_body(source: Source) -> None:
    parsed = outcome(source, json.dumps(GOOD[source]).encode())
    assert isinstance(parsed, ParsedDelivery)
    assert parsed.alerts or parsed.changes


def test_a_megabyte_in_a_label_and_a_thousand_labels_are_cut_to_what_can_be_stored() -> None:
    labels = {**{f"label{number}": "x" * 4000 for number in range(1000)}, "service": "payment", "big": "y" * 2**20}
    body = json.dumps({"alerts": [{"status": "firing", "labels": labels, "annotations": labels}]}).encode()
    parsed = outcome(Source.ALERTMANAGER, body)
    assert isinstance(parsed, ParsedDelivery)
    (alert,) = parsed.alerts
    assert alert.service_name == "payment", "what the alert is about is kept, however many labels there are"


def test_a_service_has_a_name_of_one_line() -> None:
    body = json.dumps({"status": "firing", "alerts": [{"labels": {"service": " pay\nment\tapi "}}]}).encode()
    assert parse(Source.ALERTMANAGER, body, received_at=NOON).alerts[0].service_name == "pay ment api"
