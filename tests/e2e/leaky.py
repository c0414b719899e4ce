"""A Prometheus whose every label value, warning and error holds a secret, and a sender of each kind that leaks."""

import hmac
import json
import re
import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import cycle
from typing import Any
from urllib.parse import parse_qsl, quote

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from dev.stack import Stack
from shared.models.base import document_id
from tests.planted import PLANTED

TEXTS = tuple(one.text for one in PLANTED)
SERVICES = ("payment", "checkout", "catalog")
BEGAN = "2026-11-23T11:59:00Z"


def leaky_prometheus() -> FastAPI:
    """Answers whatever it is asked, with the next secrets of the list."""
    app = FastAPI(openapi_url=None)
    texts = cycle(TEXTS)

    @app.api_route("/api/v1/{endpoint:path}", methods=["GET", "POST"])
    async def answer(endpoint: str, request: Request) -> JSONResponse:
        asked = {**request.query_params, **dict(parse_qsl((await request.body()).decode()))}
        warnings = [next(texts) for _ in range(5)]
        if "histogram_quantile" in str(asked.get("query", "")):
            refusal = {"status": "error", "errorType": "bad_data", "error": next(texts), "warnings": warnings}
            return JSONResponse(refusal, status_code=422)
        is_range = endpoint == "query_range"
        result = [series(labels, is_range=is_range) for labels in labels_for(str(asked.get("query", "")), texts)]
        found = {"resultType": "matrix" if is_range else "vector", "result": result}
        return JSONResponse({"status": "success", "data": found, "warnings": warnings, "infos": [next(texts)]})

    return app


def labels_for(query: str, texts: Iterator[str]) -> list[dict[str, str]]:
    """Labels that every question can read: who it is about, whom it calls, which versions it runs."""
    named = next((name for name in SERVICES if re.search(rf"\b{name}\b", query)), SERVICES[0])
    shared = {"service": named, "binding": "prometheus_client/service", "client": named, "__name__": "app_build_info"}
    if "build_info" in query:
        shared["binding"] = "service"
    return [{**shared, "server": next(texts)[:100], "version": next(texts), "note": next(texts)} for _ in range(3)]


def series(labels: dict[str, str], *, is_range: bool) -> dict[str, Any]:
    """Something that moved a minute ago."""
    now = int(time.time())
    if not is_range:
        return {"metric": labels, "value": [now, "3"]}
    starts = now - 60 if labels["version"] > "m" else now - 900
    return {"metric": labels, "values": [[at, str(1 + at % 7)] for at in range(starts, now, 5)]}


