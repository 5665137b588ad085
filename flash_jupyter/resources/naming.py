"""The name of an endpoint that the user did not name: from hardware, Python, volume and owner (D11)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from flash_jupyter.resources.images import Images


@dataclass(frozen=True)
class Caller:
    """Who asks: `owner` signs endpoints, `interpreter` is the kernel's Python on the embedded Runpod, else None."""

    owner: str
    python: tuple[int, int]
    interpreter: str | None = None
    images: Images = field(default_factory=Images)


def default_name(
    hardware: tuple[str, ...],
    caller: Caller,
    *,
    count: int = 1,
    volume: str = "",
    load_balanced: bool = False,
    image: str | None = None,
) -> str:
    """Return `flash-<hardware>-py311[-<volume>]-<owner>`, with the interpreter's mark on the embedded Runpod.

    An image of the user's own stands in the place of the Python: its endpoint is not shared with cells of the others.

    >>> default_name(("AMPERE_80",), Caller("Ann B", (3, 11)), volume="models")
    'flash-ampere-80-py311-models-ann-b'
    """
    kind = "flash-lb" if load_balanced else "flash"
    chosen = _bounded(slug("-".join(hardware))) + (f"-x{count}" if count > 1 else "")
    python = f"py{caller.python[0]}{caller.python[1]}"
    if image:
        python = f"{slug(image.rpartition('/')[2])}-{_digest(image)}"
    parts = [kind, chosen, python, *([volume] if volume else []), caller.owner]
    return slug("-".join(parts)) + (f"-{_digest(caller.interpreter)}" if caller.interpreter else "")


def _bounded(hardware: str, size: int = 48) -> str:
    """Shorten a long list of hardware, keeping it unique."""
    return hardware if len(hardware) <= size else f"{hardware[: size - 7]}-{_digest(hardware)}"


def slug(text: str) -> str:
    """Return what a name may hold of a text: lower-case letters and digits, `-` between them.

    >>> slug("AMPERE_80, ADA_24")
    'ampere-80-ada-24'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
