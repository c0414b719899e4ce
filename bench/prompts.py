"""How large a question is, how much of it a provider could cache, and how long checking an answer takes."""

import gc
import time
from dataclasses import dataclass

from bench.estate_snapshots import a_storm
from bench.figures import percentile
from dev.openai.caching import PrefixCache
from shared.adapters.openai_schema import response_format_of
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.proposal import MAX_PROPOSED, ModelAssertion, ModelHypotheses, ModelHypothesis
from shared.hypotheses.propose import render
from shared.hypotheses.verify import verify
from shared.models.evidence import SeriesEvidence
from shared.models.hypotheses import HypothesisSet, Operator
from shared.models.snapshots import Snapshot

STORMS = (50, 500, 2_000)
ASSERTIONS = 60
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


def verifying_ms(repeats: int, seed: int) -> list[float]:
    """How long ten hypotheses with sixty statements take to check on a snapshot of 500 signals, each time anew."""
    snapshot = a_storm(500, seed)
    ranked, answer = ranked_set(snapshot, now=snapshot.taken_at), _an_answer(snapshot)
    taken = []
    gc.collect()
    for number in range(repeats + _WARM_UP):
        seconds = _timed(answer, snapshot, ranked)
        if number >= _WARM_UP:
            taken.append(seconds * 1000)
    return taken


def _timed(answer: ModelHypotheses, snapshot: Snapshot, ranked: HypothesisSet) -> float:
    began = time.perf_counter()
    verify(answer, snapshot.body, ranked)
    return time.perf_counter() - began


def _an_answer(snapshot: Snapshot) -> ModelHypotheses:
    series = [one for one in snapshot.body.evidence() if isinstance(one, SeriesEvidence)]
    each = ASSERTIONS // MAX_PROPOSED
    return ModelHypotheses(hypotheses=[_proposed(series[at * 3 : at * 3 + 3], each) for at in range(MAX_PROPOSED)])


def _proposed(series: list[SeriesEvidence], assertions: int) -> ModelHypothesis:
    paths = ("movement.current", "max", "median", "last", "movement.score", "movement.onset_at")
    return ModelHypothesis(
        claim=f"{series[0].service} is where it begins", suspected_service=series[0].service, suspected_change=None,
        mechanism="Its errors reach those who call it.", supporting=[one.id for one in series], contradicting=[],
        similar_incidents=[], checks=[], next_steps=["Look at its latest change."],
        assertions=[
            ModelAssertion(
                evidence_id=series[at % len(series)].id, path=paths[at % len(paths)], operator=Operator.AT_LEAST,
                value="0.01", window_start=None, window_end=None,
            )
            for at in range(assertions)
        ],
    )  # fmt: skip


def p95(values: list[float]) -> float:
    """Within which 95 percent of them lie."""
    return round(percentile(values, 95), 3)
