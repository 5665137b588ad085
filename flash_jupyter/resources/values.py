"""How the value of each option is read: text in, typed value out.

One function a kind of value, and `KEYS`, the table that says which option has which. Whether a GPU exists
or a number is in its range is for `resources.options` to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flash_jupyter.errors import OptionError
from flash_jupyter.quantities import read_span

_OPENING, _CLOSING, _OPERATORS = "([{", ")]}", "<>=!~"


def split_commas(text: str) -> list[str]:
    """Split at commas outside brackets; empty pieces are left out.

    >>> split_commas("a, b[c,d],")
    ['a', 'b[c,d]']
    """
    pieces, depth = [""], 0
    for letter in text:
        depth += (letter in _OPENING) - (letter in _CLOSING)
        if letter == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [piece.strip() for piece in pieces if piece.strip()]


def parse_requirements(text: str) -> tuple[str, ...]:
    """Read `deps=`: a piece that begins with an operator belongs to the one before.

    >>> parse_requirements("numpy>=2,<3,torch[cuda,extra]")
    ('numpy>=2,<3', 'torch[cuda,extra]')
    """
    found: list[str] = []
    for piece in split_commas(text):
        if found and piece[0] in _OPERATORS:
            found[-1] += f",{piece}"
        else:
            found.append(piece)
    return tuple(found)


def parse_names(text: str) -> tuple[str, ...]:
    """Read `out=`, `drop=`, `include=`: Python names.

    >>> parse_names("model,scores")
    ('model', 'scores')
    """
    names = tuple(split_commas(text))
    for name in names:
        if not name.isidentifier():
            raise OptionError(f"`{name}` is not a Python name", fix="give names of variables, with commas between them")
    return names


def parse_environment(text: str) -> dict[str, str | None]:
    """Read `env=`: `A=1,B`; a bare name is `None`, to be taken from the kernel's environment.

    >>> parse_environment("A=1,B,URL=http://h/?x=1")
    {'A': '1', 'B': None, 'URL': 'http://h/?x=1'}
    """
    pairs = (piece.partition("=") for piece in split_commas(text))
    return {name.strip(): value if equals else None for name, equals, value in pairs}


def parse_whole(text: str) -> int:
    """Read a whole number that is not negative.

    >>> parse_whole("600")
    600
    """
    if not text.isdecimal():
        raise OptionError(f"`{text}` is not a whole number", fix="write digits only; seconds, where it is a time")
    return int(text)


def parse_workers(text: str) -> tuple[int, int]:
    """Read `workers=`: `N`, or `FROM-TO`.

    >>> parse_workers("3"), parse_workers("1-4")
    ((0, 3), (1, 4))
    """
    low, dash, high = text.partition("-")
    if not dash:
        return 0, parse_whole(text)
    lowest, highest = parse_whole(low), parse_whole(high)
    if lowest > highest:
        raise OptionError(f"`{text}`: at least {lowest} and at most {highest}", fix="write workers=0-3")
    return lowest, highest


def _parse_list(text: str) -> tuple[str, ...]:
    return tuple(split_commas(text))


#: option -> how its value is read; the order is that of the help text
KEYS: dict[str, Callable[[str], Any]] = {
    "gpu": _parse_list,
    "cpu": _parse_list,
    "count": parse_whole,
    "deps": parse_requirements,
    "apt": _parse_list,
    "name": str,
    "image": str,
    "python": str,
    "volume": str,
    "datacenter": str,
    "env": parse_environment,
    "workers": parse_workers,
    "idle": parse_whole,
    "timeout": parse_whole,
    "ttl": read_span,
    "out": parse_names,
    "drop": parse_names,
    "include": parse_names,
    "via": str,
    "backend": str,
    "job": str,
    "retries": parse_whole,
}
FLAGS = ("detach", "dry", "local", "once")
#: `out=` alone means: return nothing
MAY_BE_EMPTY = frozenset({"out"})
