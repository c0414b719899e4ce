"""Nothing a sender writes keeps its secrets past the parser, and nothing ordinary is changed."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.models.signals import Alert, ParsedDelivery, Source
from shared.redaction import Kind
from shared.signals.redacted import redacted, redacted_counts
from shared.signals.sources import parse
from tests.payloads.recorded import FOLDER
from tests.planted import PLANTED, Planted

NOW = datetime(2026, 11, 23, 12, 2, tzinfo=UTC)
SALT = "ten-1"


def read(source: Source, body: Mapping[str, Any], *, salt: str = SALT) -> ParsedDelivery:
    return redacted(parse(source, json.dumps(body).encode(), received_at=NOW), salt=salt)


def an_item(**changes: Any) -> dict[str, Any]:
    labels = {"alertname": "High", "service": "payment", "severity": "page"}
    return {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-11-23T11:59:00Z", **changes}


def alertmanager(*items: dict[str, Any]) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}", "status": "firing", "alerts": list(items)}


def one(body: Mapping[str, Any], source: Source = Source.ALERTMANAGER) -> Alert:
    (alert,) = read(source, body).alerts
    return alert


def places(planted: Planted) -> Iterator[tuple[Source, dict[str, Any]]]:
    """Every place of every sender that we keep something of."""
    text, plain = planted.text, {"alertname": "High", "service": "payment"}
    yield Source.ALERTMANAGER, alertmanager(an_item(labels={**plain, "note": text}))
    yield Source.ALERTMANAGER, alertmanager(an_item(labels={**plain, text: "a"}))
    yield Source.ALERTMANAGER, alertmanager(an_item(labels={"alertname": text}))
    yield Source.ALERTMANAGER, alertmanager(an_item(labels={**plain, "service": text}))
    yield Source.ALERTMANAGER, alertmanager(an_item(annotations={"summary": text, "x": text}))
    yield Source.ALERTMANAGER, alertmanager(an_item(generatorURL=f"http://p/graph?g0.expr={escaped(text)}"))
    yield Source.ALERTMANAGER, {**alertmanager(an_item(fingerprint=text)), "groupKey": text, "receiver": text}
    yield Source.GRAFANA, alertmanager(an_item(values={text: 1.0}, panelURL=f"http://g/d/x?var-a={escaped(text)}"))
    legacy = {"ruleName": text, "message": text, "state": "alerting", "ruleUrl": "http://g/", "tags": {"a": text}}
    yield Source.GRAFANA_LEGACY, {**legacy, "evalMatches": [{"metric": text, "value": 1}]}
    yield Source.GENERIC, {"name": text, "service": text, "summary": text, "id": text, "expression": text}
    incident = {"id": text, "type": "incident", "title": text, "service": {"id": text, "summary": text}}
    event = {"event_type": "incident.annotated", "id": text, "agent": {"summary": text}}
    yield (
        Source.PAGERDUTY,
        {"event": {**event, "data": {**incident, "incident_key": text, "teams": [{"summary": text}]}}},
    )
    yield Source.PAGERDUTY, {"event": {**event, "data": {"incident": incident, "content": text}}}
    words = ("service", "title", "version", "author", "environment", "id")
    yield Source.CHANGES, {**dict.fromkeys(words, text), "url": f"https://ci.example/?q={escaped(text)}"}
    deployment = {"id": 1, "description": text, "environment": text, "creator": {"login": text}, "ref": text}
    status = {"state": "success", "target_url": f"https://ci.example/?q={escaped(text)}"}
    told = {"deployment": {**deployment, "payload": {"service": text, "version": text}}, "deployment_status": status}
    yield Source.GITHUB, {**told, "repository": {"full_name": text}}


def escaped(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: f"{one.kind.value}: {one.text[:30]}")
def test_no_place_of_any_sender_keeps_a_secret(planted: Planted) -> None:
    for source, body in places(planted):
        kept = read(source, body).model_dump_json()
        assert planted.secret not in kept, source
        assert json.dumps(planted.secret)[1:-1] not in kept, source
        assert planted.secret.replace("\n", " ") not in kept, source


def test_what_was_masked_is_counted_by_kind_once() -> None:
    summary = "mail a@example.com and b@example.com, password=hunter2"
    found = read(Source.ALERTMANAGER, alertmanager(an_item(annotations={"summary": summary}), an_item()))
    assert found.alerts[0].redacted == {"email": 2, "secret_value": 1}
    assert found.alerts[1].redacted == {}
    assert redacted_counts(found) == {"email": 2, "secret_value": 1}


def test_a_label_is_masked_by_its_name() -> None:
    labels = {"alertname": "A", "service": "s", "api_key": "plain", "token_bucket_size": "10"}
    alert = one(alertmanager(an_item(labels=labels)))
    assert (alert.labels["api_key"], alert.labels["token_bucket_size"]) == (Kind.SECRET_VALUE.mask, "10")


def test_repeats_stay_repeats_and_different_alerts_different() -> None:
    alice, bob = (an_item(labels={"alertname": "A", "user": f"{name}@example.com"}) for name in ("alice", "bob"))
    first, second, again = read(Source.ALERTMANAGER, alertmanager(alice, bob, alice)).alerts
    assert first.episode == again.episode != second.episode
    unmasked = parse(Source.ALERTMANAGER, json.dumps(alertmanager(alice)).encode(), received_at=NOW).alerts[0]
    assert first.episode == unmasked.episode, "what tells alerts apart is made before anything is masked"


def test_services_with_a_secret_in_their_names_are_not_taken_for_one() -> None:
    items = [
        an_item(labels={"alertname": "A", "service": f"{name}@example.com"}) for name in ("alice", "bob", "alice")
    ]
    alice, bob, again = read(Source.ALERTMANAGER, alertmanager(*items)).alerts
    assert alice.service_name == again.service_name != bob.service_name
    assert alice.service_name == alice.labels["service"], "and the label says the same as the name"
    reported = read(Source.CHANGES, {"service": "alice@example.com", "version": "1"}).changes[0]
    assert reported.service_name == alice.service_name, "a deploy of it is found by its alerts"


def test_what_is_masked_already_is_the_same_when_it_comes_again() -> None:
    item = an_item(labels={"alertname": "A", "service": "alice@example.com"}, annotations={"summary": "pwd=hunter2"})
    first = one(alertmanager(item))
    again = one(alertmanager({**item, "labels": dict(first.labels), "annotations": dict(first.annotations)}))
    assert (again.service_name, again.labels, again.summary) == (first.service_name, first.labels, first.summary)


def test_masks_longer_than_what_they_mask_do_not_outgrow_the_store() -> None:
    many = " ".join(f"a{number}@b.io" for number in range(400))
    labels = {"alertname": many, "service": many} | {f"l{number}": many for number in range(100)}
    alert = one(alertmanager(an_item(labels=labels, annotations={f"a{number}": many for number in range(100)})))
    assert len(alert.model_dump_json().encode()) < 40 * 1024
    assert len(alert.service_name) <= 120


def values_of(told: object) -> Iterator[object]:
    if isinstance(told, Mapping):
        for value in told.values():
            yield from values_of(value)
    elif isinstance(told, list | tuple):
        for value in told:
            yield from values_of(value)
    else:
        yield told


def test_of_ordinary_payloads_at_most_one_value_in_a_hundred_is_changed() -> None:
    changed = total = 0
    for path in sorted(FOLDER.glob("*/*.json")):
        if path.name.endswith(".expected.json") or not json.loads(path.read_bytes()):
            continue
        plain = parse(Source(path.parent.name), path.read_bytes(), received_at=NOW)
        pairs = list(
            zip(values_of(plain.model_dump()), values_of(redacted(plain, salt=SALT).model_dump()), strict=False)
        )
        total += len(pairs)
        changed += sum(before != after for before, after in pairs)
    assert total > 500
    assert changed <= total / 100
