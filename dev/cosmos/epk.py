"""Effective partition keys: the hash that decides in which physical range a logical partition lies."""

import struct
from functools import lru_cache
from typing import Any

_MASK = 0xFFFFFFFFFFFFFFFF
_C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
UNDEFINED_COMPONENT: dict[str, Any] = {}
"""How a missing partition key value is written on the wire."""


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _scramble(value: int, first: int, bits: int, second: int) -> int:
    return _rotate(value * first & _MASK, bits) * second & _MASK


def _finish(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ value >> 33


def murmur3_128(key: bytes) -> bytes:
    """MurmurHash3, 128 bits for x64, seed 0, most significant byte first."""
    low = high = 0
    whole = len(key) & ~15
    for position in range(0, whole, 16):
        first, second = struct.unpack_from("<QQ", key, position)
        low = (_rotate(low ^ _scramble(first, _C1, 31, _C2), 27) + high) & _MASK
        low = (low * 5 + 0x52DCE729) & _MASK
        high = (_rotate(high ^ _scramble(second, _C2, 33, _C1), 31) + low) & _MASK
        high = (high * 5 + 0x38495AB5) & _MASK
    first, second = struct.unpack("<QQ", key[whole:].ljust(16, b"\0"))
    low ^= _scramble(first, _C1, 31, _C2) ^ len(key)
    high ^= _scramble(second, _C2, 33, _C1) ^ len(key)
    low = (low + high) & _MASK
    high = (high + low) & _MASK
    low, high = _finish(low), _finish(high)
    low = (low + high) & _MASK
    high = (high + low) & _MASK
    return struct.pack(">QQ", high, low)


def _encoded(component: Any) -> bytes:
    if component is None:
        return b"\x01"
    if component is False:
        return b"\x02"
    if component is True:
        return b"\x03"
    if isinstance(component, str):
        return b"\x08" + component.encode("utf-8", "surrogatepass") + b"\xff"
    if isinstance(component, int | float):
        return b"\x05" + struct.pack("<d", float(component))
    return b"\x00"


@lru_cache(maxsize=4096)
def _hash(encoded: bytes) -> str:
    digest = bytearray(murmur3_128(encoded))
    digest[0] &= 0x3F  # the greatest range ends at FF
    return digest.hex().upper()


def effective_partition_key(components: list[Any], *, hierarchical: bool) -> str:
    """The hash of the values: of all together for one path, of each level for a hierarchical key."""
    if hierarchical:
        return "".join(_hash(_encoded(component)) for component in components)
    return _hash(b"".join(_encoded(component) for component in components))
