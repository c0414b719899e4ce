"""What the product lets out by OTLP is what the local stack's receiver shows."""

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from dev.telemetry.server import create_app
from shared.adapters.telemetry_outlets import LogOutlet
from shared.telemetry import Counter, Histogram, logger, span, stage_span
from tests.listening import listening


@pytest.fixture
async def receiver() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
        yield client


async def test_a_trace_is_shown_as_one_with_its_spans_in_order(receiver: httpx.AsyncClient) -> None:
    with listening() as heard:
        with stage_span("context", traceparent=None, tenant_id="ten-acme"), span("model", kind="client"):
            pass
        body = encode_spans(heard.spans).SerializeToString()
    assert (await receiver.post("/v1/traces", content=body)).status_code == 200
    (only,) = (await receiver.get("/traces")).json()
    outer, inner = (await receiver.get(f"/traces/{only['trace_id']}")).json()
    assert only["spans"] == ["context", "model"]
    assert (outer["kind"], outer["parent_id"], outer["attributes"]) == ("consumer", None, {"tenant_id": "ten-acme"})
    assert (inner["kind"], inner["parent_id"]) == ("client", outer["span_id"])
    assert only["trace_id"] in (await receiver.get("/")).text


async def test_measures_are_shown_by_their_labels(receiver: httpx.AsyncClient) -> None:
    with listening() as heard:
        Counter("webhooks").add(2, source="grafana", outcome="accepted")
        Histogram("stage_seconds").record(1.5, queue="context", ending="done")
        held = heard._reader.get_metrics_data()
    assert held is not None
    await receiver.post("/v1/metrics", content=encode_metrics(held).SerializeToString())
    assert (await receiver.get("/measures")).json() == {
        "stage_seconds{ending=done,queue=context}": {"count": 1, "sum": 1.5, "max": 1.5},
        "webhooks{outcome=accepted,source=grafana}": {"value": 2},
    }


async def test_logs_are_shown_with_their_ids(receiver: httpx.AsyncClient) -> None:
    exporter, provider = InMemoryLogRecordExporter(), LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    outlet, ours = LogOutlet(provider), logger("shared.of_the_receivers_test")
    ours.setLevel(logging.INFO)
    ours.addHandler(outlet)
    ours.info("signals_recorded", extra={"incident_id": "inc-1", "signals": 3})
    ours.removeHandler(outlet)
    await receiver.post("/v1/logs", content=encode_logs(exporter.get_finished_logs()).SerializeToString())
    (only,) = (await receiver.get("/logs")).json()
    assert (only["event"], only["severity"], only["incident_id"]) == ("signals_recorded", "INFO", "inc-1")
    assert "signals_recorded" in (await receiver.get("/")).text


@pytest.mark.parametrize("path", ["traces", "logs", "metrics"])
async def test_what_is_no_otlp_is_refused_and_an_empty_page_is_a_page(receiver: httpx.AsyncClient, path: str) -> None:
    assert (await receiver.post(f"/v1/{path}", content=b"\xff\xff")).status_code == 400
    assert (await receiver.get("/")).status_code == 200
