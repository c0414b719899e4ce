"""What a text from outside may be read as: without disguises, and with what is encoded in it decoded. Pure.

Nothing here is shown to anybody; it is what patterns and canaries are looked for in.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

MAX_READ_CHARS = 8_000
"""Of one text; all that a snapshot keeps of one is shorter."""
MAX_DEPTH = 2
"""An encoding within an encoding is looked into, a third one is not."""
MAX_DECODED = 12
_LEAST_DECODED_CHARS = 8
_PRINTABLE_SHARE = 0.9

# Letters of other scripts that look like Latin ones, after case folding: from the confusables of Unicode TR 39, those
# that are drawn alike in common fonts.
_ALIKE = str.maketrans(
    {
        **dict(zip("авсԁеһіјкӏмнорԛѕтүѵԝхуԍꞵ", "abcdehijklmhopqstyvwxygb", strict=True)),
        **dict(zip("αβγεζηικνορτυχω", "abyeznikvoptuxw", strict=True)),
        **dict(zip("օոսցհյզ", "onughjq", strict=True)),
        **dict(zip("ıȷɑɡɩʟɴʀꜱʏᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢʙɢʜɪ", "ijagilnrsyacdejkmoptuvwzbghi", strict=True)),
    }
)
_LEET = str.maketrans("013457@$!|", "oieastasil")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[\W_]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s:,-]?){8,}")
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_BITS = re.compile(r"(?:[01]{8}\s?){6,}")
_ESCAPED = re.compile(r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}")
SPACED = re.compile(r"(?:\b\w[\W_]{1,3}){5,}\w\b")
"""Letters that stand apart, one by one."""


def folded(text: str) -> str:
    """The text as it looks: compatibility forms, accents, look-alikes and case undone, unseen characters gone."""
    if text.isascii():
        return text.casefold()
    apart = unicodedata.normalize("NFKD", text)
    seen = "".join(char for char in apart if unicodedata.category(char) not in ("Mn", "Mc", "Me", "Cf"))
    return unicodedata.normalize("NFKC", seen).casefold().translate(_ALIKE)


def words(text: str) -> str:
    """The text's words alone, folded, with one space between them: names are taken apart."""
    return _NO_WORD.sub(" ", folded(_CAMEL.sub(" ", text))).strip()


@lru_cache(maxsize=4_096)
def readings(text: str) -> tuple[str, ...]:
    """Every way in which the text may be read, itself first; each may be given to `folded` or `words`."""
    text = text[:MAX_READ_CHARS]
    found = dict.fromkeys([text, *_decoded(text, 0)])
    for one in list(found):
        found.update(dict.fromkeys(_undone(one)))
    return tuple(found)


def may_be_encoded(text: str) -> bool:
    """Whether numbers of the text may be letters."""
    return (
        _HEX.search(text) is not None
        or _BITS.search(text) is not None
        or _PERCENT.search(text) is not None
        or "&#" in text
    )


def _undone(text: str) -> Iterator[str]:
    """Disguises that need no decoding: backwards, by thirteen letters, digits for letters, letters set apart."""
    yield text[::-1]
    if text.isascii():
        yield codecs.encode(text, "rot13")
    if any(char in "013457@$!|" for char in text):
        yield text.translate(_LEET)
    if SPACED.search(text):
        yield SPACED.sub(lambda match: _NO_WORD.sub("", match[0]), text)


def _decoded(text: str, depth: int) -> Iterator[str]:
    if depth >= MAX_DEPTH:
        return
    # Taken first, as each is looked into again.
    for number, plain in enumerate(dict.fromkeys(_one_layer(text))):
        if number < MAX_DECODED and plain != text and len(plain) >= _LEAST_DECODED_CHARS:
            yield plain
            yield from _decoded(plain, depth + 1)


def _one_layer(text: str) -> Iterator[str]:
    if "%" in text:
        yield unquote(text, errors="replace")
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPED.sub(lambda match: chr(int(match[0][2:], 16)), text)
    for match in _BITS.finditer(text):
        bits = "".join(match[0].split())
        yield from _text_of(int(bits, 2).to_bytes(len(bits) // 8))
    for match in _HEX.finditer(text):
        digits = re.sub(r"0x|\\x|[^0-9a-fA-F]", "", match[0])
        yield from _text_of(bytes.fromhex(digits[: len(digits) // 2 * 2]))
    for match in _BASE64.finditer(text):
        yield from _text_of(_from_base64(match[0]))


def _from_base64(word: str) -> bytes:
    plain = word.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + "=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _text_of(decoded: bytes) -> Iterator[str]:
    """The bytes as text, where they are one: chance makes bytes, not words."""
    text = decoded.decode("utf-8", "replace")
    if text and sum(char.isprintable() and char != "\ufffd" for char in text) >= _PRINTABLE_SHARE * len(text):
        yield text
