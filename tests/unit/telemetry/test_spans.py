"""One trace from a webhook to the hypotheses, across queues and attempts; and nothing in it but ids and reasons."""

import re
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from shared.adapters.memory import MemoryClaims, MemoryQueues, services_in_memory
from shared.errors import SourceUnavailable, StoreUnavailable
from shared.messages import Envelope, Ingest, QueueName
from shared.models.base import ReceiptId
from shared.models.signals import Source
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from shared.telemetry import current_traceparent, span, stage_span
from tests.builders import ACME, NOON, a_tenant
from tests.functions.test_webhook_answers import TOKEN, a_process, answer
from tests.listening import Heard, listening
from tests.planted import PLANTED, Planted

STAGES = [QueueName.SIGNALS, QueueName.CONTEXT, QueueName.HYPOTHESES]
SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class DownClaims(MemoryClaims):
    """The store is away."""

    async def episodes(self, tenant_id: Any, claim_ids: Any) -> Any:
        raise StoreUnavailable("down")


async def worked_off(services: Services, *, stages: list[QueueName] = STAGES) -> None:
    """One message of each queue, in order."""
    queues = services.queues
    assert isinstance(queues, MemoryQueues)
    for queue in stages:
        body = queues.take(queue.value)
        assert body is not None, queue
        assert await attend_queue(queue, body, services, dequeue_count=1, now=NOON) is Ending.DONE


