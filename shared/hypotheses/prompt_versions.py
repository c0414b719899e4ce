"""The prompts that are kept: each version is a file, so that a question can be asked again with another one."""

import re
from dataclasses import replace
from importlib.resources import files

from shared.ports.model import AnswerT, Model, ModelAnswer, Prompt

_NAME = re.compile(r"(hypotheses-v[0-9]{1,4})\.md")


def prompt_versions() -> tuple[str, ...]:
    """The versions of the prompt for hypotheses, the oldest first."""
    found = [_NAME.fullmatch(one.name) for one in files("shared.hypotheses").joinpath("prompts").iterdir()]
    return tuple(sorted((one[1] for one in found if one), key=lambda name: int(name.rpartition("v")[2])))


def instructions_of(version: str) -> str:
    """The text of a version that is among `prompt_versions`."""
    return files("shared.hypotheses").joinpath(f"prompts/{version}.md").read_text(encoding="utf-8")


class WithPrompt:
    """Implements Model: asks another one with the instructions of a given version in place of today's.

    The evidence stays as today's code renders it: what is compared is what the model is told to do with it.
    """

    def __init__(self, model: Model, version: str) -> None:
        self._model = model
        self._version = version
        self._instructions = instructions_of(version)

    async def ask(self, prompt: Prompt, shape: type[AnswerT], *, timeout_seconds: float) -> ModelAnswer[AnswerT]:
        """See Model."""
        if prompt.version == self._version:
            return await self._model.ask(prompt, shape, timeout_seconds=timeout_seconds)
        tenant, _, _ = prompt.cache_key.partition(":")
        other = replace(
            prompt,
            version=self._version,
            instructions=self._instructions,
            cache_key=f"{tenant}:{self._version}",
        )
        return await self._model.ask(other, shape, timeout_seconds=timeout_seconds)
