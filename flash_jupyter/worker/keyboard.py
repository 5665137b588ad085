"""What asks somebody at a keyboard, where nobody sits: it says so at once instead of waiting for ever."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

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
