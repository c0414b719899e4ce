"""The documents lead where they say, and a reader of the README finds each of them."""

import re

from tests.unit.docs.documents import DOCUMENTS, ROOT, anchors, code_words, links, name_of, text_of

_PATH = re.compile(r"^(?:shared|functions|dev|infra|tests|bench|evals|docs|\.github)/[\w./-]*$")


def test_every_link_leads_to_a_file_and_to_a_heading_that_is_there() -> None:
    astray = []
    for document in DOCUMENTS:
        for path, anchor in links(document):
            target = document.parent / path if path else document
            if not target.exists() or (anchor and anchor not in anchors(target)):
                astray.append(f"{name_of(document)}: {path}#{anchor}")
    assert astray == []


def test_every_path_that_is_named_is_there() -> None:
    named = [(one, words) for one in DOCUMENTS for words in code_words(one) if _PATH.match(words)]
    # A package of modules may be named without the suffix, `evals/ranking` say; what is generated is not looked for.
    missing = [(name_of(one), path) for one, path in named if not (ROOT / path).exists()]
    assert missing == []


def test_the_readme_names_every_document() -> None:
    readme = text_of(ROOT / "README.md")
    expected = [*(f"docs/{one.name}" for one in (ROOT / "docs").glob("*.md")), "CONTRIBUTING.md", "SECURITY.md"]
    assert [one for one in expected if f"({one})" not in readme] == []
