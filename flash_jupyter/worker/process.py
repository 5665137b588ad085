"""What a cell may do to its process, and what must be seen of it all the same: forks, sudden ends, crashes.

What asks somebody at a keyboard, where nobody sits, says so at once instead of waiting for ever. What is done to a
module of somebody else is done once a cell has imported it, and only then: nothing is imported here.
"""

from __future__ import annotations

import faulthandler
import importlib.abc
import importlib.machinery
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

#: what ipykernel says of its terminal (7.4): programs colour their output, and don't wait for a key after each page.
#: And plotly shows figures as data that frontends draw, and as HTML for the others.
FRONTEND = {
    "TERM": "xterm-color",
    "CLICOLOR": "1",
    "CLICOLOR_FORCE": "1",
    "FORCE_COLOR": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "PLOTLY_RENDERER": "plotly_mimetype+notebook_connected",
}


def set_up_process(log_fd: int, leave: Callable[[], None]) -> None:
    """Do what is done once: `leave` is called in every forked child, a crash writes its Python stack to the log."""
    os.register_at_fork(after_in_child=leave)
    if not faulthandler.is_enabled():
        faulthandler.enable(log_fd)
    for name, value in FRONTEND.items():
        os.environ.setdefault(name, value)


@contextmanager
def last_words(say: Callable[[], None]) -> Iterator[None]:
    """Call `say` before an `os._exit` of the thread that runs the cell: what was printed would be lost with it."""
    exit_now, pid, thread = os._exit, os.getpid(), threading.get_ident()

    def leave(status: int) -> NoReturn:
        if (os.getpid(), threading.get_ident()) == (pid, thread):
            say()
        exit_now(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = exit_now


NO_INPUT = "{} does not work on a worker: nobody can type there. Ask in a cell without %%remote."
NO_DEBUGGER = "{} does not work on a worker: nobody can type there. Print what you need, or run the cell with `local`."


class NoInput(io.TextIOBase):
    """Takes the place of `sys.stdin`."""

    def readline(self, _size: int | None = -1, /) -> str:  # type: ignore[override]
        """Refuse."""
        raise RuntimeError(NO_INPUT.format("input()"))

    def read(self, _size: int | None = -1, /) -> str:
        """Refuse as `readline` does."""
        return self.readline()

    def readable(self) -> bool:
        """Yes, so that `input` asks."""
        return True


@contextmanager
def nobody_types() -> Iterator[None]:
    """Refuse input and debuggers for as long as a cell runs."""
    before = sys.stdin, sys.breakpointhook
    sys.stdin, sys.breakpointhook = NoInput(), _refusal(NO_DEBUGGER, "breakpoint()")
    try:
        yield
    finally:
        sys.stdin, sys.breakpointhook = before


def refuse_passwords(getpass: Any) -> None:
    """Let the module `getpass` refuse; it would warn that the password is shown, and then wait."""
    getpass.getpass = getpass.unix_getpass = getpass.fallback_getpass = _refusal(NO_INPUT, "getpass()")


def refuse_debuggers(pdb: Any) -> None:
    """Let the module `pdb` refuse; its prompt would be the last that the cell shows."""
    for name in ("set_trace", "post_mortem", "pm", "run", "runcall", "runeval"):
        setattr(pdb, name, _refusal(NO_DEBUGGER, f"pdb.{name}()"))


def _refusal(text: str, name: str) -> Callable[..., NoReturn]:
    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise RuntimeError(text.format(name))

    return refuse


Adapt = Callable[[Any], None]


def when_imported(adaptations: Mapping[str, Adapt]) -> None:
    """Call `adaptations[name](module)` once for each module that is imported from now on, or already there."""
    first = sys.meta_path[0] if sys.meta_path else None
    if type(first) is not _ImportWatch or first.adaptations is not adaptations:
        others = [finder for finder in sys.meta_path if type(finder) is not _ImportWatch]
        sys.meta_path[:] = [_ImportWatch(adaptations), *others]
    for name, adapt in adaptations.items():
        if name in sys.modules:
            _adapt(sys.modules[name], adapt)


class _ImportWatch(importlib.abc.MetaPathFinder):
    """Finds the modules of its table as the import path would, and adapts each after it was executed."""

    def __init__(self, adaptations: Mapping[str, Adapt]) -> None:
        self.adaptations = adaptations

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        adapt = self.adaptations.get(name)
        if adapt is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_adapt(module: Any) -> None:
                execute(module)
                _adapt(module, adapt)

            spec.loader.exec_module = execute_and_adapt  # type: ignore[method-assign]
        return spec


def _adapt(module: Any, adapt: Adapt) -> None:
    if not hasattr(module, "__flash_jupyter__"):
        module.__flash_jupyter__ = True
        adapt(module)


def show_bars_as_text(notebook: Any) -> None:
    """Let `tqdm.notebook` draw its bars as text: a widget needs a kernel, and there is none on a worker."""
    std = sys.modules["tqdm.std"]
    notebook.tqdm = notebook.tqdm_notebook = std.tqdm
    notebook.trange = notebook.tnrange = std.trange
