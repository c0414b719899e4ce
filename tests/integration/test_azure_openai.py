"""The model adapter with the unmodified openai package, against the protocol simulator."""

import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from dev.openai.server import create_app
from shared.adapters.azure_openai import AzureOpenAIModel
from shared.errors import ModelUnavailable
from shared.hypotheses.propose import ModelHypotheses
from shared.ports.model import Prompt
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


def a_model(endpoint: str) -> AzureOpenAIModel:
    return AzureOpenAIModel(
        endpoint=endpoint,
        deployment="gpt",
        api_version="2024-10-21",
        api_key="key-secret",
        managed_identity_client_id=None,
    )


@pytest.fixture
async def model(base_url: str) -> AsyncIterator[AzureOpenAIModel]:
    made = a_model(base_url)
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


async def test_the_question_names_the_shape_the_cache_key_and_keeps_material_apart_from_instructions(
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
    assert body["prompt_cache_key"] == "ten-acme:v1"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 429, "retry_after": 1}, "model_throttled"),
        ({"status": 500}, "model_unavailable"),
        ({"status": 401}, "model_unauthorised"),
        ({"status": 404}, "model_not_deployed"),
        ({"status": 400}, "model_rejected"),
        ({"refusal": "I will not"}, "model_refused"),
        ({"finish_reason": "content_filter", "content": "{}"}, "model_filtered"),
        ({"finish_reason": "length", "content": '{"hypo'}, "model_malformed"),
        ({"content": "not json"}, "model_malformed"),
        ({"content": '{"other": "shape"}'}, "model_malformed"),
        ({"raw": "not json at all"}, "model_malformed"),
    ],
)
async def test_every_failure_has_a_name(
    model: AzureOpenAIModel, simulator: httpx.Client, answer: dict[str, Any], reason: str
) -> None:
    script(simulator, **answer)
    assert await reason_of(model) == reason
    assert len(received(simulator)) == 1, "the adapter asks once"


async def test_an_answer_that_does_not_come_is_given_up(model: AzureOpenAIModel, simulator: httpx.Client) -> None:
    script(simulator, hang_seconds=3)
    assert await reason_of(model, timeout_seconds=0.3) == "model_timeout"


async def test_an_endpoint_that_is_not_there_is_named() -> None:
    nowhere = a_model(f"http://127.0.0.1:{free_port()}")
    assert await reason_of(nowhere) == "model_unreachable"
    await nowhere.aclose()


async def test_neither_prompt_nor_answer_nor_key_is_logged_even_when_all_is(
    model: AzureOpenAIModel, simulator: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script(simulator, content=json.dumps(ANSWER))
    await model.ask(PROMPT, ModelHypotheses, timeout_seconds=5)
    for secret in (PROMPT.instructions, PROMPT.material, "key-secret"):
        assert secret not in caplog.text
