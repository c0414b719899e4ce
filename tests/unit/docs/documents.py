"""The project's documents, taken apart: links, headings, fenced blocks, words set as code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCUMENTS = (*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md")))

_FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+?)\s*$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, in which language, what is in it."""

    document: Path
    language: str
    text: str


def name_of(document: Path) -> str:
    """Its path in the project, for messages."""
    return str(document.relative_to(ROOT))


def text_of(document: Path) -> str:
    """All of it."""
    return document.read_text(encoding="utf-8")


def prose_of(document: Path) -> str:
    """What stands outside of fenced blocks."""
    return _FENCE.sub("", text_of(document))


def blocks(language: str | None = None) -> Iterator[Block]:
    """Every fenced block, or those of one language."""
    for document in DOCUMENTS:
        for found, text in _FENCE.findall(text_of(document)):
            if language is None or found == language:
                yield Block(document, found, text)


def code_words(document: Path) -> list[str]:
    """What is set as code in running text."""
    return _CODE.findall(prose_of(document))


def links(document: Path) -> Iterator[tuple[str, str]]:
    """Path and anchor of every link that stays in the project; one of the two may be empty."""
    for target in _LINK.findall(prose_of(document)):
        if not target.startswith(("http://", "https://", "mailto:")):
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors(document: Path) -> set[str]:
    """What GitHub names the headings: small letters, no punctuation, hyphens for spaces, a number for a repeat."""
    found: dict[str, int] = {}
    for heading in _HEADING.findall(prose_of(document)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        times = found.get(anchor, 0)
        found[anchor] = times + 1
        if times:
            found[f"{anchor}-{times}"] = 1
    return set(found)
