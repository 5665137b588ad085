"""What an answer says of an exception."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from cells import Notebook


def error_of(notebook: Notebook, cell: str) -> dict[str, Any]:
    error: dict[str, Any] = notebook.there(cell).order["error"]
    return error


def test_an_exception_brings_its_arguments_home(bare: Notebook) -> None:
    bare.here("class Coded(Exception):\n    def __init__(self, code): super().__init__('coded'); self.code = code")
    answer = bare.there("raise Coded(7)", ["Coded"])
    assert isinstance(answer.error, bare.names["Coded"])
    assert (answer.error.args, answer.error.code) == (("coded",), 7)


def test_one_that_holds_a_lock_is_described_and_takes_nothing_with_it(bare: Notebook) -> None:
    answer = bare.there("import threading\nkept = 1\nraise ValueError('held', threading.Lock())")
    assert answer.error is None
    assert answer.order["error"]["said"].startswith("('held', <unlocked _thread.lock")
    assert bare.names["kept"] == 1


def test_one_that_fills_the_answer_leaves_room_for_the_names(bare: Notebook) -> None:
    answer = bare.there("import os\nkept = 1\nraise ValueError(os.urandom(16_000_000))")
    assert (answer.error, bare.names["kept"]) == (None, 1)
    assert answer.order["error"]["type"] == "ValueError"


def test_causes_have_their_frames_and_say_how_they_led_on(bare: Notebook) -> None:
    error = error_of(
        bare,
        "def f():\n    1 / 0\ntry:\n    try: f()\n    except ZeroDivisionError as e: raise KeyError('k') from e\n"
        "except KeyError:\n    [][1]",
    )
    assert error["type"] == "IndexError"
    told = [(cause["type"], cause["how"], [frame["line"] for frame in cause["frames"]]) for cause in error["chain"]]
    assert told == [("KeyError", "context", [5]), ("ZeroDivisionError", "cause", [4, 2])]


def test_a_context_that_is_hidden_is_not_told(bare: Notebook) -> None:
    assert error_of(bare, "try: 1 / 0\nexcept ZeroDivisionError: raise KeyError('k') from None")["chain"] == []


def test_notes_are_not_the_text(bare: Notebook) -> None:
    error = error_of(bare, "e = ValueError('no')\ne.__notes__ = ['a note']\nraise e")
    assert (error["said"], error["notes"], error["message"]) == ("no", ["a note"], "no\na note")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no groups")
def test_the_exceptions_of_a_group_have_frames(bare: Notebook) -> None:
    error = error_of(
        bare,
        "found = []\nfor n in range(20):\n    try: raise ValueError(n)\n    except ValueError as e: found.append(e)\n"
        "raise ExceptionGroup('many', found)",
    )
    assert error["said"] == "many (20 sub-exceptions)"
    assert [(m["said"], m["frames"][0]["line"]) for m in error["members"]] == [(str(n), 3) for n in range(15)]
    assert error["more_members"] == 5


def test_an_endless_recursion_is_told_at_both_ends(bare: Notebook) -> None:
    error = error_of(bare, "import sys\nsys.setrecursionlimit(5_000)\ndef f(): f()\nf()")
    assert error["type"] == "RecursionError"
    assert len(error["frames"]) == 100
    assert error["left_out"] > 4_000


def test_what_was_drawn_before_an_exception_is_shown() -> None:
    from cells import WorkerProcess

    worker = WorkerProcess()
    try:
        answer = Notebook(worker).there("import matplotlib.pyplot as plt\nplt.plot([1])\n1 / 0")
    finally:
        worker.close()
    assert [sorted(event["data"]) for _, event in answer.order["events"]] == [["image/png", "text/plain"]]
    assert answer.order["error"]["type"] == "ZeroDivisionError"
