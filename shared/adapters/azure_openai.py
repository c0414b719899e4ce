"""Azure OpenAI through the `openai` package: one structured question, one parsed answer, every failure by name."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from shared.errors import ModelUnavailable
from shared.ports.model import AnswerT, ModelAnswer, Prompt

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
    from openai.types.chat import ChatCompletionMessageParam, ParsedChatCompletion

MAX_COMPLETION_TOKENS = 4000
# At DEBUG the package logs whole requests, and prompts hold what tenants entrust to us.
logging.getLogger("openai").setLevel(logging.INFO)
SCOPE = "https://cognitiveservices.azure.com/.default"
V1 = "v1"
"""The API version without a date, at `/openai/v1/`; models that reason need it."""

TokenProvider = Callable[[], Awaitable[str]]


class AzureOpenAIModel:
    """Implements Model. The client is made with the first question and never retries: the pipeline decides.

    Without an API key the process's own identity asks, or whoever `token_provider` speaks for.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        deployment: str,
        api_version: str,
        api_key: str | None,
        managed_identity_client_id: str | None,
        token_provider: TokenProvider | None = None,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._deployment = deployment
        self._api_version = api_version
        self._api_key = api_key
        self._client_id = managed_identity_client_id
        self._token_provider = token_provider
        self._made: AsyncOpenAI | None = None

    async def ask(self, prompt: Prompt, shape: type[AnswerT], *, timeout_seconds: float) -> ModelAnswer[AnswerT]:
        """See Model."""
        try:
            async with asyncio.timeout(timeout_seconds):
                return _answer_of(await self._parse(prompt, shape, timeout_seconds))
        except TimeoutError as exc:
            raise ModelUnavailable("the model did not answer in time", reason="model_timeout") from exc
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            # The package builds its objects unchecked, so an answer that is no completion fails where it is read.
            raise ModelUnavailable("the model's answer has another shape", reason="model_malformed") from exc

    async def _parse(
        self, prompt: Prompt, shape: type[AnswerT], timeout_seconds: float
    ) -> "ParsedChatCompletion[AnswerT]":
        import openai
        from azure.core.exceptions import AzureError

        try:
            return await self._client().chat.completions.parse(
                model=self._deployment,
                messages=_messages_of(prompt),
                response_format=shape,
                timeout=timeout_seconds,
                **self._arguments_of_version(prompt),
            )
        except openai.APITimeoutError as exc:
            raise ModelUnavailable("the model did not answer in time", reason="model_timeout") from exc
        except openai.APIConnectionError as exc:
            raise ModelUnavailable("the model cannot be reached", reason="model_unreachable") from exc
        except openai.APIStatusError as exc:
            raise ModelUnavailable(f"the model answered {exc.status_code}", reason=_reason_of(exc)) from exc
        except openai.ContentFilterFinishReasonError as exc:
            raise ModelUnavailable("the answer was filtered", reason="model_filtered") from exc
        except openai.LengthFinishReasonError as exc:
            raise ModelUnavailable("the answer was cut off", reason="model_malformed") from exc
        except AzureError as exc:
            raise ModelUnavailable("there is no token to ask the model with", reason="model_unauthorised") from exc

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


def _answer_of(completion: "ParsedChatCompletion[AnswerT]") -> ModelAnswer[AnswerT]:
    if not completion.choices:
        raise ModelUnavailable("the model gave no answer", reason="model_malformed")
    message = completion.choices[0].message
    if message.refusal:
        raise ModelUnavailable("the model refused", reason="model_refused")
    if not isinstance(message.parsed, BaseModel):
        raise ModelUnavailable("the model's answer has another shape", reason="model_malformed")
    usage = completion.usage
    details = usage.prompt_tokens_details if usage else None
    return ModelAnswer(
        answer=message.parsed,
        model=str(completion.model or ""),
        prompt_tokens=(usage.prompt_tokens or 0) if usage else 0,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        completion_tokens=(usage.completion_tokens or 0) if usage else 0,
    )


_REASONS = {
    400: "model_rejected",
    401: "model_unauthorised",
    403: "model_unauthorised",
    404: "model_not_deployed",
    429: "model_throttled",
}


def _reason_of(exc: "APIStatusError") -> str:
    # A prompt that Azure's filter stops is a 400 with this code; an answer that it stops has a finish reason instead.
    return "model_filtered" if exc.code == "content_filter" else _REASONS.get(exc.status_code, "model_unavailable")
