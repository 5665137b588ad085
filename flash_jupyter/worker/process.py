"""What a cell may do to its process, and what must be seen of it all the same: forks, sudden ends, crashes."""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

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
