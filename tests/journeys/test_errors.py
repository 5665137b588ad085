"""Bad input: a clear error, its whole text, and what is still there afterwards."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey


def jobs(notebook: Any) -> list[str]:
    """What `%flash jobs --json` shows: whether anything was sent."""
    return list(notebook.ok("%flash jobs --json").displays)


def test_a_syntax_error_has_the_lines_of_the_cell(notebook: Any) -> None:
    notebook.ok("kept = 1")
    before = jobs(notebook)
    cell = notebook.run("%%remote\nx = 1\ny = (2 +")
    number = notebook.value("len(In) - 2")
    assert cell.ename == "SyntaxError"
    assert cell.traceback == (
        f"  File \"Cell In[{number}]\", line 3\n    y = (2 +\n        ^\nSyntaxError: '(' was never closed"
    )
    assert notebook.value("kept, 'x' in globals()") == (1, False)
    assert jobs(notebook) == before


def test_a_payload_above_the_limit_is_refused_with_names_and_sizes(notebook: Any) -> None:
    notebook.ok("import random\nbig = random.Random(0).randbytes(11_960_000)\nsmall = b'x' * 1000")
    before = jobs(notebook)
    cell = notebook.run("%%remote\nn = len(big) + len(small)")
    assert cell.traceback == (
        "PayloadTooLargeError: what the cell reads takes 16.0 MB, a request holds 10.5 MB; nothing was sent\n"
        "    big                         12.0 MB\n"
        "    small                        0.0 MB\n"
        "  → load `big` in the cell itself, or leave it out with drop=big"
    )
    assert jobs(notebook) == before
    assert notebook.value("len(big)") == 11_960_000


def test_a_result_above_the_limit_says_what_was_too_large(notebook: Any) -> None:
    cell = notebook.ok("%%remote\nimport random\nhuge = random.Random(0).randbytes(30_000_000)\nn = 1")
    assert "`huge` did not come back: it takes 30.0 MB, which no answer holds (20 MB)" in cell.status_lines
    assert notebook.value("n") == 1
    assert notebook.value("'huge' in globals()") is False


def test_a_traceback_shows_the_users_frames_only(notebook: Any) -> None:
    notebook.ok("def invert(x):\n    return 1 / x")
    cell = notebook.run("%%remote\nprint('before')\nvalues = [2, 0]\n[invert(x) for x in values]")
    assert cell.stdout == "before\n"
    assert (cell.ename, cell.error) == ("ZeroDivisionError", "division by zero")
    assert "----> 4 [invert(x) for x in values]" in cell.traceback
    assert "----> 2     return 1 / x" in cell.traceback
    assert cell.traceback.endswith("\nZeroDivisionError: division by zero")
    assert "flash_jupyter" not in cell.traceback
    assert "<module>" not in cell.traceback
    assert notebook.value("values") == [2, 0]


def test_an_exception_of_the_notebooks_own_class_is_shown(notebook: Any) -> None:
    notebook.ok("class Broken(Exception): pass")
    cell = notebook.run("%%remote\nimport threading\nerror = Broken('no', threading.Lock())\nraise error")
    assert cell.ename == "Broken"
    assert cell.error.startswith("('no', <unlocked _thread.lock")


def test_causes_are_told(notebook: Any) -> None:
    cell = notebook.run("%%remote\ntry:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('outer') from e")
    assert (cell.ename, cell.error) == ("ValueError", "outer")
    assert "KeyError: 'k'\n\nThe above exception was the direct cause of the following exception:" in cell.traceback


def test_exit_zero_ends_the_cell_quietly(notebook: Any) -> None:
    cell = notebook.ok("%%remote\nimport sys\na = 1\nsys.exit()\nb = 2")
    assert cell.ename == ""
    assert notebook.value("a, 'b' in globals()") == (1, False)


def test_exit_with_a_code_is_an_error(notebook: Any) -> None:
    cell = notebook.run("%%remote\nimport sys\na = 1\nsys.exit(3)")
    assert (cell.ename, cell.error) == ("SystemExit", "3")
    assert notebook.value("a") == 1


def test_an_undeclared_import_is_warned_of_by_name(notebook: Any) -> None:
    cell = notebook.run("%%remote\nimport surely_not_there\n")
    assert (
        "`surely_not_there` is neither in deps= nor in the worker's image runpod/flash; add deps=surely-not-there"
    ) in cell.status_lines
    assert (cell.ename, cell.error) == ("ModuleNotFoundError", "No module named 'surely_not_there'")


def test_a_name_that_nothing_answers_to_is_warned_of(notebook: Any) -> None:
    cell = notebook.ok("%%remote out=total,totl drop=nada\ntotal = 1")
    assert {
        "out=totl: the cell binds no `totl`; did you mean `total`?",
        "drop=nada: there is no `nada` to leave here",
    } <= set(cell.status_lines)
    assert notebook.value("total") == 1


def test_a_named_tuple_needs_no_package(notebook: Any) -> None:
    notebook.ok("from collections import namedtuple\nPoint = namedtuple('Point', 'x y')")
    cell = notebook.ok("%%remote\np = Point(1, 2)\np")
    assert cell.result == "Point(x=1, y=2)"
    assert [line for line in cell.status_lines if "deps=" in line] == []


def test_a_function_that_comes_back_has_its_source(notebook: Any) -> None:
    notebook.ok("%%remote\ndef double(x):\n    return 2 * x")
    assert notebook.value("__import__('inspect').getsource(double)") == "def double(x):\n    return 2 * x\n"
