"""Native histograms for a real Prometheus: a remote write request, as nothing else puts them there without protobuf.

The message is `prometheus.WriteRequest` of prompb/remote.proto and prompb/types.proto, version 1, in a snappy block
of literals alone. The server needs `--web.enable-remote-write-receiver` and `--enable-feature=native-histograms`.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Final

HEADERS: Final = {
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "x-prometheus-remote-write-version": "0.1.0",
}
_VARINT, _FIXED64, _BYTES = 0, 1, 2
_LONGEST_LITERAL = 60


def write_request(
    labels: Mapping[str, str], times: Sequence[float], *, counts: Sequence[int], total: float, zero: int = 0
) -> bytes:
    """The same histogram at each of these times: of schema 0, so that its buckets are (0.5, 1], (1, 2], (2, 4], …"""
    told = b"".join(_field(1, _message(_text(1, name), _text(2, value))) for name, value in sorted(labels.items()))
    histograms = b"".join(_field(4, _histogram(at, counts, total, zero)) for at in times)
    return _block(_field(1, told + histograms))


def _histogram(at: float, counts: Sequence[int], total: float, zero: int) -> bytes:
    deltas = [now - before for now, before in zip(counts, [0, *counts], strict=False)]
    return _message(
        _number(1, sum(counts) + zero),
        _double(3, total),
        _number(4, _signed(0)),  # the schema
        _double(5, 0.001),  # the width of the zero bucket
        _number(6, zero),
        _field(11, _message(_number(1, _signed(0)), _number(2, len(counts)))),  # one span, from the first bucket
        _field(12, b"".join(_varint(_signed(delta)) for delta in deltas)),
        _number(15, round(at * 1000)),
    )


def _message(*fields: bytes) -> bytes:
    return b"".join(fields)


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def _signed(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _number(number: int, value: int) -> bytes:
    return _tag(number, _VARINT) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _tag(number, _FIXED64) + struct.pack("<d", value)


def _field(number: int, body: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(body)) + body


def _text(number: int, value: str) -> bytes:
    return _field(number, value.encode())


def _block(body: bytes) -> bytes:
    pieces = (body[start : start + _LONGEST_LITERAL] for start in range(0, len(body), _LONGEST_LITERAL))
    return _varint(len(body)) + b"".join(bytes([len(piece) - 1 << 2]) + piece for piece in pieces)