def leaks() -> Iterator[tuple[str, dict[str, Any]]]:
    """By kind of sender: bodies with a secret wherever we keep something."""
    yield "alertmanager", _alerts("4", [*_items(), *_named_by_secrets()])
    yield "alertmanager", {"version": "4", "alerts": TEXTS}  # of no use, so it becomes a dead letter
    yield "grafana", _alerts("1", [{**one, "values": {TEXTS[3]: 1}, "fingerprint": f"g{n}"} for n, one in _few()])
    yield "changes", {"changes": [_change(number, text) for number, text in enumerate(TEXTS)]}
    for number, text in enumerate(TEXTS):
        if number % 5 == 0:
            yield "pagerduty", _event(number // 5, text)
        if number % 9 == 0:
            yield "github", _deployment(number, text)


def _alerts(version: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"version": version, "groupKey": TEXTS[0], "receiver": TEXTS[1], "alerts": items}


def _few() -> list[tuple[int, dict[str, Any]]]:
    return list(enumerate(_items()))[::6]


def _items() -> list[dict[str, Any]]:
    return [_item(number, text) for number, text in enumerate(TEXTS)]


def _item(number: int, text: str) -> dict[str, Any]:
    labels = {"alertname": f"Leaks{number}", "service": SERVICES[number % len(SERVICES)], "severity": "critical"}
    return {
        "status": "firing",
        "labels": {**labels, "note": text, "instance": text, "database": text, text: "named"},
        "annotations": {"summary": text, "description": f"{text} once more: {text}"},
        "startsAt": BEGAN,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": f"http://u:{quote(PLANTED[number].secret, safe='')}@p/graph?g0.expr={quote(text)}",
        "fingerprint": f"leak-{number}",
    }


def _named_by_secrets() -> list[dict[str, Any]]:
    """A few whose very service or name is a secret."""
    return [
        {**_item(number, text), "labels": {"alertname": text, "service": text}, "fingerprint": f"named-{number}"}
        for number, text in list(enumerate(TEXTS))[::12]
    ]


def _event(number: int, text: str) -> dict[str, Any]:
    incident = {"id": f"Q{number % 2}", "type": "incident", "title": text, "created_at": BEGAN, "incident_key": text}
    service = {"id": "PPAYMENT", "summary": "payment"}
    teams = [{"summary": text}]
    head = {"id": f"ev-{number}", "occurred_at": BEGAN, "agent": {"summary": text}}
    if number % 2 == number:
        data = {**incident, "status": "triggered", "service": service, "teams": teams, "urgency": "high"}
        return {"event": {**head, "event_type": "incident.triggered", "data": data}}
    note = {"type": "incident_note", "incident": {"id": f"Q{number % 2}"}, "content": text}
    return {"event": {**head, "event_type": "incident.annotated", "data": note}}


def _change(number: int, text: str) -> dict[str, Any]:
    told = dict.fromkeys(("title", "author", "environment", "version"), text)
    url = f"https://ci.example/run?log={quote(text)}"
    return {**told, "service": SERVICES[number % len(SERVICES)], "url": url, "id": f"{number} {text}"}


def _deployment(number: int, text: str) -> dict[str, Any]:
    deployment = {"id": number, "description": text, "environment": text, "creator": {"login": text}, "ref": text}
    status = {"state": "success", "target_url": f"https://ci.example/?q={quote(text)}"}
    return {"deployment_status": status, "deployment": deployment, "repository": {"full_name": "acme/payment"}}


def request_of(stack: Stack, kind: str, body: bytes, *, number: int) -> tuple[str, dict[str, str]]:
    """The path and the headers with which a sender of this kind proves itself."""
    secret = stack.options.layout.webhook_secret(kind).read_text()
    signature = hmac.new(secret.encode(), body, sha256).hexdigest()
    headers = {
        "alertmanager": {"Authorization": f"Bearer {secret}"},
        "changes": {"Authorization": f"Bearer {secret}"},
        "grafana": {"X-Grafana-Alerting-Signature": signature},
        "pagerduty": {"X-PagerDuty-Signature": f"v1={signature}", "X-Webhook-Id": f"wh-{number}"},
        "github": {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Delivery": str(number)},
    }
    return f"/api/webhooks/{kind}/{document_id('int', 'acme', kind)}", headers[kind]


def an_answer_that_leaks() -> dict[str, Any]:
    """What a model might say that knows more than it was told."""
    hypothesis = {
        "claim": f"payment is ill because of {TEXTS[-1]} and {TEXTS[20]}",
        "suspected_service": "payment",
        "suspected_change": None,
        "mechanism": f"{TEXTS[30]} leads to {TEXTS[40]}",
        "supporting": [f"E{number}" for number in range(1, 20)],
        "contradicting": [],
        "similar_incidents": [TEXTS[10][:30]],
        "assertions": [
            {
                "evidence_id": "E1",
                "path": TEXTS[11][:100],
                "operator": ">",
                "value": TEXTS[12][:100],
                "window_start": None,
                "window_end": None,
            }
        ],
        "checks": [{"query": TEXTS[13], "operator": ">", "value": 1.0, "because": TEXTS[14][:100]}],
        "next_steps": [f"look at {TEXTS[50]}"],
    }
    return {"content": json.dumps({"hypotheses": [hypothesis]})}
