"""The frames of what a call raises: the caller's, without ours."""

from __future__ import annotations

import functools
import inspect
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.decorator.output import JobOutput
from flash_jupyter.decorator.raising import bound, check_arguments, for_the_caller, of_the_caller
from flash_jupyter.errors import FlashError
from flash_jupyter.session.session import Session

#: a script with a remote class, and an instance of it; what is asked of them is its last line
SCRIPT = """
from flash_jupyter import remote
@remote
class Counter:
    def add(self, n): return n
counter = Counter()
"""
NOT_THERE = [
    ("a misspelt method", "counter.ad", ("AttributeError: Counter has no method `ad`; its attributes live in the worker, "
     "and can't be read from here\n  → did you mean add(...)?")),
    ("a name of Python's", "counter.__nothing__", "AttributeError: 'Counter' object has no attribute '__nothing__'"),
    ("of the class", "Counter.__nothing__", "AttributeError: remote class 'Counter' has no attribute '__nothing__'"),
    ("setting", "counter.n = 1", ("AttributeError: `n` of a remote Counter can't be set here: the instance lives in a "
     "worker\n  → set it in a method, and call that")),
    ("a call", "counter()", "TypeError: 'Counter' object is not callable"),
    ("a call here", "counter.add.local(1)", ("AttributeError: Counter.add: its instance lives in a worker\n"
     "  → Counter.local(...) makes one here")),
]  # fmt: skip


def test_only_the_callers_frames_are_left() -> None:
    with pytest.raises(FlashError) as caught:
        JobOutput("fj-1", "FAILED", failure=FlashError("no")).result()
    trace = caught.value.__traceback__
    here = "test_only_the_callers_frames_are_left"
    assert [frame.name for frame in traceback.extract_tb(trace)] == [here, "result"]
    assert [frame.name for frame in traceback.extract_tb(of_the_caller(trace))] == [here]


def test_an_interrupt_is_one_line_in_a_notebook() -> None:
    said, silent = for_the_caller(KeyboardInterrupt("cancelled")), for_the_caller(KeyboardInterrupt())
    assert vars(said)["_render_traceback_"]() == ["KeyboardInterrupt: cancelled"]
    assert vars(silent)["_render_traceback_"]() == ["KeyboardInterrupt"]


def test_what_a_call_raises_can_be_pickled() -> None:
    signature = inspect.signature(lambda text: None)
    with pytest.raises(TypeError) as caught:
        bound("score", signature, ((), {}))
    back, interrupt = pickle.loads(pickle.dumps((caught.value, for_the_caller(KeyboardInterrupt("cancelled")))))
    assert (type(back), back.args) == (TypeError, caught.value.args)
    assert vars(interrupt)["_render_traceback_"]() == ["KeyboardInterrupt: cancelled"]


REMOTE = """
    @remote
    def f(x, *, y=1): return x
    @remote(CpuLiveLoadBalancer(name="api"), method="POST", path="/r")
    def r(x): return x
    @remote
    class C:
        def m(self, x): return x
        @staticmethod
        def s(x): return x
"""
MISFITS = [
    ("one is missing", "f.remote()", "f() missing a required argument: 'x'\n  → f(x, *, y=1)"),
    ("one too many, awaited", "asyncio.run(f(1, 2))", "f() got too many positional arguments\n  → f(x, *, y=1)"),
    ("a job", "f.spawn(z=1)", "f() missing a required argument: 'x'\n  → f(x, *, y=1)"),
    ("many", "f.map([1], [2])", "f() got too many positional arguments\n  → f(x, *, y=1)"),
    ("an option", "f.remote(1, timeout=5)", ("f() got an unexpected keyword argument 'timeout'\n  → f(x, *, y=1); "
     "options stand before the call: .options(timeout=5)")),
    ("a route", "r.remote(1, timeout=5)", ("r() got an unexpected keyword argument 'timeout'\n  → r(x); "
     "options stand before the call: .options(timeout=5)")),
    ("a method", "C().m.remote()", "C.m() missing a required argument: 'x'\n  → C.m(x)"),
    ("a static method", "C().s.remote()", "C.s() missing a required argument: 'x'\n  → C.s(x)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), [case[1:] for case in MISFITS], ids=[case[0] for case in MISFITS])
def test_arguments_that_do_not_fit_are_told_before_anything_is_made(
    script: Callable[..., dict[str, Any]], session: Session, call: str, text: str
) -> None:
    before = len(session.jobs())
    with pytest.raises(TypeError) as caught:
        eval(call, script(REMOTE))
    assert str(caught.value) == text
    assert len(session.jobs()) == before


def wider(x: int) -> int:
    return x


@functools.wraps(wider)
def wrapped(*args: int, more: int = 0) -> int:
    return wider(*args) + more


def dressed(**kwargs: int) -> int:
    return wider(**kwargs)


dressed.__signature__ = inspect.signature(lambda x, y: None)  # type: ignore[attr-defined]


class Methods:
    def any(*args: int) -> None:
        pass

    @classmethod
    def of_class(cls, x: int) -> None:
        pass


FIT: list[tuple[str, Any, tuple[Any, ...], dict[str, Any], bool]] = [
    ("a wrapper that takes more than it says", wrapped, (1,), {"more": 2}, False),
    ("a signature that is not its own", dressed, (), {"x": 1}, False),
    ("a partial", functools.partial(wider), (1, 2), {}, False),
    ("any arguments, the instance with them", Methods.any, (), {}, True),
    ("a class method", Methods.of_class, (1,), {}, True),
    ("a parameter with the name of an option", lambda timeout: timeout, (), {"timeout": 5}, False),
]


@pytest.mark.parametrize(("function", "args", "kwargs", "is_method"), [c[1:] for c in FIT], ids=[c[0] for c in FIT])
def test_what_may_fit_is_left_to_the_worker(function: Any, args: Any, kwargs: Any, is_method: bool) -> None:
    check_arguments("f", function, (args, kwargs), is_method=is_method)


@pytest.mark.parametrize(("line", "text"), [case[1:] for case in NOT_THERE], ids=[case[0] for case in NOT_THERE])
def test_what_an_instance_has_not_is_told_at_the_line_of_a_script(tmp_path: Path, line: str, text: str) -> None:
    said = _run(tmp_path, line).stderr.splitlines()
    assert said[:3] == [
        "Traceback (most recent call last):",
        f'  File "{tmp_path / "script.py"}", line 7, in <module>',
        f"    {line}",
    ]
    told = [each for each in said[3:] if each.strip(" ~^")]  # which part of the line it is, newer Pythons show
    assert told == text.splitlines()


def test_and_of_a_notebook(tmp_path: Path) -> None:
    shown = _run(tmp_path, "counter.ad", "-m", "IPython", "--colors=nocolor").stdout
    assert "did you mean add(...)?" in shown
    assert "7 counter.ad" in shown
    assert "classes.py" not in shown


def _run(folder: Path, line: str, *how: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(f"{SCRIPT}{line}\n")
    environ = {**os.environ, "FLASH_JUPYTER_HOME": str(folder), "IPYTHONDIR": str(folder), "PYTHONUTF8": "1"}
    command = [sys.executable, *how, str(script)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
