"""The layout of a capsule: a magic word, a JSON header, and sections of bytes.

    FJC1 | length of the header, 4 bytes, big-endian | header, JSON | sections, one after the other

The header has `format` (a number, raised when a reader of the older one would go wrong), `order` (what the two sides
tell each other in plain JSON) and `sections`, each with name, codec and sizes. Codecs are chosen by the writer among
those that the reader is known to have; zlib always is.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

Buffer = bytes | bytearray | memoryview

MAGIC = b"FJC1"
FORMAT = 1
#: below this a codec costs more time than it saves bytes
COMPRESS_FROM_BYTES = 4 * 1024
#: how much of a large section is tried before the whole is compressed
SAMPLE_BYTES = 64 * 1024


#: JSON without blanks; `json.dumps` makes such an encoder anew for each text
encode_json = json.JSONEncoder(separators=(",", ":")).encode


class FormatError(Exception):
    """These bytes are no capsule, or one of a format that this side does not know."""


def write_capsule(order: Mapping[str, Any], sections: Mapping[str, Buffer]) -> bytes:
    """Lay out one capsule.

    >>> read_capsule(write_capsule({"kind": "cell"}, {"values": b"abc"}))
    ({'kind': 'cell'}, {'values': b'abc'})
    """
    rows: list[dict[str, Any]] = []
    bodies: list[Buffer] = []
    for name, body in sections.items():
        codec, packed = _compress(body)
        rows.append({"name": name, "codec": codec, "size": len(packed), "raw": _size(body)})
        bodies.append(packed)
    header = encode_json({"format": FORMAT, "order": order, "sections": rows}).encode()
    return b"".join([MAGIC, struct.pack(">I", len(header)), header, *bodies])


def read_capsule(blob: Buffer) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Take one capsule apart into its order and its sections, or raise `FormatError`."""
    view = memoryview(blob)
    header, at = _read_header(view)
    sections = {}
    for row in header["sections"]:
        sections[row["name"]] = _decompress(view[at : at + row["size"]], row["codec"])
        at += row["size"]
    return header["order"], sections


def read_order(blob: Buffer) -> dict[str, Any]:
    """Return the order of a capsule, and leave its sections alone, however large they are; raises as `read_capsule`."""
    order: dict[str, Any] = _read_header(memoryview(blob))[0]["order"]
    return order


def _read_header(view: memoryview) -> tuple[dict[str, Any], int]:
    """Read the header; returns where the sections begin, too."""
    if bytes(view[:4]) != MAGIC:
        raise FormatError("these bytes are not a capsule of flash_jupyter")
    (length,) = struct.unpack(">I", view[4:8])
    header = json.loads(str(view[8 : 8 + length], "utf-8"))
    if header["format"] != FORMAT:
        raise FormatError(f"a capsule of format {header['format']}; this side reads format {FORMAT}")
    return header, 8 + length


def masked(body: bytes, key: str) -> bytes:
    """Return `body` so that no plain text of it lies in a store on the way; the same call undoes it.

    This keeps secrets out of what somebody greps or pastes. It is no encryption: the key travels too.

    >>> masked(masked(b"hf_secret", "run"), "run")
    b'hf_secret'
    """
    stream = hashlib.shake_256(key.encode()).digest(len(body))
    return bytes(a ^ b for a, b in zip(body, stream, strict=True))


def _size(body: Buffer) -> int:
    return body.nbytes if isinstance(body, memoryview) else len(body)


def _compress(body: Buffer) -> tuple[str, Buffer]:
    if _size(body) < COMPRESS_FROM_BYTES or not _shrinks(body):
        return "none", body
    return "zlib", zlib.compress(body, 1)


def _shrinks(body: Buffer) -> bool:
    sample = memoryview(body)[:SAMPLE_BYTES]
    return len(zlib.compress(sample, 1)) < 0.9 * sample.nbytes


def _decompress(body: memoryview, codec: str) -> bytes:
    if codec == "none":
        return bytes(body)
    if codec == "zlib":
        return zlib.decompress(body)
    raise FormatError(f"a capsule with the codec {codec!r}, which this side does not have")
