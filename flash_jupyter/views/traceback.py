"""The remote traceback, drawn as IPython draws a local one: the user's frames only, with the lines around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from flash_jupyter.errors import RemoteExecutionError

#: file name -> what to call it, and its lines (none where the source is not to be had here)
SourceOf = Callable[[str], tuple[str, Sequence[str]]]
Report = Mapping[str, Any]

#: colours of a terminal, which every frontend draws in its own theme, light or dark
RED, GREEN, CYAN = 31, 32, 36
CONTEXT_LINES = 2
#: of more than twice as many frames, so many are drawn at the beginning and at the end
MANY_FRAMES = 10
_WIDTH = 75
#: what stands between two exceptions, as Python has it
_LED_TO = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
}


def traceback_lines(error: RemoteExecutionError, source_of: SourceOf, *, colours: bool = False) -> list[str]:
    """Draw `error` for IPython's `_render_traceback_`: what came first at the top, outermost frames first."""
    drawing = _Drawing(source_of, Ink(is_on=colours))
    lines = [drawing.ink.paint("-" * _WIDTH, RED)]
    for cause in reversed(error.report.get("chain", ())):
        lines += [*drawing.exception(cause), "", _LED_TO[cause.get("how", "cause")], ""]
    lines += drawing.exception(error.report)
    return [*lines, f"  → {error.fix}"] if error.fix else lines


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


class _Drawing:
    def __init__(self, source_of: SourceOf, ink: Ink) -> None:
        self._source_of, self.ink = source_of, ink

    def exception(self, report: Report) -> list[str]:
        """Draw one exception of a chain."""
        name, title = report["type"].rpartition(".")[2], "Traceback on the worker (most recent call last)"
        head = f"{self.ink.paint(name, RED)} {title:>{_WIDTH - len(name) - 1}}"
        return [head, *self._frames(report), *self._message(report), *self._members(report)]

    def _message(self, report: Report) -> list[str]:
        said, name = report.get("said", report.get("message", "")), self.ink.paint(report["type"], RED)
        return [f"{name}: {said}" if said else name, *report.get("notes", ())]

    def _members(self, report: Report) -> Iterator[str]:
        """Draw the exceptions of a group, each indented below its number."""
        for number, member in enumerate(report.get("members", ()), 1):
            first, *rest = [*self._frames(member), *self._message(member), *self._members(member)]
            yield f"  {number}. {first}"
            yield from (f"     {line}".rstrip() for line in rest)
        if more := report.get("more_members"):
            yield f"  ... {more} more exceptions ..."

    def _frames(self, report: Report) -> list[str]:
        """Draw frames, each with an empty line behind it; of an endless recursion only its beginning and its end."""
        frames, left_out = report.get("frames", ()), report.get("left_out", 0)
        hidden = left_out + max(0, len(frames) - 2 * MANY_FRAMES)
        first, last = (frames[:MANY_FRAMES], frames[-MANY_FRAMES:]) if hidden else (frames, ())
        lines = [line for frame in first for line in [*self._frame(frame), ""]]
        if hidden:
            lines += [f"... {hidden} more frames ...", ""]
        return lines + [line for frame in last for line in [*self._frame(frame), ""]]

    def _frame(self, frame: Report) -> list[str]:
        label, source = self._source_of(frame["filename"])
        number = int(frame["line"] or 0)
        where = "" if frame["name"] == "<module>" else f", in {self.ink.paint(frame['name'], CYAN)}"
        head = f"{self.ink.paint(label, GREEN)}, line {number}{where}"
        if not 0 < number <= len(source):
            return [head, self._line(number, *self.ink.code([frame.get("text") or ""]), is_here=True)]
        first, last = max(1, number - CONTEXT_LINES), min(len(source), number + CONTEXT_LINES)
        code = self.ink.code(source[first - 1 : last])
        return [head, *(self._line(n, text, is_here=n == number) for n, text in enumerate(code, first))]

    def _line(self, number: int, text: str, *, is_here: bool) -> str:
        if not is_here:
            return f"{number:>7} {text}".rstrip()
        return f"{self.ink.paint('-' * (5 - len(str(number))) + '> ' + str(number), GREEN)} {text}".rstrip()


def short_path(filename: str) -> str:
    """Name a file of the worker: from its package on, else by its last two parts.

    >>> short_path("/usr/lib/python3.11/site-packages/sklearn/base.py"), short_path("/workspace/lib/utils.py")
    ('sklearn/base.py', 'lib/utils.py')
    """
    parts = PurePosixPath(filename.replace("\\", "/")).parts
    for folder in ("site-packages", "dist-packages"):
        if folder in parts:
            return "/".join(parts[parts.index(folder) + 1 :])
    return "/".join(parts[-2:])
