"""The layout of a capsule, and what a reader refuses."""

from __future__ import annotations

import json
import struct

import pytest

from flash_jupyter.capsule import container

SECTIONS = [
    ("nothing", {}),
    ("small bytes stay as they are", {"values": b"abc"}),
    ("what shrinks is compressed", {"values": b"a" * 100_000}),
    ("what does not shrink is not", {"values": bytes(range(256)) * 40}),
    ("a memoryview is as good as bytes", {"values": memoryview(b"x" * 10_000)}),
    ("several keep their order", {"b": b"1", "a": b"2"}),
]


@pytest.mark.parametrize("sections", [s[1] for s in SECTIONS], ids=[s[0] for s in SECTIONS])
def test_what_was_written_is_read(sections: dict[str, bytes]) -> None:
    order, read = container.read_capsule(container.write_capsule({"kind": "cell"}, sections))
    assert order == {"kind": "cell"}
    assert list(read.items()) == [(name, bytes(body)) for name, body in sections.items()]


def test_the_order_is_read_without_the_sections() -> None:
    blob = container.write_capsule({"kind": "cell"}, {"values": b"a" * 100_000})
    assert container.read_order(blob[:-1]) == {"kind": "cell"}, "a cut section is not looked at"


def test_what_shrinks_becomes_small() -> None:
    assert len(container.write_capsule({}, {"values": b"a" * 1_000_000})) < 10_000


def _capsule_of(header: dict[str, object]) -> bytes:
    body = json.dumps(header).encode()
    return container.MAGIC + struct.pack(">I", len(body)) + body


REFUSED = [
    ("other bytes", b"\x80\x05abc....", "not a capsule"),
    ("nothing", b"", "not a capsule"),
    ("a newer format", _capsule_of({"format": 2, "order": {}, "sections": []}), "format 2; this side reads format 1"),
    (
        "an unknown codec",
        _capsule_of(
            {"format": 1, "order": {}, "sections": [{"name": "values", "codec": "snappy", "size": 0, "raw": 0}]}
        ),
        "'snappy'",
    ),
]


@pytest.mark.parametrize(("blob", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_a_reader_refuses(blob: bytes, message: str) -> None:
    with pytest.raises(container.FormatError, match=message):
        container.read_capsule(blob)
