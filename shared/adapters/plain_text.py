"""What a reader sees of text that may be HTML: its words, and the first address that it leads to.

Not with the standard library's parser, whose time grows with the square of what is hostile: 8 KiB of `<` cost it a
third of a second. Here a tag is what has no other bracket in it, so that the time grows with the length.
"""

import html
import re
from typing import Final

MAX_CHARS: Final = 8192
_TAG: Final = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z!][^\s<>/]{0,30})(?P<more>[^<>]*)>")
_ADDRESS: Final = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']+))", re.I)
_UNSEEN: Final = frozenset(("script", "style"))


def plain_text(text: str) -> tuple[str, str | None]:
    """The text without its tags, with blanks folded, and the first `href` in it; of long text the beginning."""
    text = text[:MAX_CHARS]
    seen, at, address, within = [], 0, None, ""
    for tag in _TAG.finditer(text):
        name = tag["name"].lower()
        if not within:
            # A tag parts words, as a line break or a cell of a table does.
            seen += [text[at : tag.start()], " "]
            address = address or (_address(tag["more"]) if name == "a" and not tag["end"] else None)
        at = tag.end()
        if name in _UNSEEN and (name == within if tag["end"] else not within):
            within = "" if tag["end"] else name
    seen.append("" if within else text[at:])
    return " ".join(html.unescape("".join(seen)).split()), address


def _address(attributes: str) -> str | None:
    found = _ADDRESS.search(attributes)
    return html.unescape("".join(found.groups(""))) if found else None
