"""Text that carriage returns overwrite: a hundred thousand states of a progress bar are one line to who reads it."""

from __future__ import annotations

from functools import reduce


def without_overwritten(text: str) -> str:
    r"""Leave out what would be overwritten at once; where the text begins and ends, a line may go on, so `\r` stays.

    >>> without_overwritten("\r 1 %\r 2 %\r 3 %")
    '\r 3 %'
    >>> without_overwritten("a\rbc\nold\rne\r\n1\r")
    'a\rbc\nned\n1\r'
    """
    if "\r" not in text:
        return text
    *finished, last = text.split("\n")
    lines = [line.rstrip("\r") for line in finished] + [last]
    return "\n".join([_first_line(lines[0]), *map(_line, lines[1:])])


def _first_line(line: str) -> str:
    """What stands before the first carriage return goes on with a line that is shown already."""
    begun, *states = line.split("\r")
    return begun + "\r" + _line("\r".join(states)) if states else begun


def _line(line: str) -> str:
    *states, last = line.split("\r")
    if not states:
        return last
    return _written_over(reduce(_written_over, states), last) + ("" if last else "\r")


def _written_over(old: str, new: str) -> str:
    """As a terminal does; text with escape sequences, whose width nobody knows here, clears the line itself."""
    return new if "\x1b" in new else new + old[len(new) :]
