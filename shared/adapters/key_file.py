"""The data key in a local file, for machines without Key Vault. Only its owner may read it."""

import asyncio
import os
import stat
from pathlib import Path

from shared.errors import KeysUnavailable

KEY_BYTES = 32


class KeyFile:
    """Implements DataKeys; the file is read once a process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: bytes | None = None

    async def data_key(self) -> bytes:
        """See DataKeys."""
        if self._key is None:
            self._key = await asyncio.to_thread(_read, self._path)
        return self._key


def _read(path: Path) -> bytes:
    try:
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeysUnavailable("the key file can be read by others than its owner", reason="key_file_open")
        key = path.read_bytes()
    except OSError as exc:
        raise KeysUnavailable("the key file cannot be read", reason="key_file_missing") from exc
    if len(key) != KEY_BYTES:
        raise KeysUnavailable(f"the key file does not hold {KEY_BYTES} bytes", reason="key_file_size")
    return key


def create_key_file(path: Path) -> None:
    """Make a new key; an existing file is left alone, or everything sealed with it would be lost."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(KEY_BYTES))
