"""`#| remote: gpu=AMPERE_80`: the options of `%%remote` as a comment, so that a cell stays plain Python.

Linters, type checkers and Pylance give up on cells that begin with `%%`. The comment stands in the first lines of a
cell, before any code; blank lines and other comments may stand before it. IPython asks `to_magic` for every cell.
"""

from __future__ import annotations

import re

from flash_jupyter.errors import OptionError

#: how the comment is written: `#|remote gpu=A` is read too, because a cell that was meant for a GPU must not run here
_DIRECTIVE = re.compile(r"(?P<indent>[ \t]*)#[ \t]*\|[ \t]*remote(?![\w-])[ \t]*:?(?P<options>[^\r\n]*)\r?\n?")
_MAGIC = re.compile(r"%%remote(?![\w-])(?P<options>.*)")


def to_magic(lines: list[str]) -> list[str]:
    r"""Turn a cell with the comment into one with the magic; other cells come back as they are.

    The comment's own line is taken away and the magic's is put on top, so every line of code keeps its number.

    >>> to_magic(["# train\n", "#| remote: gpu=ADA_24\n", "x = 1\n"])
    ['%%remote gpu=ADA_24\n', '# train\n', 'x = 1\n']
    >>> to_magic(["x = 1\n", "#| remote: gpu=ADA_24\n"])
    ['x = 1\n', '#| remote: gpu=ADA_24\n']
    """
    at = find_comment(lines)
    if at is None:
        return lines
    match = _DIRECTIVE.fullmatch(lines[at])
    assert match is not None
    magic = f"{match['indent']}%%remote {match['options'].strip()}".rstrip()
    return [f"{magic}\n", *lines[:at], *lines[at + 1 :]]


def find_comment(lines: list[str]) -> int | None:
    r"""Return where the comment stands among the first lines, counted from 0; None where there is none.

    >>> find_comment(["\n", "#|remote\n"]), find_comment(["#| remote_only: yes\n"])
    (1, None)
    """
    for number, line in enumerate(lines):
        if _DIRECTIVE.fullmatch(line):
            return number
        if line.strip() and not line.lstrip().startswith("#"):
            return None
    return None


def line_of(source: str) -> str | None:
    r"""Return the options of a cell's `%%remote` line or of its comment; None for a cell that has neither.

    Raises `OptionError` where it has both.

    >>> line_of("\n%%remote gpu=A\nx"), line_of("# train\n#| remote: gpu=A\nx"), line_of("x")
    ('gpu=A', 'gpu=A', None)
    """
    lines = source.splitlines()
    at = find_comment(lines)
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    magic = _MAGIC.fullmatch(first.strip())
    if magic is not None:
        refuse_twice("\n".join(lines[lines.index(first) + 1 :]) if at is None else source)
        return magic["options"].strip()
    if at is None:
        return None
    found = _DIRECTIVE.fullmatch(lines[at])
    return found["options"].strip() if found else None


def refuse_twice(body: str) -> None:
    """Raise `OptionError` where the comment stands in a cell that has the magic already."""
    if "remote" in body and find_comment(body.splitlines()) is not None:
        raise OptionError("the cell says its options twice, in %%remote and in #| remote:", fix="keep one of the two")


def options_before(line: str) -> str | None:
    """Return what a line up to the cursor holds behind the comment's colon; None for any other line.

    >>> options_before("#| remote: gpu=AM"), options_before("# remote: gpu=AM")
    (' gpu=AM', None)
    """
    match = _DIRECTIVE.fullmatch(line)
    return match["options"] if match else None
