"""The simulator of Azure OpenAI as the unmodified openai package sees it."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import openai
import pytest
import uvicorn
from pydantic import BaseModel

from dev.openai.server import create_app

pytestmark = pytest.mark.integration

ASKED = [{"role": "user", "content": "why?"}]


class Cause(BaseModel):
    service: str
    certain: bool


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(create_app(), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    )
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    serving.join()


@pytest.fixture
def control(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        client.delete("/_requests").raise_for_status()
        yield client


@pytest.fixture
async def model(base_url: str) -> AsyncIterator[openai.AsyncAzureOpenAI]:
    async with openai.AsyncAzureOpenAI(
        azure_endpoint=base_url, api_key="key-secret", api_version="2024-10-21", max_retries=0
    ) as client:
        yield client


def received(control: httpx.Client) -> list[dict[str, Any]]:
    return control.get("/_requests").json()


def script(control: httpx.Client, *answers: dict[str, object]) -> None:
    control.post("/_script", json=list(answers)).raise_for_status()


async def test_scripted_answers_come_in_their_order_with_their_token_counts(
    control: httpx.Client, model: openai.AsyncAzureOpenAI
) -> None:
    script(control, {"content": "one", "prompt_tokens": 900, "cached_tokens": 768}, {"content": "two"})

    first, second = [await model.chat.completions.create(model="gpt", messages=ASKED) for _ in range(2)]

    assert [first.choices[0].message.content, second.choices[0].message.content] == ["one", "two"]
    assert first.usage is not None
    assert first.usage.prompt_tokens_details is not None
    assert (first.usage.prompt_tokens, first.usage.prompt_tokens_details.cached_tokens) == (900, 768)
    assert first.usage.total_tokens == 901, "what is not scripted is counted"


async def test_structured_output_is_parsed_into_the_callers_model(
    control: httpx.Client, model: openai.AsyncAzureOpenAI
) -> None:
    script(control, {"content": '{"service": "cart", "certain": true}'})

    answer = await model.chat.completions.parse(model="gpt", messages=ASKED, response_format=Cause)

    assert answer.choices[0].message.parsed == Cause(service="cart", certain=True)
    (asked,) = received(control)
    assert asked["body"]["response_format"]["json_schema"]["name"] == "Cause"
    assert (asked["path"], asked["query"]) == (
        "/openai/deployments/gpt/chat/completions",
        {"api-version": "2024-10-21"},
    )


async def test_the_v1_address_serves_the_plain_client_with_a_bearer_token(
    control: httpx.Client, base_url: str
) -> None:
    script(control, {"content": "fine"})
    async with openai.AsyncOpenAI(base_url=f"{base_url}/openai/v1", api_key="key-secret", max_retries=0) as plain:
        answer = await plain.chat.completions.create(model="gpt-5", messages=ASKED)

    assert (answer.model, answer.choices[0].message.content) == ("gpt-5", "fine")
    assert received(control)[0]["credential"] == "authorization"


async def test_credentials_are_never_told(control: httpx.Client, model: openai.AsyncAzureOpenAI) -> None:
    script(control, {"content": "fine"})
    await model.chat.completions.create(model="gpt", messages=ASKED)
    assert "key-secret" not in str(received(control))


async def test_a_refusal_is_a_refusal(control: httpx.Client, model: openai.AsyncAzureOpenAI) -> None:
    script(control, {"refusal": "I will not."})
    answer = await model.chat.completions.parse(model="gpt", messages=ASKED, response_format=Cause)
    assert (answer.choices[0].message.refusal, answer.choices[0].message.parsed) == ("I will not.", None)


@pytest.mark.parametrize(
    ("finish_reason", "error"),
    [("length", openai.LengthFinishReasonError), ("content_filter", openai.ContentFilterFinishReasonError)],
)
async def test_an_answer_that_was_cut_off_raises_in_the_parser(
    control: httpx.Client, model: openai.AsyncAzureOpenAI, finish_reason: str, error: type[Exception]
) -> None:
    script(control, {"finish_reason": finish_reason, "content": '{"service": "ca'})
    with pytest.raises(error):
        await model.chat.completions.parse(model="gpt", messages=ASKED, response_format=Cause)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 429, "retry_after": 7}, openai.RateLimitError),
        ({"status": 500}, openai.InternalServerError),
        ({"status": 400}, openai.BadRequestError),
    ],
)
async def test_a_scripted_status_raises_the_clients_own_error(
    control: httpx.Client, model: openai.AsyncAzureOpenAI, answer: dict[str, int], error: type[openai.APIStatusError]
) -> None:
    script(control, answer)
    with pytest.raises(error) as caught:
        await model.chat.completions.create(model="gpt", messages=ASKED)
    expected = str(answer["retry_after"]) if "retry_after" in answer else None
    assert caught.value.response.headers.get("retry-after") == expected


async def test_the_clients_own_retry_gets_the_next_answer(
    control: httpx.Client, model: openai.AsyncAzureOpenAI
) -> None:
    script(control, {"status": 429, "retry_after": 0}, {"content": "at last"})
    answer = await model.with_options(max_retries=1).chat.completions.create(model="gpt", messages=ASKED)
    assert answer.choices[0].message.content == "at last"


async def test_a_hanging_answer_runs_into_the_clients_timeout(
    control: httpx.Client, model: openai.AsyncAzureOpenAI
) -> None:
    script(control, {"hang_seconds": 1, "content": "late"})
    with pytest.raises(openai.APITimeoutError):
        await model.with_options(timeout=0.1).chat.completions.create(model="gpt", messages=ASKED)


async def test_a_body_that_is_not_json_reaches_the_client_as_it_is(
    control: httpx.Client, model: openai.AsyncAzureOpenAI
) -> None:
    script(control, {"raw": "not json"})
    with pytest.raises(ValueError, match="Expecting value"):
        await model.chat.completions.create(model="gpt", messages=ASKED)


async def test_without_a_script_it_says_that_it_is_no_model(
    control: httpx.Client, model: openai.AsyncAzureOpenAI
) -> None:
    with pytest.raises(openai.InternalServerError, match="not a model") as caught:
        await model.chat.completions.create(model="gpt", messages=ASKED)
    assert caught.value.status_code == 503
    assert len(received(control)) == 1


@pytest.mark.parametrize("headers", [{}, {"api-key": ""}, {"Authorization": "Basic x"}, {"Authorization": "Bearer"}])
def test_a_request_without_a_credential_is_refused_and_spends_no_answer(
    control: httpx.Client, headers: dict[str, str]
) -> None:
    script(control, {"content": "kept"})
    path, body = "/openai/v1/chat/completions", {"model": "gpt", "messages": ASKED}

    assert control.post(path, json=body, headers=headers).status_code == 401

    kept = control.post(path, json=body, headers={"api-key": "k"}).json()
    assert kept["choices"][0]["message"]["content"] == "kept"


@pytest.mark.parametrize(
    "body",
    [
        {"model": "gpt"},
        {"model": "gpt", "messages": []},
        {"messages": ASKED},
        {"model": "gpt", "messages": ASKED, "stream": True},
        {"model": "gpt", "messages": ASKED, "response_format": {"type": "json_schema"}},
    ],
)
def test_a_request_that_azure_would_refuse_is_refused(control: httpx.Client, body: dict[str, object]) -> None:
    answer = control.post("/openai/v1/chat/completions", json=body, headers={"api-key": "k"})
    assert answer.status_code == 400


@pytest.mark.parametrize("answer", [{}, {"contents": "typo"}, {"finish_reason": "bored"}, {"status": 42}])
def test_a_script_with_a_mistake_is_refused(control: httpx.Client, answer: dict[str, object]) -> None:
    assert control.post("/_script", json=answer).status_code == 422


def test_forgetting_clears_the_script_and_the_requests(control: httpx.Client) -> None:
    script(control, {"content": "gone"})
    control.delete("/_requests")
    answer = control.post(
        "/openai/v1/chat/completions", json={"model": "gpt", "messages": ASKED}, headers={"api-key": "k"}
    )
    assert answer.status_code == 503


def a_serving_process(port: int) -> subprocess.Popen[str]:
    program = f"from dev.openai.server import serve; serve(port={port})"
    return subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_taken_port_is_one_sentence_and_a_signal_ends_it_cleanly(signum: signal.Signals) -> None:
    with a_serving_process(0) as first:
        assert first.stdout is not None
        port = int(first.stdout.readline().rstrip("/\n").rpartition(":")[2])
        with a_serving_process(port) as second:
            _, complaint = second.communicate(timeout=20)
        httpx.get(f"http://127.0.0.1:{port}/_requests", trust_env=False).raise_for_status()
        first.send_signal(signum)
        _, complaints = first.communicate(timeout=20)

    assert (second.returncode, complaint) == (1, f"openai: port {port} of 127.0.0.1 is in use by another program.\n")
    assert (first.returncode, complaints) == (0, "")
