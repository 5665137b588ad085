"""What a remote function's job says, shown where it was called: in a notebook's cell, in a terminal, in a script.

Text goes to `sys.stdout` and `sys.stderr`; displays go to IPython where it runs, else their text does.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
from collections.abc import Callable
from typing import Any

from flash_jupyter.session.events import (
    Clear,
    Display,
    Event,
    Logged,
    Measured,
    Notice,
    Phase,
    Sent,
    Stream,
    Waiting,
)

#: (backend, endpoint) of which was said that calls go there
_said: set[tuple[str, str]] = set()
#: waits at queues, of many calls together -> what was said of each
_waits: dict[str, Waiting] = {}


def show(event: Event) -> None:
    """Show one event; stations on the way are not shown, the first job of an endpoint excepted."""
    if isinstance(event, Stream):
        _write(sys.stderr if event.name == "stderr" else sys.stdout, event.text)
    elif isinstance(event, Display):
        _display(event)
    elif isinstance(event, Clear):
        if (shell := current_shell()) is not None:
            shell.display_pub.clear_output(event.wait)
    elif isinstance(event, Notice):
        say(event.text)
    elif isinstance(event, Waiting):
        _say_why(event)
    elif isinstance(event, Sent) and (event.backend, event.endpoint) not in _said:
        _said.add((event.backend, event.endpoint))
        if current_shell() is not None or sys.stderr.isatty():
            say(f"{event.endpoint} is on {'the local Runpod' if event.backend == 'local' else 'Runpod'}")


def is_shown(event: Event) -> bool:
    """Whether `show` may have something to do for an event; where not, its thread need not be woken."""
    if isinstance(event, Sent):
        return (event.backend, event.endpoint) not in _said
    return not isinstance(event, Phase | Measured | Logged)


def say(text: str) -> None:
    """Show a line of ours: a display in a notebook, which does not mix with what the code prints, else on stderr."""
    shell = current_shell()
    if shell is not None:
        shell.display_pub.publish({"text/plain": text})
    else:
        _write(sys.stderr, f"{text}\n")


def _say_why(event: Waiting) -> None:
    """Say once for all calls at a queue why they wait: a display that changes with the reason, or a line a reason."""
    said, shell = _waits.get(event.wait), current_shell()
    if event == said or (not event.text and (said is None or shell is None)):
        return  # a line can't be taken back, and another call at this queue may go on waiting for the same reason
    _waits[event.wait] = event
    text = f"waiting: {event.text} → {event.action}" if event.text else "the wait for a worker is over"
    if shell is not None:
        transient = {"display_id": f"wait-{event.wait}"}
        shell.display_pub.publish({"text/plain": text}, transient=transient, update=said is not None)
    elif said is None or event.cause != said.cause:
        _write(sys.stderr, f"{text}\n")


def current_shell() -> Any:
    """Return the running IPython shell, or None; IPython is not imported for the question."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None


def _display(event: Display) -> None:
    shell = current_shell()
    if shell is None:
        _write(sys.stdout, f"{event.data.get('text/plain', '')}\n")
        return
    transient = {"display_id": event.display_id} if event.display_id else {}
    shell.display_pub.publish(event.data, event.metadata, transient=transient, update=event.update)


def _write(stream: Any, text: str) -> None:
    if stream is not None:  # as in a process without a console
        stream.write(text)
        stream.flush()


def showing() -> Callable[[Event], None]:
    """Return what shows events on the running loop, as from where this is called; it may be called on any thread."""
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()

    def tell(event: Event) -> None:
        if is_shown(event):
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody looks any more
                loop.call_soon_threadsafe(show, event, context=context)

    return tell
