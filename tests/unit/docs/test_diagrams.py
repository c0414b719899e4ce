"""Diagrams are well formed, as far as a line tells. `make docs-check` asks mermaid's own parser for the rest."""

import re

import pytest

from tests.unit.docs.documents import Block, blocks, name_of

DIAGRAMS = list(blocks("mermaid"))
_OPENS = re.compile(r"^(subgraph|loop|alt|opt|par|critical|break|rect|box)\b")
_MESSAGE = re.compile(r"^(\w+)\s*-{1,2}(?:>>|>|x|\))[+-]?\s*(\w+)\s*:")
_TYPES = "string|int|float|bool|time|date|enum|map|list|object"
_ATTRIBUTES = re.compile(rf'(?:\s*(?:{_TYPES}) \w+(?: "[^"]*")?)*\s*')


def lines_of(diagram: Block) -> list[str]:
    return [line.strip() for line in diagram.text.splitlines() if line.strip() and not line.strip().startswith("%%")]


def of_kind(kind: str) -> list[Block]:
    return [one for one in DIAGRAMS if lines_of(one)[0].split()[0] == kind]


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda one: name_of(one.document))
def test_a_diagram_has_a_kind_that_is_known_and_closes_what_it_opens(diagram: Block) -> None:
    lines = lines_of(diagram)
    assert lines[0].split()[0] in {"flowchart", "sequenceDiagram", "erDiagram", "stateDiagram-v2"}
    assert sum(1 for one in lines if _OPENS.match(one)) == lines.count("end")
    for line in lines:
        assert line.count('"') % 2 == 0, line


@pytest.mark.parametrize("diagram", of_kind("sequenceDiagram"), ids=lambda one: name_of(one.document))
def test_who_speaks_in_a_sequence_was_introduced_and_no_text_has_a_semicolon(diagram: Block) -> None:
    # A semicolon ends a statement there, in the middle of a sentence as well.
    lines = lines_of(diagram)
    known = {one.split()[1] for one in lines if one.startswith(("participant ", "actor "))}
    speaking = {name for one in lines if (said := _MESSAGE.match(one)) for name in said.groups()}
    assert speaking <= known
    assert [one for one in lines if ";" in one] == []


@pytest.mark.parametrize("diagram", of_kind("erDiagram"), ids=lambda one: name_of(one.document))
def test_an_entity_has_a_type_before_each_name(diagram: Block) -> None:
    # Relations have braces too, in their crow's feet; an entity has its name alone before the brace.
    entities = re.findall(r"^ *(\w+) \{(.*)\}$", diagram.text, re.MULTILINE)
    assert entities
    assert [name for name, inside in entities if not _ATTRIBUTES.fullmatch(inside)] == []
