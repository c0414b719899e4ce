"""Function keys: the master key opens everything, host keys every function, a function's own keys only it."""

import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from dev.host.bindings import AuthLevel
from dev.host.errors import HostRefused

KEYS_FILE = Path(".local") / "host-keys.json"
KEYS_SETTING = "SRECOPILOT_HOST_KEYS"


@dataclass(frozen=True)
class HostKeys:
    """The keys of one host."""

    master: str
    host: tuple[str, ...]
    functions: Mapping[str, tuple[str, ...]]

    def allow(self, level: AuthLevel, function: str, key: str | None) -> bool:
        """Whether `key` opens `function` at `level`."""
        if level is AuthLevel.ANONYMOUS:
            return True
        if not key:
            return False
        if level is AuthLevel.ADMIN:
            return self.is_master(key)
        return _among(key, (self.master, *self.host, *self.functions.get(function.lower(), ())))

    def is_master(self, key: str | None) -> bool:
        """Whether `key` is the master key."""
        return bool(key) and _among(str(key), (self.master,))


def presented_key(header: str | None, query: bytes) -> str | None:
    """The key of a request: the x-functions-key header beats ?code=."""
    if header:
        return header
    if b"code=" not in query:
        return None
    return parse_qs(query.decode("latin-1")).get("code", [None])[0]


def load_keys(folder: Path, environ: Mapping[str, str]) -> HostKeys:
    """The keys in the environment, else in the file, which is created on the first start."""
    if text := environ.get(KEYS_SETTING):
        return _read(text, KEYS_SETTING)
    file = folder / KEYS_FILE
    if not file.exists():
        _create(file)
    return _read(file.read_text(encoding="utf-8"), str(KEYS_FILE))


def _create(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    keys = {"master": secrets.token_urlsafe(32), "host": {"default": secrets.token_urlsafe(32)}, "functions": {}}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(keys, stream, indent=2)


def _read(text: str, source: str) -> HostKeys:
    try:
        document = json.loads(text)
        host = tuple(document.get("host", {}).values())
        functions = {name.lower(): tuple(keys.values()) for name, keys in document.get("functions", {}).items()}
        return HostKeys(document["master"], host, functions)
    except (ValueError, KeyError, AttributeError, TypeError) as exc:
        raise HostRefused(
            f'{source} does not hold host keys, such as {{"master": "...", "host": {{"default": "..."}}}}'
        ) from exc


def _among(key: str, known: Iterable[str]) -> bool:
    presented = key.encode()
    return any(hmac.compare_digest(presented, candidate.encode()) for candidate in known)
