"""Every error says what happened, to what, and what to do next."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from flash_jupyter import errors

TEXTS = [
    (
        "one undefined name",
        errors.UndefinedNameError({"foo": 3}, suggestions={"foo": "food"}),
        (
            "name is not defined: `foo` (line 3); nothing was sent\n"
            "  → define it in a cell above, or did you mean `food` instead of `foo`?"
        ),
    ),
    (
        "two undefined names",
        errors.UndefinedNameError({"a": 1, "b": 2}),
        "names are not defined: `a` (line 1), `b` (line 2); nothing was sent\n  → define them in a cell above",
    ),
    (
        "a payload that is too large",
        errors.PayloadTooLargeError({"small": 10, "big": 30_000_000}, size_bytes=40_000_000, limit_bytes=10_485_760),
        (
            "what the cell reads takes 40.0 MB, a request holds 10.5 MB; nothing was sent\n"
            "    big                         30.0 MB\n"
            "    small                        0.0 MB\n"
            "  → load `big` in the cell itself, or leave it out with drop=big"
        ),
    ),
    (
        "a secret",
        errors.SecretFoundError("token", "a Hugging Face token"),
        (
            "`token` looks like a Hugging Face token; nothing was sent\n"
            "  → pass it as env=TOKEN=… (never stored, masked in output), or leave it out with drop=token"
        ),
    ),
    (
        "a lost worker, with its last words",
        errors.WorkerLost("the worker died", log_tail=["one", "two"], fix="try again"),
        "the worker died\n    one\n    two\n  → try again",
    ),
    (
        "a value that can't be pickled",
        errors.SerializationError(
            "cfg", "cfg → .a", "_thread.lock", reason="cannot pickle", fix="build it in the cell"
        ),
        "can't be pickled: cfg → .a: _thread.lock (cannot pickle)\n  → build it in the cell",
    ),
    ("a remote exception", errors.RemoteExecutionError("ValueError", "no"), "ValueError: no"),
    ("a remote exception without a text", errors.RemoteExecutionError("KeyboardInterrupt", ""), "KeyboardInterrupt"),
]


@pytest.mark.parametrize(("error", "text"), [t[1:] for t in TEXTS], ids=[t[0] for t in TEXTS])
def test_the_whole_text(error: errors.FlashError, text: str) -> None:
    assert str(error) == text


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = re.findall(r"[├└]── (\w+)|^    (FlashError)$", errors.__doc__ or "", re.MULTILINE)
    names = {first or second for first, second in drawn}
    tree = ast.parse(inspect.getsource(errors))
    assert names == {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_ipython_shows_no_frames_of_ours() -> None:
    assert errors.OptionError("no", fix="yes")._render_traceback_() == ["OptionError: no\n  → yes"]


def test_what_ipython_draws_says_where_it_was_raised_on_the_worker() -> None:
    error = errors.RemoteExecutionError("ValueError", "no")
    error.__notes__ = ["on the worker:\n  cell.py:1 in f: raise ValueError('no')"]
    assert error._render_traceback_() == ["RemoteExecutionError: ValueError: no", *error.__notes__]
