"""The look for orphans after `%load_ext`: endpoints of ours that have expired, and have no job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flash_jupyter.views.format import one_line
from flash_jupyter.views.publisher import prompt

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from flash_jupyter.views.publisher import Publisher

#: the first cells have the interpreter for themselves: what a look imports takes 0.3 s
LOOK_AFTER_S = 2.0
#: an unload waits for a look that is on its way, but not for a platform that does not answer
STOP_S = 1.0


class OrphanWatch:
    """One look for orphans, `after_s` after the extension was loaded, on a thread of its own.

    What it finds is said under the cell that loaded the extension; where there was none, or no way to get there (a
    terminal), under the next one. `backend` tells which Runpod is used then.
    """

    def __init__(self, shell: InteractiveShell, backend: Callable[[], str], *, after_s: float = LOOK_AFTER_S) -> None:
        self._shell, self._backend = shell, backend
        self._publisher = _publisher_of_this_cell(shell)
        self._text = ""
        self._timer = threading.Timer(after_s, self._look)
        self._timer.name, self._timer.daemon = "flash_jupyter orphans", True
        self._is_over = False

    def start(self) -> None:
        """Begin to wait."""
        self._timer.start()

    def stop(self) -> None:
        """Say nothing any more."""
        self._is_over, self._text = True, ""
        self._timer.cancel()
        self._timer.join(STOP_S)

    def before_cell(self, _info: Any) -> None:
        """Say now what had no cell to be said under; IPython's event `pre_run_cell`."""
        text, self._text = self._text, ""
        if text:
            self._shell.display_pub.publish(one_line(text))

    def _look(self) -> None:
        try:
            text = _offer(self._backend())
        except Exception:  # nobody asked: that there is no key or no network is said by what needs it
            return
        if self._is_over or not text:
            return
        if self._publisher is None:
            self._text = text
        else:
            self._publisher.publish(one_line(text))


def _publisher_of_this_cell(shell: InteractiveShell) -> Publisher | None:
    """Return what publishes to the cell that runs now, from any thread; None where there is no such cell."""
    publisher = prompt(shell.display_pub)
    is_bound = publisher is not shell.display_pub and bool(getattr(shell.display_pub, "parent_header", None))
    return publisher if is_bound else None


def _offer(backend: str) -> str:
    from dataclasses import replace
    from typing import cast

    from flash_jupyter.session.sweep import look, offer
    from flash_jupyter.settings import BackendName, read_settings

    settings = read_settings()
    return offer(look(replace(settings, backend=cast("BackendName", backend)) if backend else settings))
