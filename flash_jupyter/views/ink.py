"""Colours of a traceback: the sixteen of the terminal, which every frontend draws in its own theme, light or dark."""

from __future__ import annotations

from collections.abc import Sequence

RED, GREEN, CYAN = 31, 32, 36


class Ink:
    r"""Colours text, or, where colours are switched off, leaves it as it is.

    >>> Ink(is_on=True).paint("ValueError", RED), Ink(is_on=False).paint("ValueError", RED)
    ('\x1b[31mValueError\x1b[0m', 'ValueError')
    """

    def __init__(self, *, is_on: bool) -> None:
        self._is_on = is_on

    def paint(self, text: str, colour: int) -> str:
        """Colour a piece of text."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self._is_on and text else text

    def code(self, lines: Sequence[str]) -> list[str]:
        """Highlight lines of Python; each stands for itself."""
        if not self._is_on or not any(lines):
            return list(lines)
        from pygments import highlight
        from pygments.formatters import TerminalFormatter
        from pygments.lexers import PythonLexer

        lexer = PythonLexer(stripnl=False, ensurenl=False)
        text: str = highlight("\n".join(lines), lexer, TerminalFormatter())
        return text.split("\n")
