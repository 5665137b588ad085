"""The remote traceback, drawn as IPython draws a local one: the user's frames only, with the lines around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from flash_jupyter.errors import RemoteExecutionError

#: file name -> what to call it, and its lines (none where the source is not to be had here)
SourceOf = Callable[[str], tuple[str, Sequence[str]]]

CONTEXT_LINES = 2
#: of more than twice as many frames, so many are drawn at the beginning and at the end
MANY_FRAMES = 10
_WIDTH = 75


def traceback_lines(error: RemoteExecutionError, source_of: SourceOf) -> list[str]:
    """Draw `error` for IPython's `_render_traceback_`, outermost frame first."""
    name, title = error.type_name.rpartition(".")[2], "Traceback on the worker (most recent call last)"
    lines = ["-" * _WIDTH, f"{name} {title:>{_WIDTH - len(name) - 1}}"]
    lines += _all_frames(error.frames, source_of)
    for cause in error.chain:
        lines += [f"caused by {cause['text']}", *_all_frames(cause["frames"], source_of)]
    lines.append(str(error))
    return lines


def _all_frames(frames: Sequence[Mapping[str, Any]], source_of: SourceOf) -> list[str]:
    """Draw frames, each with an empty line behind it; of an endless recursion only its beginning and its end."""
    left_out = len(frames) - 2 * MANY_FRAMES
    drawn = [[*_frame_lines(frame, source_of), ""] for frame in (frames if left_out <= 0 else frames[:MANY_FRAMES])]
    if left_out > 0:
        drawn.append([f"... {left_out} more frames ...", ""])
        drawn += [[*_frame_lines(frame, source_of), ""] for frame in frames[-MANY_FRAMES:]]
    return [line for lines in drawn for line in lines]


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


def _frame_lines(frame: Mapping[str, Any], source_of: SourceOf) -> list[str]:
    label, source = source_of(frame["filename"])
    number = int(frame["line"] or 0)
    where = "" if frame["name"] == "<module>" else f", in {frame['name']}"
    head = f"{label}, line {number}{where}"
    if not 0 < number <= len(source):
        return [head, f"----> {number} {frame.get('text') or ''}".rstrip()]
    first, last = max(1, number - CONTEXT_LINES), min(len(source), number + CONTEXT_LINES)
    return [head, *(_source_line(n, source[n - 1], is_here=n == number) for n in range(first, last + 1))]


def _source_line(number: int, text: str, *, is_here: bool) -> str:
    """Draw one line of source.

    >>> _source_line(3, "x = 1 / 0", is_here=True), _source_line(4, "y = 2", is_here=False)
    ('----> 3 x = 1 / 0', '      4 y = 2')
    """
    label = f"{'-' * (5 - len(str(number)))}> {number}" if is_here else f"{number:>7}"
    return f"{label} {text}".rstrip()
