"""Resource ids (`_rid`): 4 bytes a database, 8 a container, 16 an item, in base64 with '-' for '/'."""

import base64
import binascii
import struct


def _encode(packed: bytes) -> str:
    return base64.b64encode(packed, altchars=b"+-").decode()


def database_rid(database: int) -> str:
    """Of a database."""
    return _encode(struct.pack(">I", database))


def container_rid(database: int, container: int) -> str:
    """Of a container."""
    return _encode(struct.pack(">II", database, container))


def item_rid(database: int, container: int, item: int) -> str:
    """Of an item."""
    return _encode(struct.pack(">IIQ", database, container, item))


def last_number(rid: str) -> int | None:
    """The number of the innermost resource, or None when the text is no resource id."""
    try:
        packed = base64.b64decode(rid, altchars=b"+-", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(packed) in {4, 8}:
        return int(struct.unpack(">I", packed[-4:])[0])
    return int(struct.unpack(">Q", packed[8:])[0]) if len(packed) == 16 else None
