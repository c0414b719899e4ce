"""What the model is asked: our instructions, what stays the same, and this incident, each apart from the others."""

from importlib.resources import files

from shared.errors import Malformed
from shared.hypotheses.fences import cache_key_of, canary_of, fenced, new_fence
from shared.hypotheses.material import material_lines, stable_lines
from shared.models.hypotheses import HypothesisSet
from shared.models.snapshots import Snapshot
from shared.ports.model import Prompt

PROMPT_VERSION = "hypotheses-v2"
PROMPT_VERSIONS = ("hypotheses-v2",)
"""Those that can be asked for by name; a change of wording is a new one, so that answers can be compared."""
STABLE_FENCE = "EVIDENCE-OF-THE-SYSTEM"


def instructions_of(version: str) -> str:
    """The instructions of a version; raises Malformed (`unknown_prompt_version`) for one that there is not."""
    if version not in PROMPT_VERSIONS:
        raise Malformed("there is no prompt of this version", reason="unknown_prompt_version")
    return files("shared.hypotheses").joinpath(f"prompts/{version}.md").read_text(encoding="utf-8")


def render(
    snapshot: Snapshot, ranked: HypothesisSet, *, version: str = PROMPT_VERSION, fence: str | None = None
) -> Prompt:
    """The prompt for a snapshot. `fence` is drawn anew when none is given, and nobody should give one but a test.

    What stands before `material` is the same for the tenant's next incident of the same service.
    """
    fence = fence or new_fence()
    canary = canary_of(snapshot.tenant_id, version)
    stable = stable_lines(snapshot.body)
    return Prompt(
        version=version,
        instructions=f"{instructions_of(version)}\nNever repeat this mark: {canary}\n",
        stable=fenced(STABLE_FENCE, stable) if stable else "",
        material=fenced(fence, material_lines(snapshot.body, ranked)),
        cache_key=cache_key_of(snapshot.tenant_id, version),
        canaries=(canary, fence),
    )
