"""One number for the content of a bundle's sources: a deploy that changes none changes nothing (flash-wire.md 6.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of POSIX paths and contents, sorted by path, each after its length in 8 bytes, big-endian.

    >>> fingerprint({"b.py": b"2", "a.py": b"1"}) == fingerprint({"a.py": b"1", "b.py": b"2"})
    True
    >>> fingerprint({"a": b"bc"}) == fingerprint({"ab": b"c"})
    False
    """
    total = hashlib.sha256()
    for path in sorted(files):
        for piece in (path.encode(), files[path]):
            total.update(len(piece).to_bytes(8, "big"))
            total.update(piece)
    return total.hexdigest()
