"""The documents lead where they say, and a reader of the README finds each of them."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = (*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def links() -> Iterator[tuple[str, Path]]:
    for document in DOCUMENTS:
        for target in _LINK.findall(document.read_text(encoding="utf-8")):
            if not target.startswith(("http://", "https://", "mailto:")):
                yield f"{document.relative_to(ROOT)}: {target}", document.parent / target


def test_every_link_leads_to_a_file() -> None:
    assert [said for said, target in links() if not target.exists()] == []


def test_the_readme_names_every_document() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [one.name for one in (ROOT / "docs").glob("*.md") if f"(docs/{one.name})" not in readme] == []


def test_no_two_decisions_have_one_number() -> None:
    numbers = [one.name[:4] for one in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(numbers) == len(set(numbers))
