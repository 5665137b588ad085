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
    loop = asyncio.get_running_loop()
    ear = _ears.get(loop)
    if ear is None:
        ear = _ears[loop] = _Ear()
    ear.open()
    try:
        yield
    finally:
        ear.close()


class _Ear:
    """Of one loop: one timer, however many wait."""

    def __init__(self) -> None:
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Listen, until as many closed it as opened it."""
        self._waiting += 1
        if self._timer is None:
            self._listen()

    def close(self) -> None:
        """One waits no longer."""
        self._waiting -= 1
        if self._timer is not None and not self._waiting:
            self._timer.cancel()
            self._timer = None

    def _listen(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(HEARD_WITHIN_S, self._listen)


#: one for each loop on which somebody waits
_ears: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Ear] = weakref.WeakKeyDictionary()