def alert(label: str = "HighErrorRatio") -> bytes:
    """A delivery of the generic webhook's kind, of Alertmanager's shape."""
    said = (
        '{"version":"4","groupKey":"g","alerts":[{"status":"firing","labels":{"alertname":"%s","service":"payment",'
        '"severity":"critical"},"startsAt":"2026-03-02T11:59:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"f"}]}'
    )
    return (said % label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")).encode()


async def from_webhook_to_hypotheses(heard: Heard, *, label: str = "HighErrorRatio", **changes: Any) -> Services:
    process = await a_process()
    await process.services.directory.put(ACME, a_tenant())
    response = await answer(process, body=alert(label), **changes)
    assert response.status_code == 202
    await worked_off(process.services)
    assert len(heard.spans) >= len(STAGES) + 1
    return process.services


async def test_one_trace_goes_from_the_webhook_to_the_hypotheses() -> None:
    with listening() as heard:
        await from_webhook_to_hypotheses(heard)
        webhook, signals, context, hypotheses = (
            heard.named(name) for name in ("webhook", "signals", "context", "hypotheses")
        )
    came_from = [None, span_id(webhook), span_id(signals), span_id(context)]
    assert parents(webhook, signals, context, hypotheses) == came_from
    assert len({trace_id(one) for one in heard.spans}) == 1
    assert (webhook.kind, signals.kind) == (SpanKind.SERVER, SpanKind.CONSUMER)
    assert dict(hypotheses.attributes or {})["reason"] == "done"
    assert dict(hypotheses.attributes or {})["tenant_id"] == ACME


async def test_a_sender_cannot_put_itself_above_our_traces_it_is_only_linked_to() -> None:
    with listening() as heard:
        headers = {"authorization": f"Bearer {TOKEN}", "traceparent": SENDER}
        await from_webhook_to_hypotheses(heard, headers=headers)
        webhook = heard.named("webhook")
    assert webhook.parent is None
    assert [f"{one.context.trace_id:032x}" for one in webhook.links] == [SENDER.split("-")[1]]


async def test_the_hosts_span_of_an_invocation_is_linked_to_and_not_gone_on_from() -> None:
    with listening() as heard:
        with span("host") as host:
            expected = host.get_span_context().span_id
            with stage_span("context", traceparent=SENDER):
                pass
        context = heard.named("context")
    assert f"{trace_id(context):032x}" == SENDER.split("-")[1]
    assert [one.context.span_id for one in context.links] == [expected]


async def test_an_attempt_is_in_the_trace_of_the_first_and_linked_to_the_one_before() -> None:
    services = replace(services_in_memory(), claims=DownClaims())
    queues = services.queues
    assert isinstance(queues, MemoryQueues)
    with listening() as heard:
        body = a_message(traceparent=SENDER).encode()
        assert await attend_queue(QueueName.SIGNALS, body, services, dequeue_count=1, now=NOON) is Ending.SENT_AGAIN
        again = queues.take("signals")
        assert again is not None
        assert await attend_queue(QueueName.SIGNALS, again, services, dequeue_count=1, now=NOON) is Ending.SENT_AGAIN
        first, second = heard.spans
    assert {f"{trace_id(one):032x}" for one in (first, second)} == {SENDER.split("-")[1]}
    assert parents(first, second) == [int(SENDER.split("-")[2], 16)] * 2
    assert [one.context.span_id for one in second.links] == [span_id(first)]


async def test_what_is_sent_again_from_its_dead_letter_has_a_trace_of_its_own_linked_to_the_first() -> None:
    services = replace(services_in_memory(), claims=DownClaims())
    with listening() as heard:
        body = a_message(traceparent=SENDER, redrives=1).encode()
        await attend_queue(QueueName.SIGNALS, body, services, dequeue_count=1, now=NOON)
        (only,) = heard.spans
    assert only.parent is None
    assert [f"{one.context.trace_id:032x}" for one in only.links] == [SENDER.split("-")[1]]


@pytest.mark.parametrize("said", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ff-" + "1" * 60, "\n"])
def test_a_traceparent_that_is_none_begins_a_new_trace(said: str) -> None:
    with listening() as heard:
        with stage_span("signals", traceparent=said, linked=[said]):
            assert current_traceparent()
        (only,) = heard.spans
    assert (only.parent, only.links) == (None, ())


def test_without_an_sdk_nothing_is_told_and_a_traceparent_goes_on_as_it_came() -> None:
    with stage_span("signals", traceparent=SENDER):
        assert current_traceparent() == SENDER
    assert current_traceparent() is None


@pytest.mark.parametrize("planted", PLANTED[::4], ids=lambda one: f"{one.kind.value}: {one.text[:30]}")
async def test_nothing_planted_in_an_alert_leaves_by_a_span_or_a_measure(planted: Planted) -> None:
    with listening() as heard:
        await from_webhook_to_hypotheses(heard, label=planted.text)
        told = heard.everything()
    assert "signals" in told
    assert planted.secret not in told
    assert planted.text[:20] not in told


@pytest.mark.parametrize("planted", PLANTED[::3], ids=lambda one: f"{one.kind.value}: {one.text[:30]}")
def test_what_an_error_or_an_attribute_says_is_masked(planted: Planted) -> None:
    with listening() as heard:
        with pytest.raises(ValueError, match=re.escape(planted.text)), span("a", detail=planted.text):
            raise ValueError(planted.text)
        told = heard.everything()
    assert "bug_ValueError" in told
    assert planted.secret not in told


def test_what_a_caller_did_wrong_is_no_failed_span_and_what_is_ours_is() -> None:
    class Refused(Exception):
        reason, retryable = "bad_id", False

    with listening() as heard:
        with pytest.raises(Refused), span("theirs"):
            raise Refused
        with pytest.raises(SourceUnavailable), span("ours"):
            raise SourceUnavailable("down", reason="timeout")
        theirs, ours = heard.spans
    assert (theirs.status.status_code, dict(theirs.attributes or {})["reason"]) == (StatusCode.UNSET, "bad_id")
    assert (ours.status.status_code, ours.status.description) == (StatusCode.ERROR, "timeout")


def a_message(**changes: Any) -> Ingest:
    fields: dict[str, Any] = {
        "tenant_id": ACME,
        "receipt_id": ReceiptId("rcp-1"),
        "correlation_id": "rcp-1",
        "integration_id": "int-1",
        "source": Source.ALERTMANAGER,
        "received_at": NOON,
    }
    return Ingest(**{**fields, **changes}).with_body(alert())


def test_an_envelope_of_before_is_read_as_it_is() -> None:
    old = '{"tenant_id":"ten-acme","receipt_id":"rcp-1","correlation_id":"rcp-1"}'
    assert Envelope.decode(old.encode()).linked is None


def span_id(one: ReadableSpan) -> int:
    assert one.context is not None
    return one.context.span_id


def trace_id(one: ReadableSpan) -> int:
    assert one.context is not None
    return one.context.trace_id


def parents(*spans: ReadableSpan) -> list[int | None]:
    return [one.parent.span_id if one.parent else None for one in spans]
