"""The model adapter with the unmodified openai package, against the protocol simulator."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Annotated, Any

import httpx
import pytest
import uvicorn
from azure.core.exceptions import ClientAuthenticationError
from pydantic import BaseModel, Field

from dev.openai.server import create_app
from shared.adapters.azure_openai import V1, AzureOpenAIModel
from shared.errors import ModelUnavailable
from shared.hypotheses.proposal import ModelHypotheses
from shared.ports.model import MAX_COMPLETION_TOKENS, Prompt
from tests.contract.conftest import free_port

pytestmark = pytest.mark.integration

PROMPT = Prompt(
    version="v1", instructions="these-are-instructions", material="this-is-material", cache_key="ten-acme:v1"
)
ANSWER = {
    "hypotheses": [
        {
            "claim": "c",
            "suspected_service": "payment",
            "suspected_change": None,
            "mechanism": "m",
            "supporting": ["E1"],
            "contradicting": [],
            "similar_incidents": [],
            "assertions": [],
            "checks": [],
            "next_steps": [],
        }
    ]
}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    config = uvicorn.Config(create_app(), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    serving.join()


@pytest.fixture
def simulator(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        client.delete("/_requests").raise_for_status()
        yield client


DATED = "2024-10-21"


def a_model(endpoint: str, *, api_version: str = DATED, **changes: Any) -> AzureOpenAIModel:
    places = asyncio.Semaphore(4)
    fields: dict[str, Any] = {
        "api_key": "key-secret",
        "managed_identity_client_id": None,
        "places": places,
        **changes,
    }
    return AzureOpenAIModel(endpoint=endpoint, deployment="gpt", api_version=api_version, **fields)


@pytest.fixture(params=[DATED, V1])
async def model(base_url: str, request: pytest.FixtureRequest) -> AsyncIterator[AzureOpenAIModel]:
    made = a_model(base_url, api_version=request.param)
    yield made
    await made.aclose()


def script(simulator: httpx.Client, **answer: Any) -> None:
    simulator.post("/_script", json=answer).raise_for_status()


def received(simulator: httpx.Client) -> list[dict[str, Any]]:
    return list(simulator.get("/_requests").json())


async def reason_of(model: AzureOpenAIModel, timeout_seconds: float = 5) -> str:
    with pytest.raises(ModelUnavailable) as refused:
        await model.ask(PROMPT, ModelHypotheses, timeout_seconds=timeout_seconds)
    return refused.value.reason


async def test_an_answer_is_parsed_into_its_shape_with_what_it_cost(
    model: AzureOpenAIModel, simulator: httpx.Client
) -> None:
    script(simulator, content=json.dumps(ANSWER), prompt_tokens=900, cached_tokens=800, completion_tokens=50)
    found = await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    assert found.answer == ModelHypotheses.model_validate(ANSWER)
    assert (found.prompt_tokens, found.cached_tokens, found.completion_tokens) == (900, 800, 50)


async def test_the_question_names_the_shape_and_keeps_material_apart_from_instructions(
    model: AzureOpenAIModel, simulator: httpx.Client
) -> None:
    script(simulator, content=json.dumps(ANSWER))
    await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    (request,) = received(simulator)
    body = request["body"]
    assert [(one["role"], one["content"]) for one in body["messages"]] == [
        ("system", "these-are-instructions"),
        ("user", "this-is-material"),
    ]
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("api_version", "path", "arguments"),
    [
        # Azure refuses what a version does not know: the dated one's specification has max_tokens and no cache key.
        (DATED, "/openai/deployments/gpt/chat/completions", {"max_tokens": MAX_COMPLETION_TOKENS}),
        (
            V1,
            "/openai/v1/chat/completions",
            {"max_completion_tokens": MAX_COMPLETION_TOKENS, "prompt_cache_key": "ten-acme:v1"},
        ),
    ],
)
@pytest.mark.parametrize("ending", ["", "/"])
async def test_each_version_is_asked_at_its_path_with_only_the_arguments_it_knows(
    base_url: str, simulator: httpx.Client, api_version: str, path: str, arguments: dict[str, Any], ending: str
) -> None:
    model = a_model(base_url + ending, api_version=api_version)
    script(simulator, content=json.dumps(ANSWER))
    await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    await model.aclose()
    (request,) = received(simulator)
    assert request["path"] == path
    sent = {name: value for name, value in request["body"].items() if name not in {"messages", "response_format"}}
    assert sent == {"model": "gpt", **arguments}


UNSUPPORTED = (
    {"minLength", "maxLength", "pattern", "format"}
    | {"minimum", "maximum", "multipleOf"}
    | {"minItems", "maxItems", "uniqueItems"}
)


def keywords_of(schema: object) -> set[str]:
    """Every keyword of a schema; the names of properties are none."""
    if isinstance(schema, list):
        return set().union(*map(keywords_of, schema))
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for name, value in schema.items():
        inner = list(value.values()) if name in {"properties", "$defs"} else value
        found |= keywords_of(inner)
    return found


async def test_the_schema_has_no_keyword_that_azures_strict_mode_refuses(
    model: AzureOpenAIModel, simulator: httpx.Client
) -> None:
    script(simulator, content=json.dumps(ANSWER))
    await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    (request,) = received(simulator)
    schema = request["body"]["response_format"]["json_schema"]["schema"]
    assert {"properties", "required", "additionalProperties", "items"} <= keywords_of(schema)
    assert not keywords_of(schema) & UNSUPPORTED


def test_a_keyword_that_is_refused_would_be_noticed() -> None:
    class Limited(BaseModel):
        format: list[str]
        claim: Annotated[str, Field(max_length=5)]

    assert keywords_of(Limited.model_json_schema()) & UNSUPPORTED == {"maxLength"}


@pytest.mark.parametrize("api_version", [DATED, V1])
async def test_without_a_key_the_question_is_asked_with_a_token(
    base_url: str, simulator: httpx.Client, api_version: str
) -> None:
    async def token() -> str:
        return "a-token"

    model = a_model(base_url, api_version=api_version, api_key=None, token_provider=token)
    script(simulator, content=json.dumps(ANSWER))
    await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    await model.aclose()
    (request,) = received(simulator)
    assert request["credential"] == "authorization"


@pytest.mark.parametrize("api_version", [DATED, V1])
async def test_an_identity_that_gets_no_token_has_a_name_too(base_url: str, api_version: str) -> None:
    async def no_token() -> str:
        raise ClientAuthenticationError("no managed identity here")

    model = a_model(base_url, api_version=api_version, api_key=None, token_provider=no_token)
    assert await reason_of(model) == "model_unauthorised"
    await model.aclose()


FILTERED_PROMPT = '{"error": {"code": "content_filter", "message": "filtered", "innererror": {}}}'


def a_completion(choice: object, **changes: object) -> str:
    return json.dumps({"id": "x", "object": "chat.completion", "created": 1, "choices": [choice], **changes})


ANSWERED = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": json.dumps(ANSWER)}}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 429, "retry_after": 1}, "model_throttled"),
        ({"status": 500}, "model_unavailable"),
        ({"status": 401}, "model_unauthorised"),
        ({"status": 404}, "model_not_deployed"),
        ({"status": 400}, "model_rejected"),
        ({"refusal": "I will not"}, "model_refused"),
        ({"finish_reason": "content_filter", "content": "{}"}, "model_filtered_answer"),
        ({"finish_reason": "length", "content": '{"hypo'}, "model_truncated"),
        ({"content": "not json"}, "model_malformed"),
        ({"content": '{"other": "shape"}'}, "model_malformed"),
        ({"content": ""}, "model_empty"),
        ({"content": "[" * 50_000}, "model_malformed"),
        ({"raw": FILTERED_PROMPT, "status": 400}, "model_filtered_prompt"),
        ({"status": 403}, "model_unauthorised"),
        ({"status": 503}, "model_unavailable"),
        ({"raw": "not json at all"}, "model_malformed"),
        ({"raw": ""}, "model_malformed"),
        ({"raw": "{}"}, "model_empty"),
        ({"raw": "[]"}, "model_malformed"),
        ({"raw": "null"}, "model_malformed"),
        ({"raw": "[" * 100_000}, "model_malformed"),
        ({"raw": '{"choices": []}'}, "model_empty"),
        ({"raw": '{"choices": ["text"]}'}, "model_malformed"),
        ({"raw": a_completion({"index": 0, "finish_reason": "stop", "message": None})}, "model_malformed"),
    ],
)
async def test_every_failure_has_a_name(
    model: AzureOpenAIModel, simulator: httpx.Client, answer: dict[str, Any], reason: str
) -> None:
    script(simulator, **answer)
    assert await reason_of(model) == reason
    assert len(received(simulator)) == 1, "the adapter asks once"


async def test_an_answer_that_does_not_say_what_it_cost_still_counts(
    model: AzureOpenAIModel, simulator: httpx.Client
) -> None:
    script(simulator, raw=a_completion(ANSWERED, usage={"prompt_tokens": None}))
    found = await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    assert (found.model, found.prompt_tokens, found.cached_tokens, found.completion_tokens) == ("", 0, 0, 0)


@pytest.mark.parametrize(
    "answer",
    [
        {"refusal": "I will not"},
        {"finish_reason": "content_filter", "content": "{}"},
        {"finish_reason": "length", "content": '{"hypo'},
        {"content": "not json"},
        {"content": ""},
    ],
    ids=["refused", "filtered", "truncated", "malformed", "empty"],
)
async def test_what_a_useless_answer_cost_is_told_all_the_same(
    model: AzureOpenAIModel, simulator: httpx.Client, answer: dict[str, Any]
) -> None:
    script(simulator, prompt_tokens=900, cached_tokens=800, completion_tokens=50, **answer)
    with pytest.raises(ModelUnavailable) as refused:
        await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    assert refused.value.spent == (900, 800, 50)


async def test_a_throttled_model_says_for_how_long(model: AzureOpenAIModel, simulator: httpx.Client) -> None:
    script(simulator, status=429, retry_after=7)
    with pytest.raises(ModelUnavailable) as refused:
        await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    assert (refused.value.reason, refused.value.retry_after_seconds) == ("model_throttled", 7)
    assert refused.value.spent == (0, 0, 0)


async def test_no_more_questions_are_under_way_than_are_allowed_to_all_models_together(
    base_url: str, simulator: httpx.Client
) -> None:
    places = asyncio.Semaphore(1)
    model, other = a_model(base_url, places=places), a_model(base_url, places=places)
    script(simulator, hang_seconds=0.2, content=json.dumps(ANSWER))
    first = asyncio.create_task(model.ask(PROMPT, ModelHypotheses, timeout_seconds=5))
    await asyncio.sleep(0)
    assert await reason_of(model, timeout_seconds=0.01) == "model_busy"
    assert await reason_of(other, timeout_seconds=0.01) == "model_busy"
    await first
    assert len(received(simulator)) == 1, "who waits in vain asks nothing, and pays nothing"
    await model.aclose()
    await other.aclose()


async def test_an_answer_that_does_not_come_is_given_up(model: AzureOpenAIModel, simulator: httpx.Client) -> None:
    script(simulator, hang_seconds=1)
    assert await reason_of(model, timeout_seconds=0.3) == "model_timeout"


async def test_an_endpoint_that_is_not_there_is_named() -> None:
    nowhere = a_model(f"http://127.0.0.1:{free_port()}")
    assert await reason_of(nowhere) == "model_unreachable"
    await nowhere.aclose()


@pytest.mark.parametrize("answer", [{"content": json.dumps(ANSWER)}, {"status": 400}, {"content": "not-an-answer"}])
async def test_neither_prompt_nor_answer_nor_key_is_logged_by_anybody(
    model: AzureOpenAIModel, simulator: httpx.Client, caplog: pytest.LogCaptureFixture, answer: dict[str, Any]
) -> None:
    script(simulator, **answer)
    caplog.set_level(logging.DEBUG)
    with suppress(ModelUnavailable):
        await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    assert "chat/completions" in caplog.text, "the request itself is logged, so the test looks in the right place"
    for secret in (PROMPT.instructions, PROMPT.material, "key-secret", "suspected_service", "not-an-answer"):
        assert secret not in caplog.text
