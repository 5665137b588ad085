"""The option `local`: run a cell in the notebook's own namespace; no worker, no capture, for tests and comparing."""

from __future__ import annotations

import ast
import inspect
from types import TracebackType
from typing import Any

from flash_jupyter.transport.loop import run_aside


def run_here(source: str, namespace: dict[str, Any], filename: str) -> object:
    r"""Execute plain Python; return the value of the last expression, `None` where there is none.

    Raises: whatever the code raises; `SyntaxError` before anything runs.

    >>> notebook = {"x": 20}
    >>> run_here("y = x + 1\ny * 2", notebook, "<cell>"), notebook["y"]
    (42, 21)
    """
    tree = ast.parse(source, filename)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return _execute(tree, namespace, filename, "exec")
    tree.body.pop()
    _execute(tree, namespace, filename, "exec")
    return _execute(ast.Expression(last.value), namespace, filename, "eval")


def frames_of(error: BaseException, filename: str) -> TracebackType | None:
    """Return the traceback from the first frame of `filename` on: the user's frames, without ours above them."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != filename:
        frames = frames.tb_next
    return frames


def _execute(tree: ast.AST, namespace: dict[str, Any], filename: str, mode: str) -> object:
    code = compile(tree, filename, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)  # type: ignore[call-overload]
    result = eval(code, namespace)
    is_async = code.co_flags & inspect.CO_COROUTINE
    value: object = run_aside(result) if is_async else result
    return value if mode == "eval" else None
