"""A remote exception is one of this side's: its type, its arguments, its attributes."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import pytest

from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.own_type import in_own_type


class Coded(Exception):
    def __init__(self, code: int, more: list[int]) -> None:
        super().__init__(f"code {code}")
        self.code, self.more = code, more


class Counting(Exception):
    kinds: list[type] = []

    def __init_subclass__(cls) -> None:
        Counting.kinds.append(cls)


class Choosy(Exception):
    def __new__(cls, *needed: int) -> Choosy:
        assert len(needed) == 3
        return super().__new__(cls)


def remote(type_name: str, said: str = "no", **more: Any) -> RemoteExecutionError:
    return RemoteExecutionError(type_name, said, report={"said": said, **more})


ORIGINALS: list[tuple[str, Exception]] = [
    ("a built-in one", ValueError("no", 1)),
    ("one with a key", KeyError("k")),
    ("one of the system", FileNotFoundError(2, "No such file", "/nope")),
    ("one with fields in C", UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")),
    ("a failed import", ModuleNotFoundError("no x", name="x")),
    ("one of the user's, whose arguments are not what it takes", Coded(3, [1])),
]


@pytest.mark.parametrize("original", [case[1] for case in ORIGINALS], ids=[case[0] for case in ORIGINALS])
def test_it_is_caught_as_its_own_type_and_says_the_same(original: Exception) -> None:
    error = in_own_type(remote(type(original).__name__, str(original)), original)
    assert isinstance(error, type(original))
    assert isinstance(error, RemoteExecutionError)
    assert (type(error).__name__, str(error), error.args) == (type(original).__name__, str(original), original.args)
    for name in ("errno", "filename", "start", "name", "code", "more"):
        assert getattr(error, name, None) == getattr(original, name, None)


def test_without_the_original_its_type_is_found_and_its_text_kept() -> None:
    error = in_own_type(remote("ValueError", "no"))
    assert isinstance(error, ValueError)
    assert error.args == ("no",)


def test_a_type_of_the_notebook_and_one_of_a_loaded_module_are_found() -> None:
    assert isinstance(in_own_type(remote("Coded"), None, {"Coded": Coded}), Coded)
    assert isinstance(in_own_type(remote(f"{__name__}.Coded")), Coded)


NOT_HERE = ["Nowhere", "no_module.Nowhere", "tests.Coded", "SyntaxError", "StopIteration", "SystemExit", "int"]


@pytest.mark.parametrize("type_name", NOT_HERE)
def test_what_is_not_here_or_means_something_else_has_only_the_name(type_name: str) -> None:
    error = in_own_type(remote(type_name))
    assert type(error).__name__ == type_name.rpartition(".")[2]
    assert type(error).__mro__[2] is RemoteExecutionError
    assert str(error) == "no"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no groups")
def test_a_group_is_not_one_here_because_ipython_would_draw_our_frames() -> None:
    group = ExceptionGroup("many", [ValueError(1)])  # noqa: F821
    error = in_own_type(remote("ExceptionGroup", str(group)), group)
    assert (type(error).__name__, isinstance(error, type(group))) == ("ExceptionGroup", False)
    assert str(error) == "many (1 sub-exception)"


def test_a_class_that_counts_its_subclasses_is_not_told() -> None:
    assert isinstance(in_own_type(remote("Counting"), Counting("no")), Counting)
    assert Counting.kinds == []


def test_a_type_that_cannot_be_made_here_is_still_named() -> None:
    error = in_own_type(remote("Choosy"), Choosy(1, 2, 3))
    assert (type(error).__name__, str(error)) == ("Choosy", "no")


def test_frames_and_what_to_do_stay() -> None:
    frames = [{"filename": "cell", "line": 1, "name": "f", "text": "x"}]
    error = in_own_type(RemoteExecutionError("ValueError", "no", frames=frames, fix="look"), ValueError("no"))
    assert (error.frames, error.type_name, str(error)) == (tuple(frames), "ValueError", "no\n  → look")


def test_it_can_be_pickled() -> None:
    again = pickle.loads(pickle.dumps(in_own_type(remote("ValueError", "no"), ValueError("no"))))
    assert isinstance(again, ValueError)
    assert str(again) == "no"
