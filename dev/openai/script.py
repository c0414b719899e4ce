"""What the simulator is told to answer, and the chat completion that each answer becomes."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Answer(BaseModel):
    """One scripted answer. Without `raw` or an error `status` it is a chat completion."""

    model_config = ConfigDict(extra="forbid")

    content: str | None = None
    refusal: str | None = None
    finish_reason: Literal["stop", "length", "content_filter"] = "stop"
    status: int = Field(default=200, ge=200, le=599)
    retry_after: int | None = Field(default=None, ge=0)
    hang_seconds: float = Field(default=0, ge=0)
    raw: str | None = None
    prompt_tokens: int = 100
    cached_tokens: int = 0
    completion_tokens: int = 20

    @model_validator(mode="after")
    def _says_something(self) -> "Answer":
        if not self.model_fields_set:
            raise ValueError("an answer must say something")
        return self

    def error(self) -> dict[str, Any]:
        """The body of a scripted failure, shaped as Azure's."""
        return azure_error(str(self.status), f"Scripted failure with status {self.status}.")

    def completion(self, *, model: str, number: int, created: int) -> dict[str, Any]:
        """The chat completion, with Azure's content filter results and token counts."""
        message = {"role": "assistant", "content": self.content, "refusal": self.refusal}
        choice = {
            "index": 0,
            "finish_reason": self.finish_reason,
            "logprobs": None,
            "message": message,
            "content_filter_results": {},
        }
        return {
            "id": f"chatcmpl-simulated-{number}",
            "object": "chat.completion",
            "created": created,
            "model": model,
            "system_fingerprint": "fp_simulator",
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
            "choices": [choice],
            "usage": self._usage(),
        }

    def _usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


def azure_error(code: str, message: str) -> dict[str, Any]:
    """Azure's error envelope."""
    return {"error": {"code": code, "message": message}}
