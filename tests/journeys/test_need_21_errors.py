"""Need 21: an exception comes home as what it is, after all that was said before it."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.journey


def test_need_21_prints_then_an_exception_that_holds_a_lock(notebook: Any) -> None:
    notebook.ok("class Held(Exception):\n    def __init__(self, lock): super().__init__('held'); self.lock = lock")
    cell = notebook.run(
        "%%remote\nimport sys, threading\nprint('out', end='')\nprint('err', file=sys.stderr, end='')\n"
        "raise Held(threading.Lock())"
    )
    assert (cell.stdout, cell.stderr) == ("out", "err")
    assert (cell.ename, cell.error) == ("Held", "held")
    number = notebook.value("len(In) - 2")
    assert cell.traceback == (
        f"{'-' * 75}\n"
        f"Held{'Traceback on the worker (most recent call last)':>71}\n"
        f"Cell In[{number}], line 5\n"
        "      3 print('out', end='')\n"
        "      4 print('err', file=sys.stderr, end='')\n"
        "----> 5 raise Held(threading.Lock())\n"
        "\n"
        "Held: held"
    )
    assert "\x1b[" in cell.coloured, "highlighted as IPython's own"


MINE = """class Mine(Exception):
    def __init__(self, code):
        super().__init__('m', code)
        self.code = code
def f(): raise Mine(7)"""
CAUGHT = [
    ("a built-in type", "def f(): return {}['k']", "KeyError", "('k',)"),
    ("a system error", "def f(): open('/nope/x')", "FileNotFoundError", "(2, 'No such file or directory')"),
    ("a type of the notebook", MINE, "Mine", "('m', 7)"),
    ("a type of a library", "import json\ndef f(): json.loads('{')", "json.JSONDecodeError",
     "('Expecting property name enclosed in double quotes: line 1 column 2 (char 1)',)"),
    ("our own type", "def f(): 1 / 0", "flash_jupyter.errors.RemoteExecutionError", "('division by zero',)"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "kind", "args"), [case[1:] for case in CAUGHT], ids=[case[0] for case in CAUGHT])
def test_need_21_it_is_caught_as_its_type(notebook: Any, code: str, kind: str, args: str) -> None:
    notebook.ok(f"import flash_jupyter.errors\n{code}")
    assert notebook.ok(f"try:\n    %remote f()\nexcept {kind} as error:\n    print(error.args)").stdout == f"{args}\n"


CHAIN = f"""{"-" * 75}
ZeroDivisionError{"Traceback on the worker (most recent call last)":>58}
Cell In[n], line 5
      3     1 / 0
      4 try:
----> 5     f()
      6 except ZeroDivisionError as e:
      7     raise ValueError('no') from e

Cell In[n], line 3, in f
      1 %%remote
      2 def f():
----> 3     1 / 0
      4 try:
      5     f()

ZeroDivisionError: division by zero

The above exception was the direct cause of the following exception:

ValueError{"Traceback on the worker (most recent call last)":>65}
Cell In[n], line 7
      5     f()
      6 except ZeroDivisionError as e:
----> 7     raise ValueError('no') from e

ValueError: no"""


def test_need_21_the_whole_chain_has_frames(notebook: Any) -> None:
    cell = notebook.run(
        "%%remote\ndef f():\n    1 / 0\ntry:\n    f()\nexcept ZeroDivisionError as e:\n    raise ValueError('no') from e"
    )
    assert cell.ename == "ValueError"
    assert re.sub(r"In\[\d+\]", "In[n]", cell.traceback) == CHAIN


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no groups")
def test_need_21_a_group_is_drawn_with_its_exceptions(notebook: Any) -> None:
    cell = notebook.run("%%remote\nraise ExceptionGroup('many', [ValueError(1), KeyError('k')])")
    assert (cell.ename, cell.error) == ("ExceptionGroup", "many (2 sub-exceptions)")
    assert cell.traceback.endswith("\nExceptionGroup: many (2 sub-exceptions)\n  1. ValueError: 1\n  2. KeyError: 'k'")


def test_need_21_an_endless_recursion_is_short(notebook: Any) -> None:
    cell = notebook.run("%%remote\ndef f(): f()\nf()")
    assert cell.ename == "RecursionError"
    assert re.search(r"^\.\.\. \d{3} more frames \.\.\.$", cell.traceback, re.MULTILINE)
    assert len(cell.traceback.splitlines()) < 150


def test_need_21_what_was_drawn_before_is_shown(notebook: Any) -> None:
    cell = notebook.run("%%remote\nimport matplotlib.pyplot as plt\nplt.plot([1])\n1 / 0")
    assert cell.ename == "ZeroDivisionError"
    assert any("image/png" in bundle for bundle in cell.bundles)


def test_need_21_debug_says_that_the_frames_are_not_here(notebook: Any) -> None:
    notebook.run("%%remote\n1 / 0")
    assert notebook.ok("%debug").status == (
        "no post-mortem: the frames of this exception were on the worker, and are gone; "
        "print what you need there, or run the cell here with `%%remote local`"
    )
    assert notebook.run("1 / 0").ename == "ZeroDivisionError"


REFUSED = [
    ("input", "input('? ')", "input()"),
    ("a password", "import getpass; getpass.getpass()", "getpass()"),
    ("a breakpoint", "breakpoint()", "breakpoint()"),
    ("stdin", "import sys; sys.stdin.readline()", "input()"),
]


@pytest.mark.parametrize(("code", "what"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_need_21_nobody_is_asked(notebook: Any, code: str, what: str) -> None:
    cell = notebook.run(f"%%remote\n{code}")
    assert cell.ename == "RuntimeError"
    assert cell.error.startswith(f"{what} does not work on a worker: nobody can type there. ")
    assert "----> 2 " in cell.traceback
