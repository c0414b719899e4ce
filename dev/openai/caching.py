"""The prefix cache of a provider, played: what a prompt begins with as an earlier one of the same key did."""

import json
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any

from shared.hypotheses.tokens import estimated_tokens

LEAST_TOKENS, STEP_TOKENS = 1024, 128
"""OpenAI caches prefixes from 1,024 tokens on, in steps of 128: https://platform.openai.com/docs/guides/prompt-caching."""
MAX_KEYS, MAX_PROMPTS = 200, 8
"""Prompts that are remembered, by key."""


class PrefixCache:
    """Remembers prompts by their `prompt_cache_key`; counts tokens as the product guesses them."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, deque[str]] = OrderedDict()

    def counted(self, body: Mapping[str, Any]) -> tuple[int, int]:
        """Tokens of a request's prompt, and how many of them were cached; remembers it."""
        text = prompt_text(body)
        seen = self._seen.setdefault(str(body.get("prompt_cache_key") or ""), deque(maxlen=MAX_PROMPTS))
        longest = max((_common(text, one) for one in seen), default=0)
        cached = estimated_tokens(text[:longest])
        seen.append(text)
        self._seen.move_to_end(str(body.get("prompt_cache_key") or ""))
        while len(self._seen) > MAX_KEYS:
            self._seen.popitem(last=False)
        return estimated_tokens(text), cached // STEP_TOKENS * STEP_TOKENS if cached >= LEAST_TOKENS else 0


def prompt_text(body: Mapping[str, Any]) -> str:
    """All that counts as prompt, in the order in which it is cached: the schema, then the messages."""
    schema = json.dumps(body.get("response_format") or "")
    return "\n".join([schema, *(f"{one.get('role')}: {one.get('content')}" for one in body["messages"])])


def _common(one: str, other: str) -> int:
    """How many characters both begin with; by halves, for prompts are long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
