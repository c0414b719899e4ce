"""Azure OpenAI through the `openai` package: one structured question, one parsed answer, every failure by name."""

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from shared.errors import ModelUnavailable
from shared.ports.model import AnswerT, ModelAnswer, Prompt

if TYPE_CHECKING:
    from openai import AsyncAzureOpenAI
    from openai.types.chat import ParsedChatCompletion

MAX_COMPLETION_TOKENS = 4000
# At DEBUG the package logs whole requests, and prompts hold what tenants entrust to us.
logging.getLogger("openai").setLevel(logging.INFO)
SCOPE = "https://cognitiveservices.azure.com/.default"


class AzureOpenAIModel:
    """Implements Model. The client is made with the first question and never retries: the pipeline decides."""

    def __init__(
        self,
        *,
        endpoint: str,
        deployment: str,
        api_version: str,
        api_key: str | None,
        managed_identity_client_id: str | None,
    ) -> None:
        self._endpoint = endpoint
        self._deployment = deployment
        self._api_version = api_version
        self._api_key = api_key
        self._client_id = managed_identity_client_id
        self._made: AsyncAzureOpenAI | None = None

    async def ask(self, prompt: Prompt, shape: type[AnswerT], *, timeout_seconds: float) -> ModelAnswer[AnswerT]:
        """See Model."""
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await self._parse(prompt, shape, timeout_seconds)
        except TimeoutError as exc:
            raise ModelUnavailable("the model did not answer in time", reason="model_timeout") from exc
        except (ValidationError, json.JSONDecodeError) as exc:
            raise ModelUnavailable("the model's answer has another shape", reason="model_malformed") from exc
        return _answer_of(answer)

    async def _parse(
        self, prompt: Prompt, shape: type[AnswerT], timeout_seconds: float
    ) -> "ParsedChatCompletion[AnswerT]":
        import openai

        try:
            return await self._client().chat.completions.parse(
                model=self._deployment,
                messages=[
                    {"role": "system", "content": prompt.instructions},
                    {"role": "user", "content": prompt.material},
                ],
                response_format=shape,
                max_completion_tokens=MAX_COMPLETION_TOKENS,
                prompt_cache_key=prompt.cache_key,
                timeout=timeout_seconds,
            )
        except openai.APITimeoutError as exc:
            raise ModelUnavailable("the model did not answer in time", reason="model_timeout") from exc
        except openai.APIConnectionError as exc:
            raise ModelUnavailable("the model cannot be reached", reason="model_unreachable") from exc
        except openai.APIStatusError as exc:
            raise ModelUnavailable(
                f"the model answered {exc.status_code}", reason=_reason_of(exc.status_code)
            ) from exc
        except openai.ContentFilterFinishReasonError as exc:
            raise ModelUnavailable("the answer was filtered", reason="model_filtered") from exc
        except openai.LengthFinishReasonError as exc:
            raise ModelUnavailable("the answer was cut off", reason="model_malformed") from exc

    def _client(self) -> "AsyncAzureOpenAI":
        from openai import AsyncAzureOpenAI

        if self._made is None:
            options: dict[str, Any] = {"api_key": self._api_key} if self._api_key else self._by_identity()
            self._made = AsyncAzureOpenAI(
                azure_endpoint=self._endpoint, api_version=self._api_version, max_retries=0, **options
            )
        return self._made

    def _by_identity(self) -> dict[str, Any]:
        from azure.identity.aio import get_bearer_token_provider

        from shared.adapters.identity import credential

        return {"azure_ad_token_provider": get_bearer_token_provider(credential(self._client_id), SCOPE)}

    async def aclose(self) -> None:
        """Close the connections."""
        if self._made is not None:
            await self._made.close()


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
        model=completion.model,
        prompt_tokens=usage.prompt_tokens if usage else 0,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
    )


_REASONS = {400: "model_rejected", 401: "model_unauthorised", 403: "model_unauthorised", 404: "model_not_deployed"}


def _reason_of(status: int) -> str:
    return "model_throttled" if status == 429 else _REASONS.get(status, "model_unavailable")  # noqa: PLR2004 -- HTTP's own number
