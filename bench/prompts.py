"""How large a question is, and how much of it a provider could cache."""

import time
from dataclasses import dataclass

from bench.estate_snapshots import a_storm
from bench.figures import percentile
from dev.openai.caching import PrefixCache
from shared.adapters.openai_schema import response_format_of
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.proposal import ModelHypotheses
from shared.hypotheses.propose import render

STORMS = (50, 500, 2_000)
_WARM_UP = 2


@dataclass(frozen=True)
class Sizes:
    """Of the prompts for storms of one size: tokens, and the share that was cached after the first."""

    tokens: list[int]
    cached_shares: list[float]
    render_ms: list[float]


def sizes_of(signals: int, repeats: int, seed: int) -> Sizes:
    """Questions about different incidents of one tenant, one after the other, past a provider's prefix cache."""
    found, cache = Sizes([], [], []), PrefixCache()
    for number in range(repeats + _WARM_UP):
        snapshot = a_storm(signals, seed * 1000 + number)
        ranked = ranked_set(snapshot, now=snapshot.taken_at)
        began = time.perf_counter()
        prompt = render(snapshot, ranked)
        seconds = time.perf_counter() - began
        texts = [one for one in (prompt.stable, prompt.material) if one]
        tokens, cached = cache.counted(
            {
                "messages": [
                    {"role": "system", "content": prompt.instructions},
                    *({"role": "user", "content": one} for one in texts),
                ],
                "response_format": response_format_of(ModelHypotheses),
                "prompt_cache_key": prompt.cache_key,
            }
        )
        if number >= _WARM_UP:
            found.tokens.append(tokens)
            found.cached_shares.append(cached / tokens)
            found.render_ms.append(seconds * 1000)
    return found


def p95(values: list[float]) -> float:
    """Within which 95 percent of them lie."""
    return round(percentile(values, 95), 3)
