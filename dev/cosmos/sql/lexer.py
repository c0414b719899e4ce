"""Text to tokens."""

import re
from dataclasses import dataclass

from dev.cosmos.errors import bad_request

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<parameter>@[A-Za-z0-9_]+)
    |(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
    |(?P<symbol>\?\?|\|\||<=|>=|<>|!=|[-+*/%=<>(){}\[\],.:?&|^~])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)


@dataclass(frozen=True)
class Token:
    """One token; the text of a string is without quotes and escapes."""

    kind: str
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, in any case."""
        return self.kind == "word" and self.text.upper() in words


def syntax_error(token: Token) -> Exception:
    """The refusal for a token that cannot stand where it stands."""
    near = token.text or "end of query"
    return bad_request(f"Syntax error, incorrect syntax near '{near}' at position {token.position}.")


def tokens_of(text: str) -> list[Token]:
    """All tokens, ended by one of kind `end`. Raises a 400 on a character that starts none."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise syntax_error(Token("unknown", text[position], position))
        if match.lastgroup == "string":
            tokens.append(Token("string", _unescape(match.group()[1:-1]), position))
        elif match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, match.group(), position))
        position = match.end()
    tokens.append(Token("end", "", position))
    return tokens


def _unescape(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        return _ESCAPES.get(match[2], match[2])

    return _ESCAPE.sub(replace, text)
