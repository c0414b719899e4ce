"""Azure OpenAI through the `openai` package: one structured question, one parsed answer, every failure by name."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from shared.adapters.openai_failures import for_status, retry_after_of
from shared.adapters.openai_schema import response_format_of
from shared.errors import ModelUnavailable
from shared.ports.model import MAX_COMPLETION_TOKENS, AnswerT, ModelAnswer, Prompt
from shared.telemetry import span

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

# At DEBUG the package logs whole requests, and prompts hold what tenants entrust to us.
logging.getLogger("openai").setLevel(logging.INFO)
SCOPE = "https://cognitiveservices.azure.com/.default"
V1 = "v1"
"""The API version without a date, at `/openai/v1/`; models that reason need it."""

TokenProvider = Callable[[], Awaitable[str]]


class AzureOpenAIModel:
    """Implements Model. The client is made with the first question and never retries: the pipeline decides.

    Without an API key the process's own identity asks, or whoever `token_provider` speaks for. A question takes one
    of `places`, which all models of a process share; who waits for one waits on their own time (`model_busy`).
    """

    def __init__(
        self,
        *,
        endpoint: str,
        deployment: str,
        api_version: str,
        api_key: str | None,
        managed_identity_client_id: str | None,
        places: asyncio.Semaphore,
        token_provider: TokenProvider | None = None,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._host = urlsplit(endpoint).hostname or ""
        self._deployment = deployment
        self._api_version = api_version
        self._api_key = api_key
        self._client_id = managed_identity_client_id
        self._token_provider = token_provider
        self._places = places
        self._made: AsyncOpenAI | None = None

    async def ask(self, prompt: Prompt, shape: type[AnswerT], *, timeout_seconds: float) -> ModelAnswer[AnswerT]:
        """See Model."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        await self._wait_for_a_place(deadline)
        try:
            async with asyncio.timeout_at(deadline):
                completion = await self._completion(prompt, shape, timeout_seconds)
        except TimeoutError as exc:
            raise ModelUnavailable("the model did not answer in time", reason="model_timeout") from exc
        finally:
            self._places.release()
        try:
            return _answer_of(completion, shape)
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            # The package builds its objects unchecked, so an answer that is no completion fails where it is read.
            raise ModelUnavailable("the model's answer has another shape", reason="model_malformed") from exc

    async def _wait_for_a_place(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._places.acquire()
        except TimeoutError as exc:
            raise ModelUnavailable("other questions took all the time there was", reason="model_busy") from exc
        if asyncio.get_running_loop().time() >= deadline:
            self._places.release()
            raise ModelUnavailable("no time is left to ask in", reason="model_busy")

    async def _completion(self, prompt: Prompt, shape: type[AnswerT], timeout_seconds: float) -> "ChatCompletion":
        import openai
        from azure.core.exceptions import AzureError

        try:
            # Not by `parse`: it forgets what an answer cost when it cannot use it.
            with span("model", kind="client", **{"http.request.method": "POST", "server.address": self._host}):
                completion: ChatCompletion = await self._client().chat.completions.create(
                    model=self._deployment,
                    messages=_messages_of(prompt),
                    response_format=response_format_of(shape),
                    timeout=timeout_seconds,
                    **self._arguments_of_version(prompt),
                )
            return completion
        except openai.APITimeoutError as exc:
            raise ModelUnavailable("the model did not answer in time", reason="model_timeout") from exc
        except openai.APIConnectionError as exc:
            raise ModelUnavailable("the model cannot be reached", reason="model_unreachable") from exc
        except openai.APIStatusError as exc:
            wait = retry_after_of(exc.response.headers)
            raise for_status(exc.status_code, exc.code, retry_after_seconds=wait) from exc
        except AzureError as exc:
            raise ModelUnavailable("there is no token to ask the model with", reason="model_unauthorised") from exc
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            raise ModelUnavailable("the model's answer has another shape", reason="model_malformed") from exc

    def _arguments_of_version(self, prompt: Prompt) -> dict[str, Any]:
        if self._api_version == V1:
            return {"max_completion_tokens": MAX_COMPLETION_TOKENS, "prompt_cache_key": prompt.cache_key}
        # Azure refuses what a version does not know, and 2024-10-21, the last dated one, knows neither of those.
        return {"max_tokens": MAX_COMPLETION_TOKENS}

    def _client(self) -> "AsyncOpenAI":
        from openai import AsyncAzureOpenAI, AsyncOpenAI

        if self._made is not None:
            return self._made
        if self._api_version == V1:
            credential = self._api_key or self._tokens()
            self._made = AsyncOpenAI(base_url=f"{self._endpoint}/openai/v1/", api_key=credential, max_retries=0)
        else:
            options: dict[str, Any] = (
                {"api_key": self._api_key} if self._api_key else {"azure_ad_token_provider": self._tokens()}
            )
            self._made = AsyncAzureOpenAI(
                azure_endpoint=self._endpoint, api_version=self._api_version, max_retries=0, **options
            )
        return self._made

    def _tokens(self) -> TokenProvider:
        if self._token_provider is not None:
            return self._token_provider
        from azure.identity.aio import get_bearer_token_provider

        from shared.adapters.identity import credential

        return get_bearer_token_provider(credential(self._client_id), SCOPE)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._made is not None:
            await self._made.close()


def _messages_of(prompt: Prompt) -> "list[ChatCompletionMessageParam]":
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": prompt.instructions}]
    messages += [{"role": "user", "content": text} for text in (prompt.stable, prompt.material) if text]
    return messages


def _answer_of(completion: "ChatCompletion", shape: type[AnswerT]) -> ModelAnswer[AnswerT]:
    spent = _spent(completion)

    def unusable(message: str, reason: str) -> ModelUnavailable:
        return ModelUnavailable(message, reason=reason, spent=spent)

    if not completion.choices:
        raise unusable("the model gave no answer", "model_empty")
    choice = completion.choices[0]
    if choice.finish_reason == "content_filter":
        raise unusable("the answer was filtered", "model_filtered_answer")
    if choice.finish_reason == "length":
        raise unusable("the answer was cut off", "model_truncated")
    if choice.message.refusal:
        raise unusable("the model refused", "model_refused")
    if not choice.message.content:
        raise unusable("the model's answer is empty", "model_empty")
    try:
        answer = shape.model_validate_json(choice.message.content)
    except (ValidationError, RecursionError) as exc:
        raise unusable("the model's answer has another shape", "model_malformed") from exc
    return ModelAnswer(answer, str(completion.model or ""), *spent)


def _spent(completion: "ChatCompletion") -> tuple[int, int, int]:
    usage = completion.usage
    details = usage.prompt_tokens_details if usage else None
    if usage is None:
        return 0, 0, 0
    cached = details.cached_tokens if details else 0
    return _count(usage.prompt_tokens), _count(cached), _count(usage.completion_tokens)


def _count(tokens: object) -> int:
    """A number of tokens as the answer says it; anything else counts nothing."""
    return tokens if isinstance(tokens, int) and tokens > 0 else 0
