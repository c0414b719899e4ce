"""`bench hypotheses`: what the model step adds to the model's own time, how large its questions are, what it saves.

The model is the protocol simulator: its answers say nothing of a model's, only its wire is the same.
"""

from bench.figures import Goal, percentile
from bench.model_step import MODEL_MS, SPREAD_MS, Walked, walked
from bench.prompts import STORMS, Sizes, p95, sizes_of
from bench.report import Report
from bench.verification import verification_milliseconds

MAX_AROUND_MS, MAX_VERIFY_MS = 150.0, 50.0
MAX_TOKENS, MIN_CACHED = 8_000, 0.60
MAX_TO_RANKED, MAX_TO_FINAL = 6.0, 30.0
MAX_GROWTH = 1.05
"""Of the prompt, from the smallest storm to the largest."""
USUAL = 500


async def run_hypotheses(rounds: int, repeats: int, seed: int) -> int:
    """Measure in this process first, then on a stack of its own; print, and return the exit code."""
    report = Report("hypotheses", seed, beside="p95")
    sizes = {signals: sizes_of(signals, repeats, seed) for signals in STORMS}
    verifying = verification_milliseconds(seed, repeats=repeats)
    _add_sizes(report, sizes, verifying)
    found = await walked(rounds, seed)
    _add_walks(report, found)
    _add_goals(report, sizes, verifying, found)
    return report.finish()


def _add_sizes(report: Report, sizes: dict[int, Sizes], verifying: list[float]) -> None:
    report.section("questions (tokens are guessed without a tokenizer, rather too many): p50, p95")
    for signals, one in sizes.items():
        report.add(f"tokens for {signals} signals", percentile(one.tokens, 50), p95([float(n) for n in one.tokens]))
        shares = [100 * share for share in one.cached_shares]
        report.add("  of them cached for the tenant's next incident, %", percentile(shares, 50), min(shares))
        report.add("  rendering, ms", percentile(one.render_ms, 50), p95(one.render_ms))
        report.figures[f"signals_{signals}"] = {
            "tokens_p95": p95([float(n) for n in one.tokens]),
            "cached_share": round(min(one.cached_shares), 3),
            "render_p95_ms": p95(one.render_ms),
        }
    report.add("checking 10 hypotheses with 60 statements, ms", percentile(verifying, 50), p95(verifying))


def _add_walks(report: Report, found: Walked) -> None:
    walks = found.walks
    report.section(f"from idle on the local stack, {len(walks)} pages, simulator of {MODEL_MS} to +{SPREAD_MS} ms, s")
    for name in walks[0].steps:
        seconds = [one.steps[name] for one in walks]
        share = sum(seconds) / sum(one.to_final for one in walks)
        report.add(f"{name} ({share:.0%})", f"{percentile(seconds, 50):.3f}", f"{percentile(seconds, 95):.3f}")
    for title, values in _totals(found).items():
        report.add(title, f"{percentile(values, 50):.3f}", f"{percentile(values, 95):.3f}")
        report.figures[title] = {f"p{part}": round(percentile(values, part), 3) for part in (50, 95)}
    report.figures["steps_p50"] = {
        name: round(percentile([one.steps[name] for one in walks], 50), 3) for name in walks[0].steps
    }


def _totals(found: Walked) -> dict[str, list[float]]:
    return {
        "page to ranked hypotheses stored": [one.to_ranked for one in found.walks],
        "page to the model's stored": [one.to_final for one in found.walks],
        "the model step without the model": [one.around for one in found.walks],
    }


def _add_goals(report: Report, sizes: dict[int, Sizes], verifying: list[float], found: Walked) -> None:
    tokens = {signals: p95([float(n) for n in one.tokens]) for signals, one in sizes.items()}
    around = [one.around * 1000 for one in found.walks]
    cached = min(sizes[USUAL].cached_shares)
    report.goals += [
        Goal("added around the model call, p95 ms", p95(around), MAX_AROUND_MS),
        Goal("checking 10 hypotheses with 60 statements, p95 ms", p95(verifying), MAX_VERIFY_MS),
        Goal(f"tokens of a question for {USUAL} signals, p95", tokens[USUAL], MAX_TOKENS),
        Goal("tokens for 2,000 signals, times those for 50", round(tokens[2_000] / tokens[50], 3), MAX_GROWTH),
        Goal("share of a question that is cached", round(cached, 3), MIN_CACHED, at_least=True),
        Goal("calls for a repeated snapshot", found.calls_for_repeats, 0, must=True),
        Goal("page to ranked, p95 s", p95([one.to_ranked for one in found.walks]), MAX_TO_RANKED),
        Goal("page to the model's, p95 s", p95([one.to_final for one in found.walks]), MAX_TO_FINAL),
    ]
