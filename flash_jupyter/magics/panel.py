"""`%flash` alone: the panel. What it shows is an output that reads well everywhere; its buttons are another one below.

A button's work is done in a thread of the session's loop, so the kernel is never blocked; what fails is said in the
panel. It looks again by itself a few times after it was opened or used, one control plane call each, and only while a
frontend shows it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from flash_jupyter.errors import FlashError
from flash_jupyter.magics.frontend import can_show_controls
from flash_jupyter.magics.panel_actions import ACTIONS, Said
from flash_jupyter.views.panel import panel_bundle
from flash_jupyter.views.publisher import Display

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from flash_jupyter.session.session import Session
    from flash_jupyter.views.controls import Controls

#: pauses between looks, in seconds: five control plane calls, of 60 that a minute has, then it rests
LOOKS_S = (3.0, 5.0, 10.0, 20.0, 40.0)
_log = logging.getLogger(__name__)


class Panel:
    """One panel under one cell; `session` gives the session that is in use now."""

    def __init__(
        self, shell: InteractiveShell, session: Callable[[], Session], *, looks_s: tuple[float, ...] = LOOKS_S
    ) -> None:
        self._shell, self._session, self._looks_s = shell, session, looks_s
        self._table, self._buttons = Display(shell.display_pub), Display(shell.display_pub)
        self._controls: Controls | None = None
        self._lock = threading.Lock()
        self._is_busy = self._is_closed = False
        self._awaited: set[str] = set()
        self._looking: Future[None] | None = None
        # what is shown from a thread belongs to the cell that opened the panel
        self._context = contextvars.copy_context()

    def open(self) -> None:
        """Show it under the running cell. Raises `ApiError` and `SettingsError`."""
        overview = self._session().overview().to_json()
        self._table.show(panel_bundle(overview))
        if not can_show_controls(self._shell):
            return
        from flash_jupyter.views.controls import Controls

        self._controls = Controls(self._act)
        self._controls.show(overview)
        self._buttons.show(self._controls.bundle())
        atexit.register(self._leave)
        self._look_again()

    def close(self) -> None:
        """Take the buttons away, and leave what was shown last; may be repeated."""
        self._leave()
        if self._controls is not None:
            with contextlib.suppress(Exception):  # the frontend, or the kernel's way to it, may be gone
                self._controls.close()

    def _leave(self) -> None:
        """Put words in the place of the buttons. At a kernel's end that is all: a page has ended the widgets."""
        with self._lock:
            is_first, self._is_closed = not self._is_closed, True
        if not is_first or self._controls is None:
            return
        from flash_jupyter.views.controls import fallback

        atexit.unregister(self._leave)
        self._rest()
        with contextlib.suppress(Exception):
            self._buttons.show(fallback())

    # --- a button was pressed -----------------------------------------------------------------------------------

    def _act(self, action: str, chosen: str) -> None:
        """Serve a press, on the kernel's thread; one at a time, but for jobs that are waited for beside."""
        with self._lock:
            if self._is_closed or self._is_busy or chosen in self._awaited:
                return
            if action == "attach":
                self._awaited.add(chosen)
            else:
                self._is_busy = True
        assert self._controls is not None
        if action == "attach":
            self._controls.say(f"waiting for {chosen}: when it is over its names are bound here")
        else:
            self._controls.busy(True)
        self._rest()
        try:
            self._session().loop.submit(self._in_thread(lambda: self._serve(action, chosen)))
        except (FlashError, RuntimeError) as error:
            self._over(Said(str(error), is_error=True), action, chosen)

    def _serve(self, action: str, chosen: str) -> None:
        try:
            session = self._session()
            said = ACTIONS[action](session, chosen, self._shell.user_ns)
            self._show(session.overview().to_json())
        except FlashError as error:
            said = Said(str(error), is_error=True)
        except Exception as error:
            _log.warning("the panel could not %s", action, exc_info=True)
            said = Said(f"{type(error).__name__}: {error}", is_error=True)
        self._over(said, action, chosen)

    def _over(self, said: Said, action: str, chosen: str) -> None:
        with self._lock:
            if action == "attach":
                self._awaited.discard(chosen)
            else:
                self._is_busy = False
            is_closed, is_busy = self._is_closed, self._is_busy
        if is_closed or self._controls is None:
            return
        self._controls.busy(is_busy)
        if said.body:
            self._controls.read_out(said.text, said.body)
        else:
            self._controls.say(said.text, is_error=said.is_error)
        self._look_again()

    # --- by itself ------------------------------------------------------------------------------------------------

    def _look_again(self) -> None:
        """Look a few times more, from now on."""
        self._rest()
        with contextlib.suppress(FlashError, RuntimeError):  # the next press says what is wrong
            self._looking = self._session().loop.submit(self._looks())

    def _rest(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()

    async def _looks(self) -> None:
        for pause_s in self._looks_s:
            await asyncio.sleep(pause_s)
            if self._is_closed or self._controls is None or not self._controls.is_shown:
                return
            await self._in_thread(self._look)

    def _look(self) -> None:
        with contextlib.suppress(FlashError):  # nobody asked; the next press says it
            self._show(self._session().overview().to_json())

    # --- what both need -------------------------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[[], None]) -> None:
        """Work beside the session's loop: stores are read, and the session's calls wait for that loop."""
        await asyncio.get_running_loop().run_in_executor(None, self._context.copy().run, work)

    def _show(self, overview: dict[str, Any]) -> None:
        with self._lock:
            if self._is_closed:
                return
        self._table.show(panel_bundle(overview))
        if self._controls is not None:
            self._controls.show(overview)
