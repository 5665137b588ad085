"""What a coroutine of the user's needs while it waits for the loop thread: its job's words, an ear for interrupts."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Iterator

from flash_jupyter.session.events import Event
from flash_jupyter.session.show import is_shown, show

#: how long an interrupt of an awaited call may go unheard, in seconds
HEARD_WITHIN_S = 0.2


def showing() -> Callable[[Event], None]:
    """Return what shows events on the running loop, as from where this is called; it may be called on any thread."""
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()

    def tell(event: Event) -> None:
        if is_shown(event):
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody looks any more
                loop.call_soon_threadsafe(show, event, context=context)

    return tell


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """Wake the running loop now and then, so that an interrupt is heard.

    ipykernel cancels an awaiting cell in its handler of SIGINT by a callback which does not wake a loop that sleeps
    (`IPythonKernel._cancel_on_sigint`, seen in 7.4 with tornado 6.6): else it is heard when the job says something.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def again() -> None:
        nonlocal timer
        timer = loop.call_later(HEARD_WITHIN_S, again)

    again()
    try:
        yield
    finally:
        timer.cancel()
