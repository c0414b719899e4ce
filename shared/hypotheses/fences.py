"""What keeps data apart from instructions in a prompt, and what must never come back out of it.

Data is spelled as JSON in ASCII with `<` and `>` escaped: whatever it holds, it cannot end its block. The fence of
what is this incident's is new with each call besides, so that nobody who writes telemetry knows it. The fence of what
stays the same cannot be, or no provider could cache it (docs/decisions/0015-fences.md).
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from shared.hypotheses.spellings import readings, words
from shared.ports.model import Prompt

_ECHOED_WORDS = 12
"""So many words of the instructions in a row are no chance."""


def new_fence() -> str:
    """The name of a block of data; 128 random bits that no snapshot has."""
    return f"EVIDENCE-{secrets.token_hex(16)}"


def canary_of(tenant_id: str, version: str) -> str:
    """What stands in the instructions and nowhere else; one a tenant and version, so that they can be cached."""
    return blake2b(f"canary:{version}".encode(), key=tenant_id.encode()[:64], digest_size=16).hexdigest()


def cache_key_of(tenant_id: str, version: str) -> str:
    """What a provider keeps apart in its cache of prefixes: one a tenant and version, without naming the tenant."""
    digest = blake2b(f"cache:{version}".encode(), key=tenant_id.encode()[:64], digest_size=8).hexdigest()
    return f"{version}:{digest}"


def line_of(value: Mapping[str, Any]) -> str:
    """One piece of data on one line, without what it does not say."""
    told = {name: inner for name, inner in value.items() if inner is not None and inner not in ([], (), {})}
    spelled = json.dumps(told, separators=(",", ":"))
    return spelled.replace("<", "\\u003c").replace(">", "\\u003e")


def fenced(name: str, lines: Iterable[str]) -> str:
    """The lines as one block."""
    return "\n".join((f"<{name}>", *lines, f"</{name}>"))


def echoes(said: Sequence[str], prompt: Prompt) -> tuple[str, ...]:
    """The flags of an answer that gives away what was told: a canary in any spelling, or the instructions' words."""
    spelled = [reading for text in said for reading in readings(text)]
    squashed = "\n".join(words(reading).replace(" ", "") for reading in spelled)
    flags = []
    if any(words(canary).replace(" ", "") in squashed for canary in prompt.canaries):
        flags.append("canary_echoed")
    instructions = _runs(prompt.instructions)
    if any(not instructions.isdisjoint(_runs(reading)) for reading in spelled):
        flags.append("instructions_echoed")
    return tuple(flags)


@lru_cache(maxsize=64)
def _runs(text: str) -> frozenset[tuple[str, ...]]:
    told = words(text).split()
    return frozenset(tuple(told[at : at + _ECHOED_WORDS]) for at in range(len(told) - _ECHOED_WORDS + 1))
