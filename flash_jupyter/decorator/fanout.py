"""`.map`: many calls, so many at once, and how far they are."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from flash_jupyter.session.events import Event
from flash_jupyter.session.show import current_shell, show
from flash_jupyter.session.wait import CONFIRM_S, Inbox
from flash_jupyter.views.format import escape


class OpenCall(Protocol):
    """A call on its way."""

    @property
    def future(self) -> Future[Any]:
        """What is done when it is over."""


C = TypeVar("C", bound=OpenCall)
#: a notebook's bar is drawn again at most this often
REDRAW_S = 0.2


def fan_out(
    start: Callable[[tuple[Any, ...], Callable[[Event], None]], C],
    iterables: Iterable[Iterable[Any]],
    *,
    concurrency: int,
    label: str,
    cancel: Callable[[C], object],
    cancelled: str = "cancelled",
) -> list[C]:
    """Start a call for every element, at most `concurrency` at once; returns them in order when all have ended.

    What they print is shown meanwhile. When a call can't be started, or on an interrupt, the open ones are cancelled,
    and it is raised; `cancelled` says what `cancel` does to them.
    """
    inbox: Inbox[Any] = Inbox()
    started: list[C] = []
    total = min((len(each) for each in iterables if isinstance(each, Sized)), default=None)
    open_calls = 0
    try:
        with bar(label, total) as advance:
            for arguments in zip(*iterables, strict=False):
                if open_calls >= concurrency:
                    inbox.drain(show)
                    advance()
                    open_calls -= 1
                started.append(start(arguments, inbox.put))
                inbox.end_with(started[-1].future)
                open_calls += 1
            for _ in range(open_calls):
                inbox.drain(show)
                advance()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_cancel_open(started, cancel, cancelled)) from None
    except BaseException:
        _cancel_open(started, cancel, cancelled)
        raise
    return started


def _cancel_open(started: list[C], cancel: Callable[[C], object], cancelled: str) -> str:
    """Cancel the calls that are open, and say what came of it."""
    left = [call for call in started if not call.future.done()]
    for call in left:
        cancel(call)
    open_yet = wait([call.future for call in left], CONFIRM_S).not_done
    text = f"{len(started) - len(left)} calls had ended, {len(left) - len(open_yet)} were {cancelled}"
    return f"{text}; {len(open_yet)} are not confirmed, see %flash jobs" if open_yet else text


@contextmanager
def bar(label: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show how many have ended: a bar in a terminal, a display in a notebook, nothing where nobody looks."""
    if _is_notebook():
        with _display_bar(label, total) as advance:
            yield advance
    elif sys.stderr is not None and sys.stderr.isatty():
        with _terminal_bar(label, total) as advance:
            yield advance
    else:
        yield lambda: None


def _is_notebook() -> bool:
    shell = current_shell()
    return shell is not None and hasattr(shell, "kernel")


@contextmanager
def _terminal_bar(label: str, total: int | None) -> Iterator[Callable[[], None]]:
    # a tenth of a second to import, which only `.map` in a terminal pays
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def _display_bar(label: str, total: int | None) -> Iterator[Callable[[], None]]:
    publisher, display_id = current_shell().display_pub, secrets.token_hex(8)
    done, drawn_at = 0, time.monotonic()

    def draw(*, update: bool) -> None:
        publisher.publish(progress_bundle(label, done, total), transient={"display_id": display_id}, update=update)

    def advance() -> None:
        nonlocal done, drawn_at
        done += 1
        if time.monotonic() - drawn_at >= REDRAW_S:
            drawn_at = time.monotonic()
            draw(update=True)

    draw(update=False)
    try:
        yield advance
    finally:
        draw(update=True)


def progress_bundle(label: str, done: int, total: int | None) -> dict[str, str]:
    """Draw how far it is, as a mime bundle.

    >>> progress_bundle("square", 3, 10)["text/plain"], progress_bundle("square", 3, None)["text/plain"]
    ('square: 3 of 10', 'square: 3')
    """
    text = f"{label}: {done}" if total is None else f"{label}: {done} of {total}"
    meter = "" if total is None else f'<progress value="{done}" max="{total}"></progress> '
    return {"text/plain": text, "text/html": f"{meter}{escape(text)}"}
