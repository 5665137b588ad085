"""An ear for interrupts, for coroutines that wait.

ipykernel cancels an awaiting cell in its handler of SIGINT by a callback which does not wake a loop that sleeps
(`IPythonKernel._cancel_on_sigint`, seen in 7.4 with tornado 6.6): else it is heard when the job says something.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Iterator

#: how long an interrupt of an awaited call may go unheard, in seconds
HEARD_WITHIN_S = 0.2


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """Wake the running loop now and then, so that an interrupt is heard."""
    loop, who = asyncio.get_running_loop(), _Waiting()
    ear = _ears.get(loop)
    if ear is None:
        ear = _ears[loop] = _Ear()
    try:
        ear.open(who)
        yield
    finally:
        ear.close(who)


class _Waiting:
    """One that waits; it is forgotten with its frame, where an interrupt kept it from saying that it is done."""


class _Ear:
    """Of one loop: one timer, however many wait; where an interrupt has stopped it, who comes next starts it again."""

    def __init__(self) -> None:
        self._waiting: weakref.WeakSet[_Waiting] = weakref.WeakSet()
        self._timer: asyncio.TimerHandle | None = None

    def open(self, who: _Waiting) -> None:
        """Listen until all that opened it have closed it."""
        self._waiting.add(who)
        if self._timer is None or self._timer.when() < asyncio.get_running_loop().time():
            self._listen()

    def close(self, who: _Waiting) -> None:
        """One waits no longer."""
        self._waiting.discard(who)
        if not self._waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _listen(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(HEARD_WITHIN_S, self._listen)


#: one for each loop on which somebody waits
_ears: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Ear] = weakref.WeakKeyDictionary()
