"""The remote traceback, as the cell shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.views.traceback import traceback_lines

CELL = ["%%remote", "a = 1", "b = 0", "helper(a, b)", "done = True"]
FILES: dict[str, tuple[str, Sequence[str]]] = {
    "Cell In[3]": ("Cell In[3]", CELL),
    "/tmp/ipykernel_1/2.py": ("Cell In[2]", ["def helper(a, b):", "    return a / b"]),
}


def source_of(filename: str) -> tuple[str, Sequence[str]]:
    return FILES.get(filename, (filename, []))


def test_frames_show_the_lines_of_the_cells() -> None:
    error = RemoteExecutionError(
        "ZeroDivisionError",
        "division by zero",
        frames=[
            {"filename": "Cell In[3]", "line": 4, "name": "<module>", "text": "helper(a, b)"},
            {"filename": "/tmp/ipykernel_1/2.py", "line": 2, "name": "helper", "text": "return a / b"},
            {"filename": "lib.py", "line": 9, "name": "inner", "text": "raise"},
        ],
    )
    assert "\n".join(traceback_lines(error, source_of)) == (
        "---------------------------------------------------------------------------\n"
        "ZeroDivisionError           Traceback on the worker (most recent call last)\n"
        "Cell In[3], line 4\n"
        "      2 a = 1\n"
        "      3 b = 0\n"
        "----> 4 helper(a, b)\n"
        "      5 done = True\n"
        "\n"
        "Cell In[2], line 2, in helper\n"
        "      1 def helper(a, b):\n"
        "----> 2     return a / b\n"
        "\n"
        "lib.py, line 9, in inner\n"
        "----> 9 raise\n"
        "\n"
        "ZeroDivisionError: division by zero"
    )


def test_causes_and_what_to_do_are_said() -> None:
    frame = {"filename": "Cell In[3]", "line": 5, "name": "f", "text": "done = True"}
    chain: list[dict[str, Any]] = [
        {"type": "KeyError", "said": "'x'", "frames": [frame], "how": "context"},
        {"type": "io.Error", "said": "", "frames": [], "how": "cause"},
    ]
    error = RemoteExecutionError("ValueError", "no", chain=chain, fix="look at x")
    assert traceback_lines(error, source_of)[1:] == [
        "Error                       Traceback on the worker (most recent call last)",
        "io.Error",
        "",
        "The above exception was the direct cause of the following exception:",
        "",
        "KeyError                    Traceback on the worker (most recent call last)",
        "Cell In[3], line 5, in f",
        "      3 b = 0",
        "      4 helper(a, b)",
        "----> 5 done = True",
        "",
        "KeyError: 'x'",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "ValueError                  Traceback on the worker (most recent call last)",
        "ValueError: no",
        "  → look at x",
    ]


def test_notes_and_the_exceptions_of_a_group_stand_below_it() -> None:
    frame = {"filename": "lib.py", "line": 9, "name": "<module>", "text": "raise"}
    inner = {"type": "KeyError", "said": "'k'", "frames": []}
    report = {
        "said": "many (2 sub-exceptions)",
        "notes": ["a note"],
        "members": [{"type": "ValueError", "said": "0", "frames": [frame]}, {"type": "G", "members": [inner]}],
        "more_members": 3,
    }
    error = RemoteExecutionError("ExceptionGroup", "all of it", report=report)
    assert traceback_lines(error, source_of)[2:] == [
        "ExceptionGroup: many (2 sub-exceptions)",
        "a note",
        "  1. lib.py, line 9",
        "     ----> 9 raise",
        "",
        "     ValueError: 0",
        "  2. G",
        "       1. KeyError: 'k'",
        "  ... 3 more exceptions ...",
    ]


def test_colours_are_the_terminals_and_leave_the_text_as_it_is() -> None:
    frame = {"filename": "Cell In[3]", "line": 4, "name": "f", "text": "helper(a, b)"}
    error = RemoteExecutionError("ValueError", "no", frames=[frame])
    coloured = traceback_lines(error, source_of, colours=True)
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in coloured] == traceback_lines(error, source_of)
    assert coloured[1].startswith("\x1b[31mValueError\x1b[0m ")
    assert "\x1b[34m0\x1b[39;49;00m" in coloured[4], "the code is highlighted"
    assert coloured[5].startswith("\x1b[32m----> 4\x1b[0m ")


def test_frames_that_stayed_on_the_worker_are_counted() -> None:
    frames = [{"filename": "x.py", "line": n, "name": "f", "text": "f()"} for n in range(100)]
    error = RemoteExecutionError("RecursionError", "too deep", frames=frames, report={"left_out": 900})
    assert "... 980 more frames ..." in traceback_lines(error, source_of)


def test_an_endless_recursion_is_drawn_at_both_ends() -> None:
    frames = [{"filename": "x.py", "line": n, "name": "f", "text": "f()"} for n in range(1, 1001)]
    lines = traceback_lines(RemoteExecutionError("RecursionError", "too deep", frames=frames), source_of)
    assert [line for line in lines if line.startswith(("x.py", "..."))] == [
        *(f"x.py, line {n}, in f" for n in range(1, 11)),
        "... 980 more frames ...",
        *(f"x.py, line {n}, in f" for n in range(991, 1001)),
    ]
