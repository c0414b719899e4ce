"""What the model is asked, and the shape of what it may answer."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from importlib.resources import files
from operator import itemgetter
from typing import Any

from shared.errors import Malformed
from shared.hypotheses.wording import plain
from shared.models.evidence import Evidence, SeriesEvidence
from shared.models.hypotheses import HypothesisSet
from shared.models.snapshots import Snapshot
from shared.ports.model import Prompt

PROMPT_VERSION = "hypotheses-v1"
PROMPT_VERSIONS = ("hypotheses-v1",)
"""Those that can be asked for by name; a change of wording is a new one, so that answers can be compared."""
MAX_MATERIAL_CHARS = 60_000
MAX_SHOWN_POINTS = 20
MAX_SHOWN_QUERY_CHARS = 500
"""A longer question says little to a model, and takes the place of evidence."""
_A_TURN = {"series": 6, "change": 3, "edge": 3, "alert": 3, "limit": 3}
"""How many of a kind are shown before the next ones of the other kinds."""


def render(snapshot: Snapshot, ranked: HypothesisSet, *, version: str = PROMPT_VERSION) -> Prompt:
    """The prompt for a snapshot: our instructions, then the evidence fenced as data."""
    # The fence cannot be guessed by who wrote the labels: it depends on everything in the snapshot.
    fence = f"EVIDENCE-{snapshot.sha256[:24]}"
    material = _material(snapshot, ranked)
    return Prompt(
        version=version,
        instructions=instructions_of(version),
        material=f"<{fence}>\n{material}\n</{fence}>",
        cache_key=f"{snapshot.tenant_id}:{version}",
    )


def instructions_of(version: str) -> str:
    """The instructions of a version; raises Malformed (`unknown_prompt_version`) for one that there is not."""
    if version not in PROMPT_VERSIONS:
        raise Malformed("there is no prompt of this version", reason="unknown_prompt_version")
    return files("shared.hypotheses").joinpath(f"prompts/{version}.md").read_text(encoding="utf-8")


def _material(snapshot: Snapshot, ranked: HypothesisSet) -> str:
    body = snapshot.body
    head = {
        "alerting_service": plain(body.service),
        "onset_at": body.onset_at.isoformat(),
        "sections": [{"name": s.name.value, "status": s.status.value, "reason": s.reason} for s in body.sections],
        "deterministic_ranking": [
            {"service": h.suspected_service, "change": h.suspected_change, "score": h.score, "claim": h.claim}
            for h in ranked.hypotheses
        ],
    }
    lines = [_line(head)]
    size = len(lines[0])
    for piece in _most_telling_first(snapshot):
        line = _line(_shown(piece))
        # One piece that is too long must not hide all that come after it.
        if size + len(line) <= MAX_MATERIAL_CHARS:
            lines.append(line)
            size += len(line)
    return "\n".join(lines)


def _most_telling_first(snapshot: Snapshot) -> list[Evidence]:
    """What has to be left out for length is what moved least, and the last of each kind: a hundred alerts, or edges
    with long questions, must not take the place of what was measured.
    """
    of_kind: dict[str, int] = defaultdict(int)
    turns: list[tuple[int, Evidence]] = []
    for piece in sorted(
        snapshot.body.evidence(), key=lambda one: -one.movement.score if isinstance(one, SeriesEvidence) else -99.0
    ):
        turns.append((of_kind[piece.kind] // _A_TURN.get(piece.kind, 1), piece))
        of_kind[piece.kind] += 1
    return [piece for _, piece in sorted(turns, key=itemgetter(0))]


def _shown(piece: Evidence) -> Mapping[str, Any]:
    shown = piece.model_dump(mode="json", exclude_none=True)
    if len(shown.get("query", "")) > MAX_SHOWN_QUERY_CHARS:
        del shown["query"]
    if isinstance(piece, SeriesEvidence):
        every = math.ceil(len(piece.points) / MAX_SHOWN_POINTS) or 1
        # Counted from the end: how it is now is what must not be left out.
        shown["points"] = [list(point) for point in piece.points[::-1][::every][::-1]]
    return shown


def _line(value: Mapping[str, Any]) -> str:
    # ASCII with < and > escaped: whatever a label holds, it can neither close the fence nor look like markup.
    return json.dumps(value, sort_keys=True).replace("<", "\\u003c").replace(">", "\\u003e")
