"""What the simulator is told to answer, and the chat completion that each answer becomes."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Mode(StrEnum):
    """Where an answer comes from when no scripted one says what it is."""

    SCRIPTED = "scripted"
    """Nowhere: without a scripted answer it is 503."""
    HONEST = "honest"
    """From the evidence in the prompt: what it cites is there, and what it states is true."""
    LYING = "lying"
    """From the same, plausible and false: wrong ids, statements that do not hold, a healthy service accused."""
    OBEDIENT = "obedient"
    """Does whatever any text in the evidence tells it to, and is honest where none does."""


class Auth(StrEnum):
    """What a caller must show."""

    ANY = "any"
    KEY = "key"
    ENTRA = "entra"
    """A token for Azure's audience that has not expired; who signed it is not checked."""


class Behaviour(BaseModel):
    """How the simulator behaves where no scripted answer says otherwise."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode = Mode.SCRIPTED
    latency_seconds: float = Field(default=0, ge=0, le=600)
    spread_seconds: float = Field(default=0, ge=0, le=600)
    """Each answer takes between `latency_seconds` and that much more."""
    auth: Auth = Auth.ANY
    key: str | None = None
    """The only key that is good, with `auth` `key`."""
    seed: int = 1


class Answer(BaseModel):
    """One scripted answer. Without `raw` or an error `status` it is a chat completion."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode | None = None
    """Make the content as this mode does."""
    content: str | None = None
    refusal: str | None = None
    finish_reason: Literal["stop", "length", "content_filter"] = "stop"
    status: int = Field(default=200, ge=200, le=599)
    code: str | None = None
    """The error's code, such as `content_filter` for a prompt that Azure's filter stops (400)."""
    retry_after: int | None = Field(default=None, ge=0)
    headers: dict[str, str] = {}
    hang_seconds: float = Field(default=0, ge=0)
    raw: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    """What is not told is counted: about what the question and the answer would be."""

    @model_validator(mode="after")
    def _says_something(self) -> "Answer":
        if not self.model_fields_set:
            raise ValueError("an answer must say something")
        return self

    def error(self) -> dict[str, Any]:
        """The body of a scripted failure, shaped as Azure's."""
        return azure_error(self.code or str(self.status), f"Scripted failure with status {self.status}.")

    def counted(self, *, prompt: int, cached: int, completion: int) -> "Answer":
        """The answer with these token counts where the script told none."""
        counts = {"prompt_tokens": prompt, "cached_tokens": cached, "completion_tokens": completion}
        return self.model_copy(update={name: n for name, n in counts.items() if getattr(self, name) is None})

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
        prompt, completion = self.prompt_tokens or 0, self.completion_tokens or 0
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens or 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


def azure_error(code: str, message: str) -> dict[str, Any]:
    """Azure's error envelope."""
    return {"error": {"code": code, "message": message}}
