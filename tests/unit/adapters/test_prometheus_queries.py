"""Prometheus asked on somebody's behalf, through the genuine guarded client: what passes on, and what is told."""

import asyncio
import gzip
import json
from typing import Any

import pytest

from shared.adapters.prometheus_queries import MAX_ANSWER_BYTES, PrometheusQueries
from shared.errors import AddressRefused, SecretUnreadable, SourceUnavailable
from shared.models.promql import QueryAnswer
from shared.models.tenants import IntegrationType
from shared.ports.queries import QueryNotAnswered, Question
from tests.builders import ACME, GLOBEX
from tests.unit.adapters.scripted import BoundBox, Servers, connected_to, responding

PROMETHEUS = connected_to("http://127.0.0.1:9090/prom/", integration_type=IntegrationType.PROMETHEUS)
UP = Question("query", {"query": "up", "time": "7.000"}, 10.0)
HISTOGRAM = {"count": "3", "sum": "1.5", "buckets": [[0, "0.5", "0.7", "3"]]}


def envelope(kind: str, result: object, **more: object) -> dict[str, object]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


async def asked(response: bytes | None, question: Question = UP) -> tuple[QueryAnswer, Servers]:
    servers = Servers(lambda _: response)
    answer = await PrometheusQueries(BoundBox(), servers.client()).ask(ACME, PROMETHEUS, question)
    return answer, servers


async def failure_of(response: bytes | None, question: Question = UP) -> SourceUnavailable:
    with pytest.raises(SourceUnavailable) as failed:
        await asked(response, question)
    return failed.value


async def test_the_question_is_posted_as_a_form_with_the_credential_and_its_timeout() -> None:
    _, servers = await asked(responding(envelope("vector", [])))
    (one,) = servers.asked
    assert (one.method, one.path) == ("POST", "/prom/api/v1/query")
    assert one.form == {"query": ["up"], "time": ["7.000"], "timeout": ["10.000"]}
    assert one.headers["authorization"] == "bearer s3cret-token"


async def test_a_query_of_eight_thousand_characters_goes_as_it_is() -> None:
    long = 'up{a="' + "ü&=+ " * 1600 + '"}'
    _, servers = await asked(responding(envelope("vector", [])), Question("query", {"query": long}, 1.0))
    assert servers.asked[0].form["query"] == [long]


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("vector", []),
        ("vector", [{"metric": {"a.b": "ü"}, "value": [7.5, "NaN"]}, {"metric": {}, "histogram": [7.5, HISTOGRAM]}]),
        ("matrix", [{"metric": {"a": "b"}, "values": [[1.0, "1e-7"], [2.5, "+Inf"], [3.0, "-Inf"], [4.0, "NaN"]]}]),
        ("matrix", [{"metric": {}, "histograms": [[1.0, HISTOGRAM]]}]),
        ("matrix", [{"metric": {}, "values": [[1.0, "1"]], "histograms": [[2.0, HISTOGRAM]]}]),
        ("scalar", [7.5, "+Inf"]),
        ("string", [7.5, "text"]),
    ],
)
async def test_values_and_histograms_stay_as_prometheus_writes_them(kind: str, result: object) -> None:
    answer, _ = await asked(responding(envelope(kind, result)))
    assert answer.model_dump(mode="json")["data"] == {"resultType": kind, "result": result}


async def test_warnings_and_infos_stand_beside_the_data_and_other_fields_do_not() -> None:
    said = envelope("vector", [], warnings=["a store is down"], infos=["no counter"], isPartial=True, stats={"x": 1})
    answer, _ = await asked(responding(said))
    dumped = answer.model_dump(mode="json")
    assert (dumped["warnings"], dumped["infos"]) == (["a store is down"], ["no counter"])
    assert set(dumped) == {"status", "data", "errorType", "error", "warnings", "infos"}


async def test_warnings_that_are_null_are_none() -> None:
    answer, _ = await asked(responding(envelope("vector", [], warnings=None)))
    assert answer.warnings == ()


async def test_data_that_comes_with_an_error_is_partial_whatever_the_status() -> None:
    said = {**envelope("vector", []), "status": "error", "errorType": "timeout", "error": "one shard timed out"}
    for status in (200, 503):
        answer, _ = await asked(responding(said, status))
        assert (answer.status, answer.error_type, answer.error) == ("error", "timeout", "one shard timed out")


@pytest.mark.parametrize(
    ("status", "error_type", "reason"),
    [
        (400, "bad_data", "bad_query"),
        (422, "execution", "execution"),
        (503, "timeout", "timeout"),
        (499, "canceled", "timeout"),
        (503, "unavailable", "unavailable"),
        (500, "internal", "unavailable"),
        (404, "not_found", "not_found"),
        (401, "unauthorized", "unauthorised"),
        (429, "too_many_requests", "throttled"),
        (406, "not_acceptable", "refused"),
        (200, "execution", "execution"),
    ],
)
async def test_an_error_of_prometheus_keeps_its_words(status: int, error_type: str, reason: str) -> None:
    failed = await failure_of(responding({"status": "error", "errorType": error_type, "error": "why"}, status))
    assert isinstance(failed, QueryNotAnswered)
    assert (failed.reason, failed.error_type, failed.error) == (reason, error_type, "why")


