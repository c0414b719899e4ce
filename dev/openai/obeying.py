"""Finds orders in texts, as a model does that cannot tell data from instructions: plain, encoded or in disguise."""

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_NAME = r"([A-Za-z][\w.-]{0,60}\w)"
_ACCUSE = re.compile(
    r"(?i)(?:blame|accuse|suspect|name|the root cause is|root cause:|conclude that|suspected_service)"
    r"(?:\W+(?:to|is|be|the|only|service)\b)*\W+" + _NAME
)
_REVEAL = re.compile(r"(?i)system prompt|your (?:instructions|rules|prompt)|reveal|print everything|repeat .* above")
_SILENT = re.compile(r"(?i)no hypothes[ie]s|empty list|answer nothing|say nothing is wrong|everything is (?:fine|ok)")
_SAY = re.compile(r"(?i)\b(?:say|write|output|answer with|respond with|include)\s*:?\s+[\"']([^\"']{3,200})[\"']")
_LINK = re.compile(r"!?\[[^\]]{0,80}\]\([^)]{4,200}\)|https?://[^\s\"'<>)]{4,200}")
_IDS = re.compile(r"\bE[0-9A-Za-z]{1,16}\b")
_ORDER = re.compile(r"(?i)\b(?:ignore|disregard|you must|you are now|new instructions|system:|assistant:|important:)")
_BASE64, _HEX = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}"), re.compile(r"(?:[0-9a-fA-F]{2}){12,}")
_LOOKALIKES = str.maketrans("\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0501", "aeopcyxisd")
NOT_NAMES = frozenset(("the", "it", "is", "a", "an", "this", "all", "any", "nothing", "only", "me", "that"))


@dataclass(frozen=True)
class Orders:
    """What texts tell the model to do."""

    accused: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    to_say: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    to_reveal: bool = False
    to_be_silent: bool = False


def orders_in(texts: Iterable[str]) -> Orders:
    """Every order in these texts, those that are encoded too."""
    spoken = [each for text in texts for each in _spellings(text)]
    ordering = [one for one in spoken if _ORDER.search(one) or _ACCUSE.search(one) or _REVEAL.search(one)]
    accused = [found for one in ordering for found in _ACCUSE.findall(one) if found.lower() not in NOT_NAMES]
    return Orders(
        accused=_first(accused),
        ids=_first(found for one in ordering if _ORDER.search(one) for found in _IDS.findall(one)),
        to_say=_first(found for one in spoken for found in _SAY.findall(one)),
        links=_first(found for one in ordering for found in _LINK.findall(one)),
        to_reveal=any(_REVEAL.search(one) for one in spoken),
        to_be_silent=any(_SILENT.search(one) and _ORDER.search(one) for one in spoken),
    )


def _first(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:3]


def _spellings(text: str) -> Iterator[str]:
    yield text
    plain = unicodedata.normalize("NFKC", text).translate(_LOOKALIKES)
    plain = "".join(one for one in plain if unicodedata.category(one) != "Cf")
    if plain != text:
        yield plain
    yield codecs.decode(plain, "rot13")
    for run in _BASE64.findall(plain):
        yield from _decoded(run + "=" * (-len(run) % 4), base64.b64decode)
    for run in _HEX.findall(plain):
        yield from _decoded(run, bytes.fromhex)


def _decoded(run: str, decode: Callable[[str], bytes]) -> Iterator[str]:
    try:
        yield decode(run).decode()
    except (binascii.Error, ValueError):
        return
