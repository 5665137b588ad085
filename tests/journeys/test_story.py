"""The story that the project is for: cells of a notebook, none of them edited, one of them on a worker."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = pytest.mark.journey


def test_the_cell_says_in_one_line_where_it_ran(notebook: Any) -> None:
    cell = notebook.ok("%%remote\n1 + 1")
    assert "on the local Runpod · flash-any-py3" in cell.status
    assert "\n" not in cell.status
    assert cell.stdout == cell.stderr == ""


def test_it_ran_in_another_process(notebook: Any) -> None:
    notebook.ok("import os\n")
    notebook.ok("%%remote\npid = os.getpid()")
    assert notebook.value("pid != os.getpid()")


def test_the_value_is_a_real_out(notebook: Any) -> None:
    number = notebook.ok("%%remote\n6 * 7")
    assert number.result == "42"
    assert notebook.value("_ + 1") == 43


@pytest.mark.parametrize(
    "cell",
    ["%%remote\n6 * 7;", "%%remote\nx = 6 * 7", "%%remote\nNone"],
    ids=["a semicolon hides the value", "an assignment has none", "None is not shown"],
)
def test_no_value_is_shown(notebook: Any, cell: str) -> None:
    assert notebook.ok(cell).result is None


def test_one_expression(notebook: Any) -> None:
    notebook.ok("def f(x, k=1): return {'x': [x] * k}")
    notebook.ok("y = %remote f(2, k=3)  # a comment")
    assert notebook.value("y") == {"x": [2, 2, 2]}


def test_one_expression_binds_nothing(notebook: Any) -> None:
    notebook.ok("before = 1")
    assert notebook.ok("%remote timeout=60 [before for before in range(3)]").result == "[0, 1, 2]"
    assert notebook.value("before") == 1


def test_the_same_cell_runs_here(notebook: Any) -> None:
    cell = notebook.ok("%%remote local\nimport os\npid = os.getpid()\npid - pid")
    assert cell.result == "0"
    assert cell.displays == cell.status_lines == []
    assert notebook.value("pid == os.getpid()")


def test_an_error_of_a_local_cell_shows_the_users_frames_only(notebook: Any) -> None:
    cell = notebook.run("%%remote local\ndef f(x): return 1 / x\nf(0)")
    assert cell.ename == "ZeroDivisionError"
    text = re.sub(r"\x1b\[[\d;]*m", "", cell.traceback)
    assert re.search(r"Cell In\[\d+\], line 3\n", text)
    assert "flash_jupyter" not in text
    assert "run_cell_magic" not in text


def test_a_local_cell_may_await(notebook: Any) -> None:
    assert notebook.ok("%%remote local\nimport asyncio\nawait asyncio.sleep(0, result=5)").result == "5"
