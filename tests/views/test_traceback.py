"""The remote traceback, as the cell shows it."""

from __future__ import annotations

from collections.abc import Sequence

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
    error = RemoteExecutionError(
        "ValueError", "no", chain=[{"text": "KeyError: 'x'", "frames": [frame]}], fix="look at x"
    )
    assert traceback_lines(error, source_of)[2:] == [
        "caused by KeyError: 'x'",
        "Cell In[3], line 5, in f",
        "      3 b = 0",
        "      4 helper(a, b)",
        "----> 5 done = True",
        "",
        "ValueError: no\n  → look at x",
    ]


def test_an_endless_recursion_is_drawn_at_both_ends() -> None:
    frames = [{"filename": "x.py", "line": n, "name": "f", "text": "f()"} for n in range(1, 1001)]
    lines = traceback_lines(RemoteExecutionError("RecursionError", "too deep", frames=frames), source_of)
    assert [line for line in lines if line.startswith(("x.py", "..."))] == [
        *(f"x.py, line {n}, in f" for n in range(1, 11)),
        "... 980 more frames ...",
        *(f"x.py, line {n}, in f" for n in range(991, 1001)),
    ]
