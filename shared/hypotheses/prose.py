"""Prose about an incident, sentence by sentence: what a sentence says is cited, and what does not hold is struck."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.hypotheses.assertions import Frame, frame_of, recompute
from shared.hypotheses.claims import unsupported
from shared.hypotheses.facts import Facts, services_of
from shared.hypotheses.proposal import EvidenceIds, ModelAssertion, Text
from shared.hypotheses.wording import plain
from shared.models.base import Value
from shared.models.evidence import EdgeEvidence, Evidence
from shared.models.hypotheses import Held
from shared.models.snapshots import SnapshotBody

MAX_SENTENCES = 8
MAX_SENTENCE_CHARS = 400
MAX_STATEMENTS = 6
_ECHO_WORDS = 7
"""So many words of our instructions in a row are no coincidence."""
_BLAMES = re.compile(
    r"\b(?:caus(?:e|es|ed|ing)|culprit|blame[ds]?|fault|responsible|guilty|originat\w+|begins? (?:at|in)|because|"
    r"due to|root|trigger(?:s|ed)?|broken?|breaks|to suspect|suspect(?:s|ed)?)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


class ModelSentence(BaseModel):
    """One sentence as the model words it, with what it rests on."""

    model_config = ConfigDict(extra="forbid")

    text: Text = Field(description="One plain sentence, at most 40 words.")
    supporting: EvidenceIds = Field(description="Ids of the evidence that it rests on; at least one.")
    assertions: Annotated[list[ModelAssertion], AfterValidator(itemgetter(slice(MAX_STATEMENTS)))] = Field(
        description="What it states of that evidence, so that code can check it; may be empty."
    )


class ModelProse(BaseModel):
    """The whole answer."""

    model_config = ConfigDict(extra="forbid")

    sentences: Annotated[list[ModelSentence], AfterValidator(itemgetter(slice(MAX_SENTENCES)))]


class Sentence(Value):
    """A sentence that stands, and the ids of the evidence that it rests on."""

    text: str = Field(max_length=MAX_SENTENCE_CHARS)
    cited: tuple[str, ...] = ()


class Struck(StrEnum):
    """Why a sentence of the model's was not shown."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    """What is cut may say something else than what was written."""
    REPEATED = "repeated"
    UNCITED = "uncited"
    UNKNOWN_EVIDENCE = "unknown_evidence"
    FALSE_STATEMENT = "false_statement"
    NAMES_NOTHING = "names_no_cited_service"
    """It names no service that the cited evidence is about: then nobody can tell what that evidence is to show."""
    NOT_TOLD = "not_told_by_evidence"
    """A number, a time or a name that the cited evidence does not tell, a link, or markup."""
    UNSUSPECTED = "accuses_unsuspected"
    """It gives a cause that the evidence, weighed by code, does not suspect."""
    ECHO = "echoes_instructions"


@dataclass(frozen=True)
class Checked:
    """What is left of an answer, and why the rest is not there."""

    sentences: tuple[Sentence, ...]
    struck: Mapping[Struck, int]


@dataclass(frozen=True)
class Grounds:
    """What sentences are checked against: one snapshot, whom code suspects there, and what must not be told.

    Names of services are in lower case.
    """

    known: Mapping[str, Evidence]
    services: frozenset[str]
    suspects: frozenset[str]
    victims: frozenset[str]
    """Whoever calls a suspect, however far away: it may be spoken of as what the trouble reaches."""
    frame: Frame
    secret_words: frozenset[tuple[str, ...]]


def grounds_of(body: SnapshotBody, suspects: Collection[str], *, instructions: str) -> Grounds:
    """The grounds that a snapshot gives; `suspects` are the services of the ranked hypotheses."""
    known = {piece.id: piece for piece in body.evidence()}
    services = {plain(name).lower() for piece in known.values() for name in services_of(piece)}
    return Grounds(
        known=known,
        services=frozenset(services),
        suspects=frozenset(name.lower() for name in suspects),
        victims=_callers_of({name.lower() for name in suspects}, known.values()),
        frame=frame_of(body.onset_at, body.step_seconds),
        secret_words=frozenset(_runs(instructions)),
    )


def _callers_of(suspects: Collection[str], pieces: Collection[Evidence]) -> frozenset[str]:
    edges = [
        (plain(one.caller).lower(), plain(one.callee).lower()) for one in pieces if isinstance(one, EdgeEvidence)
    ]
    reached = set(suspects)
    while more := {caller for caller, callee in edges if callee in reached} - reached:
        reached |= more
    return frozenset(reached - set(suspects))


def checked(prose: ModelProse, grounds: Grounds) -> Checked:
    """The sentences that stand, in their order, each once."""
    kept: dict[str, Sentence] = {}
    struck: dict[Struck, int] = {}
    for one in prose.sentences:
        text = plain(one.text, limit=MAX_SENTENCE_CHARS + 1)
        why = Struck.REPEATED if text in kept else _objection(text, one, grounds)
        if why is None:
            kept[text] = Sentence(text=text, cited=tuple(dict.fromkeys(one.supporting)))
        else:
            struck[why] = struck.get(why, 0) + 1
    return Checked(tuple(kept.values()), struck)


def _objection(text: str, one: ModelSentence, grounds: Grounds) -> Struck | None:
    if not text or len(text) > MAX_SENTENCE_CHARS:
        return Struck.TOO_LONG if text else Struck.EMPTY
    if not grounds.secret_words.isdisjoint(_runs(text)):
        return Struck.ECHO
    if not one.supporting:
        return Struck.UNCITED
    cited = {name: grounds.known[name] for name in one.supporting if name in grounds.known}
    if len(cited) < len(set(one.supporting)):
        return Struck.UNKNOWN_EVIDENCE
    return _untrue(text, one, cited, grounds)


def _untrue(text: str, one: ModelSentence, cited: Mapping[str, Evidence], grounds: Grounds) -> Struck | None:
    # Only what is cited is looked at: a statement about another piece would rest on what the reader is not shown.
    if any(made.held is not Held.TRUE for made in recompute(one.assertions, cited, grounds.frame)):
        return Struck.FALSE_STATEMENT
    pieces = list(cited.values())
    if not _named(text, pieces):
        return Struck.NAMES_NOTHING
    first, *others = map(Facts.of, pieces)
    if unsupported(text, first.and_these(others), grounds.frame, services=grounds.services):
        return Struck.NOT_TOLD
    return Struck.UNSUSPECTED if _BLAMES.search(text) and not _suspected(text, pieces, grounds) else None


def _suspected(text: str, cited: Sequence[Evidence], grounds: Grounds) -> bool:
    """Whether a sentence that gives a cause names a suspect, and beside it only whom that one's trouble reaches."""
    named = _named(text, cited)
    return not named.isdisjoint(grounds.suspects) and named <= grounds.suspects | grounds.victims


def _named(text: str, cited: Sequence[Evidence]) -> frozenset[str]:
    """The services of the cited evidence that a text names."""
    about = {plain(name).lower() for piece in cited for name in services_of(piece)}
    return frozenset(name for name in about if name and _whole(name).search(text))


def _whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [word.lower() for word in _WORD.findall(text)]
    return {tuple(words[at : at + _ECHO_WORDS]) for at in range(len(words) - _ECHO_WORDS + 1)}
