"""Which of what was looked at speaks of what is asked, by its words (BM25). Pure."""

import re
from collections.abc import Sequence

from shared.models.changes import ChangeKind
from shared.models.evidence import ChangeEvidence, EdgeEvidence, Evidence, SeriesEvidence
from shared.models.measures import Metric

LEAST_SHARE = 0.1
"""Of what a passage of just the words of the question would get: less is an accident."""
MAX_PASSAGES = 600
MAX_PASSAGE_CHARS = 600
_JOINTS = re.compile(r"[_\-./:]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# In what other words people ask for a kind of evidence, or for a metric.
_KINDS = {
    "alert": "alert alerts page paged fired firing symptom",
    "edge": "call calls caller callers callee depends dependency dependencies upstream downstream",
    "limit": "limit full saturated saturation resource capacity cpu memory disk connections",
    "slo": "slo objective budget burn",
    "expression": "threshold condition alert expression",
    "runbook": "runbook guide instructions",
    "past_incident": "before earlier past similar history happened",
    "related": "other also related alerts",
    "silence": "silence silenced muted hidden",
}
_METRICS = {
    Metric.REQUEST_RATE: "traffic load requests rate throughput customers surge",
    Metric.ERROR_RATIO: "errors error fail fails failing failed failures",
    Metric.LATENCY_P50: "latency slow slower duration time",
    Metric.LATENCY_P95: "latency slow slower duration time",
    Metric.LATENCY_P99: "latency slow slower duration time",
    Metric.SATURATION: "saturation full cpu memory resource",
}
_DEPLOYED = "deploy deployed deploys deployment release released version rollout"
_CHANGED = "change changes changed"
_CHANGES = {
    ChangeKind.DEPLOY: f"{_CHANGED} {_DEPLOYED}",
    ChangeKind.ROLLBACK: f"{_CHANGED} {_DEPLOYED} rollback reverted",
    ChangeKind.CONFIG: f"{_CHANGED} configuration setting settings config",
    ChangeKind.FEATURE_FLAG: f"{_CHANGED} flag flags feature toggle",
    ChangeKind.INFRASTRUCTURE: f"{_CHANGED} infrastructure",
}
"""Of what is of no such kind, as processes that began anew, nobody asks as of a change."""


def matching(question: str, passages: Sequence[str]) -> list[tuple[int, float]]:
    """Which passages answer a question, best first, each with its share of the best that there could be, 0 to 1."""
    # numpy comes with it, which nobody else needs: imported where it is used.
    import bm25s  # type: ignore[import-untyped]  # the package ships no types

    shown = [_apart(one)[:MAX_PASSAGE_CHARS] for one in passages[:MAX_PASSAGES]]
    # English stop words alone: of other languages, rare words decide.
    tokens = bm25s.tokenize([*shown, _apart(question)], stopwords="en", return_ids=False, show_progress=False)
    asked = list(tokens[-1])
    if not asked or not shown:
        return []
    index = bm25s.BM25()
    # With the question itself among them, its own score is what the others are measured by.
    index.index([list(one) for one in tokens], show_progress=False)
    scores = [float(score) for score in index.get_scores(asked)]
    best = scores.pop()
    shares = [(at, min(1.0, score / best)) for at, score in enumerate(scores) if best > 0]
    return sorted((one for one in shares if one[1] >= LEAST_SHARE), key=lambda one: (-one[1], one[0]))


def passage_of(piece: Evidence) -> str:
    """A piece in its own sentence, and in the words in which people ask for its like."""
    told = [piece.said, _KINDS.get(piece.kind, "")]
    match piece:
        case SeriesEvidence():
            told.append(_METRICS[piece.metric])
        case ChangeEvidence():
            told.append(_CHANGES.get(piece.change, ""))
        case EdgeEvidence():
            told.append(f"{piece.caller} {piece.callee}")
    return " ".join(told)


def _apart(text: str) -> str:
    """`HighErrorRatio` also as three words, `orders-db` also as two."""
    split = _JOINTS.sub(" ", _CAMEL.sub(" ", text))
    return text if split == text else f"{text} {split}"
