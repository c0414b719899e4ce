"""Texts as words that can be compared: alert names and metrics taken apart, the rest as it is written."""

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_JOINTS = re.compile(r"[_\-./:]+")


def apart(text: str) -> str:
    """`HighErrorRatio` as `High Error Ratio`, `http_5xx-rate` as `http 5xx rate`, each beside its own spelling."""
    split = _JOINTS.sub(" ", _CAMEL.sub(" ", text))
    return text if split == text else f"{text} {split}"
