"""Need 10: what can't be pickled is named by its path, and takes nothing else with it."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey

CONFIG = "import threading\nclass Config: pass\ncfg = Config()\ncfg.a = {'k': [threading.Lock()]}\nx = 1"


def jobs(notebook: Any) -> Any:
    return notebook.ok("%flash jobs --json").bundles


def test_need_10_the_error_names_the_path_and_a_fix(notebook: Any) -> None:
    notebook.ok(CONFIG)
    before = jobs(notebook)
    for first in ("%%remote", "%%remote dry"):
        assert notebook.run(f"{first}\ny = cfg").traceback == (
            "SerializationError: can't be pickled: cfg → .a → ['k'] → [0]: _thread.lock"
            " (cannot pickle '_thread.lock' object)\n"
            "  → build it in the cell itself, or leave it out with drop=cfg"
        )
    assert jobs(notebook) == before


CULPRITS = [
    ("a thread", "import threading\nit = {'t': threading.Thread()}", "it → ['t'] → ._started → ._cond → ._lock: _thread.lock"),
    ("a socket", "import socket\nit = [socket.socket()]", "it → [0]: socket.socket"),
    ("a generator", "it = (1, (n for n in range(3)))", "it → [1]: generator"),
    ("a database", "import sqlite3\nclass Db: pass\nit = Db(); it.c = sqlite3.connect(':memory:')", "it → .c: sqlite3.Connection"),
    ("a file that is written", "import tempfile\nit = [open(tempfile.mktemp(), 'w')]", "it → [0]: _io.TextIOWrapper"),
]  # fmt: skip


@pytest.mark.parametrize(("here", "path"), [case[1:] for case in CULPRITS], ids=[case[0] for case in CULPRITS])
def test_need_10_each_culprit_is_found(notebook: Any, here: str, path: str) -> None:
    notebook.ok(here)
    first = notebook.run("%%remote\nlen(it)").traceback.splitlines()[0]
    assert first.startswith(f"SerializationError: can't be pickled: {path} (")


def test_need_10_what_is_not_read_is_not_touched(notebook: Any) -> None:
    notebook.ok(CONFIG)
    assert notebook.ok("%%remote\nx + 1").result == "2"
    assert notebook.ok("%%remote drop=cfg\nx + 1 if x else cfg").result == "2"


def test_need_10_nine_results_return_and_the_tenth_is_told_with_its_repr(notebook: Any) -> None:
    bound = "\n".join(f"r{n} = [{n}]" for n in range(9))
    cell = notebook.ok(
        f"%%remote\nimport threading\nclass Odd:\n    def __init__(self): self.lock = threading.Lock()\n"
        f"    def __repr__(self): return 'Odd(locked)'\n{bound}\nr9 = Odd()"
    )
    assert [line for line in cell.status_lines if "come back" in line] == [
        (
            "`r9` did not come back: r9 → .lock: _thread.lock can't be pickled (cannot pickle '_thread.lock' object);"
            " there it is Odd(locked); bind what you need of it to another name"
        )
    ]
    assert notebook.value("[globals()[f'r{n}'] for n in range(9)], 'r9' in globals()") == (
        [[n] for n in range(9)],
        False,
    )


def test_need_10_a_private_result_is_left_out_silently(notebook: Any) -> None:
    cell = notebook.ok("%%remote\nimport threading\n_lock = threading.Lock()\na = 1")
    assert [text for text in cell.status_lines if "come back" in text] == []
    assert notebook.value("a, '_lock' in globals()") == (1, False)