async def test_an_endless_error_text_is_cut() -> None:
    failed = await failure_of(responding({"status": "error", "errorType": "x" * 999, "error": "y" * 9999}, 400))
    assert isinstance(failed, QueryNotAnswered)
    assert (len(failed.error_type or ""), len(failed.error or "")) == (100, 2000)


LOGIN = b"<!doctype html><title>Sign in to intranet-secret</title>"


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (responding(LOGIN), "not_json"),
        (responding(LOGIN, 401), "unauthorised"),
        (responding(LOGIN, 403), "unauthorised"),
        (responding(b"404 page not found", 404), "not_found"),
        (responding(b"", 429), "throttled"),
        (responding(LOGIN, 500), "http_5xx"),
        (responding(LOGIN, 502), "http_5xx"),
        (responding(LOGIN, 503), "http_5xx"),
        (responding(envelope("vector", [{"metric": {}, "value": [1, "1"]}]), cut=9), "protocol"),
        (responding(json.dumps(envelope("vector", [])).encode()[:-2]), "not_json"),
        (responding(b"[" * 100_000), "not_json"),
        (responding([1]), "unexpected_shape"),
        (responding({"status": "success"}), "unexpected_shape"),
        (responding(envelope("tensor", [])), "unexpected_shape"),
        (responding(envelope("vector", [{"metric": {}}])), "unexpected_shape"),
        (responding(envelope("vector", [{"metric": {}, "value": [1, 2]}])), "unexpected_shape"),
        (responding(b'{"status":"success","data":{"resultType":"scalar","result":[NaN,"1"]}}'), "unexpected_shape"),
        (responding(b" " * (MAX_ANSWER_BYTES + 1)), "too_large"),
        (
            responding(gzip.compress(b" " * (MAX_ANSWER_BYTES + 1)), headers="Content-Encoding: gzip\r\n"),
            "too_large",
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "protocol"),
    ],
)
async def test_what_is_no_answer_fails_with_its_reason_and_is_never_quoted(response: bytes, reason: str) -> None:
    failed = await failure_of(response)
    assert failed.reason == reason
    assert not isinstance(failed, QueryNotAnswered)
    assert "secret" not in str(failed)


async def test_a_redirect_is_refused() -> None:
    with pytest.raises(AddressRefused):
        await asked(responding(b"", 302, headers="Location: http://169.254.169.254/\r\n"))


async def test_a_prometheus_that_says_nothing_times_out_a_little_after_the_query_would_have() -> None:
    failed = await failure_of(None, Question("query", {"query": "up"}, 0.01))
    assert failed.reason == "timeout"


async def test_at_most_four_questions_of_a_tenant_are_asked_at_a_time_and_others_wait_their_time() -> None:
    servers = Servers(lambda _: None)
    queries = PrometheusQueries(BoundBox(), servers.client())
    held = [asyncio.create_task(queries.ask(ACME, PROMETHEUS, UP)) for _ in range(4)]
    await asyncio.sleep(0.01)
    with pytest.raises(SourceUnavailable) as refused:
        await queries.ask(ACME, PROMETHEUS, Question("query", {"query": "up"}, 0.01))
    assert (refused.value.reason, len(servers.asked)) == ("busy", 4)
    theirs = connected_to("http://127.0.0.1:9090", GLOBEX, integration_type=IntegrationType.PROMETHEUS)
    other = asyncio.create_task(queries.ask(GLOBEX, theirs, UP))
    held.append(other)
    await asyncio.sleep(0.01)
    assert len(servers.asked) == 5
    for one in held:
        one.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    servers.script = lambda _: responding(envelope("vector", []))
    assert (await queries.ask(ACME, PROMETHEUS, UP)).status == "success"


@pytest.mark.parametrize("config", ["not json", "{}", '{"url": 7}'])
async def test_a_config_that_cannot_be_read_is_told_so(config: str) -> None:
    broken: dict[str, Any] = {"config": f"{ACME}|int-1|{config}", "integration_type": IntegrationType.PROMETHEUS}
    queries = PrometheusQueries(BoundBox(), Servers(lambda _: None).client())
    with pytest.raises(SecretUnreadable) as failed:
        await queries.ask(ACME, connected_to("", **broken), UP)
    assert failed.value.reason == "config_malformed"


async def test_what_was_sealed_for_another_tenant_is_not_opened() -> None:
    queries = PrometheusQueries(BoundBox(), Servers(lambda _: None).client())
    with pytest.raises(SecretUnreadable):
        await queries.ask(GLOBEX, PROMETHEUS, UP)
