"""Whether a sentence for somebody on call only tells what is, in words that nobody outside can turn on them. Pure.

What a claim says is checked against the evidence elsewhere (verify.py). This asks how it says it: a true number
may stand beside an order that somebody wrote into a label. Where it does, the deterministic ranking's words stand.
"""

import re
from collections.abc import Sequence

from shared.hypotheses.suspicion import is_plain_script, suspicion_of
from shared.models.hypotheses import Check, Hypothesis, HypothesisSet

_ACTIVE = re.compile(r"://|\bwww\.|\]\s?\(|!\[|<\s?/?\s?[a-zA-Z!]|javascript:|\bdata:|(?<=\w)@(?=\w)")
_WORD = re.compile(r"[A-Za-z']+")
_CLAUSE = re.compile(r"[.;:!?,]\s+|\n|\b(?:and|then|so|but)\s+(?:then\s+)?")
_DIGITS_IN_A_ROW = re.compile(r"\d(?:[\s()-]?\d){6,}")
_ROLLBACK = re.compile(r"(?i)^(?:roll|rollback|revert)\b")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ORDERS = _words(
    "run execute delete drop disable enable open visit click download install call contact email send "
    "post share restart reboot stop kill scale rotate grant revoke approve merge push deploy apply paste "
    "copy enter log login sign type reply ignore trust do don't never always immediately go use tell "
    "remove turn set give add change escalate page"
)
"""What no clause of a claim or a mechanism begins with: it tells what is, not what to do."""
_NEVER = _words(
    "you your yours please password passwords credential credentials secret secrets curl wget ssh sudo rm "
    "chmod bash sh powershell http https prompt prompts instruction instructions canary tenant tenants "
    "culprit blame guilty bitcoin wallet phone fence"
)
"""What no sentence here needs, or what is not a model's to say."""
_LOOKS = _words(
    "check look compare watch query inspect read review verify see confirm examine graph plot find search "
    "measure trace list count"
)
"""What a next step begins with."""


def said_plainly(hypotheses: Sequence[Hypothesis], ranked: HypothesisSet) -> tuple[tuple[Hypothesis, ...], int]:
    """The hypotheses in wording that may be shown, ranked anew, and how many are not told at all.

    Where the model's words may not be shown, those of the ranking of the same service are; where it has none, the
    hypothesis goes.
    """
    suspects = {one.suspected_service: one for one in reversed(ranked.hypotheses)}
    said = (_said(one, suspects.get(one.suspected_service)) for one in hypotheses)
    kept = [one for one in said if one is not None]
    again = tuple(one.model_copy(update={"rank": at}) for at, one in enumerate(kept, start=1))
    return again, len(hypotheses) - len(kept)


def _said(one: Hypothesis, suspect: Hypothesis | None) -> Hypothesis | None:
    if not tells_what_is(one.claim) and suspect is None:
        return None
    claim = one.claim if suspect is None or tells_what_is(one.claim) else suspect.claim
    mechanism = one.mechanism if tells_what_is(one.mechanism) else (suspect.mechanism if suspect else "")
    steps = tuple(step for step in one.next_steps if is_next_step(step, one))
    return one.model_copy(
        update={
            "claim": claim,
            "mechanism": mechanism,
            "next_steps": steps or (suspect.next_steps if suspect else ()),
            "checks": tuple(map(_check, one.checks)),
        }
    )


def _check(one: Check) -> Check:
    return one if tells_what_is(one.because) else one.model_copy(update={"because": ""})


def tells_what_is(text: str) -> bool:
    """Whether a sentence tells nobody to do anything, and holds nothing that acts when it is shown."""
    clauses = (_WORD.findall(clause) for clause in _CLAUSE.split(text))
    return _is_inert(text) and not any(words[0].casefold() in _ORDERS for words in clauses if words)


def is_next_step(text: str, of: Hypothesis) -> bool:
    """Whether a step only looks; or takes back the very change that is suspected, once code has checked that."""
    first = (_WORD.findall(text) or [""])[0].casefold()
    if not _is_inert(text) or _DIGITS_IN_A_ROW.search(text):
        return False
    if _ROLLBACK.match(text):
        return of.suspected_change is not None and of.suspected_service in text
    return first in _LOOKS


def _is_inert(text: str) -> bool:
    if _ACTIVE.search(text) or not is_plain_script(text):
        return False
    return _NEVER.isdisjoint(word.casefold() for word in _WORD.findall(text)) and suspicion_of(text) is None
