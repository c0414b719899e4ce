"""What a prompt of the product holds, as the simulator reads it: lines of JSON between fences, and their texts."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Piece = Mapping[str, Any]
_ID = re.compile(r"\bE[0-9a-f]{2,16}\b|\bE\d+\b")


@dataclass(frozen=True)
class Material:
    """The evidence of one question, and the texts in it."""

    instructions: str
    pieces: list[Piece]
    head: Piece = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """Every id that evidence has, in its order."""
        told = [str(one["id"]) for one in self.pieces]
        also = [found for one in self.pieces for found in _ID.findall(json.dumps(one))]
        return list(dict.fromkeys([*told, *also]))

    @property
    def services(self) -> list[str]:
        """Who is named, those that the ranking suspects first."""
        ranked = self.head.get("suspects") or self.head.get("deterministic_ranking") or []
        suspected = [str(one["service"]) for one in ranked if isinstance(one, dict) and one.get("service")]
        named = [str(one["service"]) for one in self.pieces if one.get("service")]
        return list(dict.fromkeys([*suspected, *named]))

    def of(self, service: str, kind: str) -> list[Piece]:
        """The pieces of a kind about a service."""
        return [one for one in self.pieces if one.get("service") == service and one.get("kind") == kind]

    def moved(self, service: str) -> list[Piece]:
        """The series of a service that departed from normal."""
        series = self.of(service, "series")
        return [one for one in series if (one.get("movement") or {}).get("direction") in {"up", "down"}]


def material_of(messages: list[Mapping[str, Any]]) -> Material:
    """What the messages hold. A line that is no JSON object is text like any other."""
    instructions = "\n".join(str(one.get("content")) for one in messages if one.get("role") == "system")
    lines = [line for one in messages if one.get("role") != "system" for line in str(one["content"]).splitlines()]
    found = [(line, _object(line)) for line in lines]
    objects = [each for _, each in found if each is not None]
    texts = [line for line, each in found if each is None]
    return Material(
        instructions=instructions,
        pieces=[one for one in objects if one.get("id") and one.get("kind")],
        head=next((one for one in objects if one.get("kind") == "incident"), {}),
        texts=[*texts, *(text for one in objects for text in _texts(one))],
    )


def _object(line: str) -> Piece | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, inner in value.items():
                yield str(key)
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
