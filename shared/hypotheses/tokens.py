"""How many tokens a text costs, guessed without a tokenizer, rather too many than too few. Pure.

Tokenizers of the GPT family split a text into words, groups of up to three digits and runs of signs before they look
anything up, so each of those is at least one token. A word is taken for one token for every four letters, though most
words are one; a letter outside ASCII for one of its own.
"""

import re

_PIECE = re.compile(r"[A-Za-z]+|[0-9]{1,3}|[^\x00-\x7f]|[ \t]*[^\w\s]+|\n+", re.ASCII)
_LETTERS_A_TOKEN = 4


def estimated_tokens(text: str) -> int:
    """At least as many tokens as the text will be."""
    return sum(
        -(-len(piece) // _LETTERS_A_TOKEN) if piece[0].isalpha() and piece.isascii() else 1
        for piece in _PIECE.findall(text)
    )
