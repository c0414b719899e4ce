"""Routes and settings that any document names are there; the tables of them all have tests of their own."""

import re
from collections.abc import Iterator
from functools import cache

from shared.api import create_api
from tests.functions.test_settings_documented import settings_read
from tests.unit.api.test_documentation import routes_of
from tests.unit.docs.documents import DOCUMENTS, ROOT, blocks, code_words, name_of, text_of

_ROUTE = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/api/v1/[^\s`?\"',]*)")
_SETTING = re.compile(r"^[A-Z]{2,}(?:_[A-Z0-9]+)+$")


@cache
def served() -> frozenset[tuple[str, tuple[str, ...]]]:
    """Verb and path of every operation, a parameter as `{}`."""
    # Only its routes are read, never served: what it is wired to does not matter.
    api = create_api(services=None, authenticator=None)  # type: ignore[arg-type]  # only its routes are read
    return frozenset(
        (method, parts(path)) for path, route in routes_of(api) if route for method in route.methods or ()
    )


def parts(path: str) -> tuple[str, ...]:
    return tuple("{}" if one.startswith("{") else one for one in path.strip("/").split("/"))


def named() -> Iterator[tuple[str, str, str]]:
    for document in DOCUMENTS:
        for text in (*code_words(document), *(one.text for one in blocks() if one.document == document)):
            for method, path in _ROUTE.findall(text):
                if "…" not in path:
                    yield name_of(document), method, path


def test_every_route_that_is_named_is_served() -> None:
    known = served()
    assert [one for one in named() if (one[1], parts(one[2])) not in known] == []


def test_the_table_of_routes_holds_none_that_is_gone() -> None:
    table = re.findall(r"^\| `(\w+) (/api/v1/[^`]+)` \|", text_of(ROOT / "docs" / "api.md"), re.MULTILINE)
    assert {(method, parts(path)) for method, path in table} == served()


def test_every_setting_that_is_named_is_read_or_set_somewhere() -> None:
    code = (ROOT / "shared").rglob("*.py")
    infra = [*(ROOT / "infra").rglob("*.bicep*"), *(ROOT / "infra").rglob("*.sh"), *(ROOT / "infra").glob("*.json")]
    workflows = (ROOT / ".github" / "workflows").glob("*.yml")
    elsewhere = "\n".join(text_of(one) for one in (*code, *infra, *workflows, ROOT / "azure.yaml"))
    said = {words for one in DOCUMENTS for words in code_words(one) if _SETTING.match(words)}
    assert [one for one in sorted(said - settings_read()) if one not in elsewhere] == []
