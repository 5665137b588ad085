"""`asyncio.run(...)` in a notebook's cell, where a loop runs already: scripts for the old client do that (D7).

A cell is looked at before it runs, and only where it starts a loop of its own the running one is made re-entrant
(nest-asyncio). That is the one thing which can't be undone.
"""

from __future__ import annotations

import ast
import asyncio
import sys
from collections.abc import Iterator
from typing import Any

from flash_jupyter.capture.shell import read_call
from flash_jupyter.session.show import current_shell

#: what starts a loop, and waits in it
STARTS = frozenset({"run", "run_until_complete", "Runner"})
#: shells that ask before each cell, because `remote` was used there without `%load_ext`
_asked: list[Any] = []
#: shells whose extension asks, and may be told never to
_managed: list[Any] = []


def starts_loop(source: str) -> bool:
    r"""Whether a cell (magics already transformed) starts an event loop of its own.

    >>> starts_loop("import asyncio\nasyncio.run(main())"), starts_loop("await main()")
    (True, False)
    >>> starts_loop("from asyncio import run\nrun(main())"), starts_loop("subprocess.run('ls')")
    (True, False)
    """
    if "run" not in source:
        return False
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # it will say so itself
        return False
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if any(_starts(call.func) for call in calls):
        return True
    imported = set(_imported_from_asyncio(tree)) & STARTS
    if any(isinstance(call.func, ast.Name) and call.func.id in imported for call in calls):
        return True
    hidden = (read_call(call) for call in calls)
    return any(starts_loop(found.code) for found in hidden if found is not None and found.code)


def allow(source: str) -> None:
    """Let this cell start a loop inside of the running one, if it wants to."""
    if not starts_loop(source):
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a terminal: there is nothing in its way
        return
    if sys.version_info >= (3, 11):
        import nest_asyncio2 as nest_asyncio
    else:
        import nest_asyncio
    nest_asyncio.apply(loop)


def before_cell(info: Any) -> None:
    """Look at a cell before it runs; IPython's event `pre_run_cell`."""
    shell = current_shell()
    if shell is not None and info.raw_cell and "run" in info.raw_cell:
        allow(shell.transform_cell(info.raw_cell))


def manage(shell: Any) -> None:
    """The extension is loaded: it asks before each cell from now on."""
    _managed.append(shell)


def release(shell: Any) -> None:
    """The extension was unloaded: nobody asks any more."""
    if shell in _managed:
        _managed.remove(shell)
    if shell in _asked:
        _asked.remove(shell)
        shell.events.unregister("pre_run_cell", _before_cell_unless_managed)


def watch_unloaded() -> None:
    """`remote` is used without `%load_ext`: look at the cell that runs now, and at each that follows."""
    shell = current_shell()
    if shell is None or shell in _managed or shell in _asked:
        return
    _asked.append(shell)
    shell.events.register("pre_run_cell", _before_cell_unless_managed)
    cells = shell.user_ns.get("_ih") or [""]
    allow(shell.transform_cell(cells[-1]))


def _before_cell_unless_managed(info: Any) -> None:
    if current_shell() not in _managed:
        before_cell(info)


def _starts(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute) or function.attr not in STARTS:
        return False
    return function.attr == "run_until_complete" or (
        isinstance(function.value, ast.Name) and function.value.id == "asyncio"
    )


def _imported_from_asyncio(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "asyncio":
            yield from (alias.asname or alias.name for alias in node.names)
