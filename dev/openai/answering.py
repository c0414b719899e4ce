"""From a request to an answer: the next of the script, or what the mode makes of the evidence in the prompt."""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.openai.caching import PrefixCache
from dev.openai.filling import filled
from dev.openai.material import material_of
from dev.openai.minds import MINDS
from dev.openai.script import Answer, Behaviour, Mode
from shared.hypotheses.tokens import estimated_tokens

MAX_KEPT = 500
"""Requests that are remembered for `GET /_requests`: under load the oldest are forgotten."""


@dataclass
class Session:
    """What the simulator was told and asked."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    answers: deque[Answer] = field(default_factory=deque)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MAX_KEPT))
    cache: PrefixCache = field(default_factory=PrefixCache)
    asked: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.behaviour.seed)

    def next_answer(self, body: Mapping[str, Any]) -> Answer | None:
        """The answer to a request, None when nobody said what it is."""
        scripted = self.answers.popleft() if self.answers else None
        mode = (scripted and scripted.mode) or self.behaviour.mode
        is_said = scripted is not None and scripted.mode is None
        if not is_said and mode is Mode.SCRIPTED:
            return None
        answer = scripted or Answer(mode=mode)
        if not is_said:
            answer = answer.model_copy(update={"mode": mode, "content": content_of(body, mode)})
        prompt, cached = self.cache.counted(body)
        completion = estimated_tokens(answer.content or answer.refusal or "")
        return answer.counted(prompt=prompt, cached=cached, completion=completion)

    async def take_time(self, answer: Answer, began: float) -> None:
        """Wait as long as a model would take."""
        spread = self.behaviour.spread_seconds * self._random.random()
        wanted = answer.hang_seconds + self.behaviour.latency_seconds + spread
        # The sleep ends with the client's patience: uvicorn cancels nothing, so a test must not hang it for long.
        await asyncio.sleep(max(0.0, wanted - (time.monotonic() - began)))


def content_of(body: Mapping[str, Any], mode: Mode) -> str:
    """What a mode answers: JSON of the schema that is asked for, else prose."""
    said = MINDS[mode](material_of(body["messages"]))
    wanted = (body.get("response_format") or {}).get("json_schema") or {}
    schema = wanted.get("schema")
    return json.dumps(filled(schema, said)) if isinstance(schema, dict) else str(said["text"])
