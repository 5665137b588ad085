"""What a cell writes below Python: C code and child processes write to descriptors 1 and 2, not to `sys.stdout`.

While a cell runs both lead into pipes, which are made once for a process. A thread empties them; a print of the cell
empties them first, so that the order on the page is the order of writing.
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import fcntl
import os
import select
import threading

from flash_jupyter.worker.output import Events

#: so that C code which holds the interpreter's lock can say this much before somebody has to read it
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = getattr(fcntl, "F_SETPIPE_SZ", None)
C_LIBRARY = ctypes.CDLL(None)
#: "not buffered", for `setvbuf`
IONBF = 2


class Pipes:
    """Two pipes in the place of descriptors 1 and 2; what comes out of them goes to the events of the current run."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._events: Events | None = None
        self._read: dict[int, str] = {}
        self._write: dict[int, int] = {}
        self._originals = {fd: os.dup(fd) for fd in (1, 2)}
        self._decoders = {}
        self._full = select.poll()
        for fd, name in ((1, "stdout"), (2, "stderr")):
            read, self._write[fd] = os.pipe()
            os.set_blocking(read, False)
            _enlarge(read)
            self._read[read] = name
            self._full.register(read, select.POLLIN)
            self._decoders[read] = codecs.getincrementaldecoder("utf-8")("replace")
        _unbuffer_c_output()
        threading.Thread(target=self._empty_for_ever, name="flash_jupyter output", daemon=True).start()

    def lead_to(self, events: Events) -> None:
        """Take descriptors 1 and 2 over for one run."""
        with self._lock:
            self._events = events
        for fd, pipe in self._write.items():
            os.dup2(pipe, fd)

    def lead_back(self) -> None:
        """Give them back, and pass on what is still in the pipes."""
        self.settle()
        for fd, original in self._originals.items():
            os.dup2(original, fd)
        with self._lock:
            self._events = None

    def settle(self) -> None:
        """Pass on everything that has been written, what C's own buffers hold too."""
        C_LIBRARY.fflush(None)
        self.empty()

    def empty(self) -> None:
        """Pass on what is in the pipes now; what no run waits for is dropped.

        Every print asks, most find nothing: one look at both pipes takes a fraction of two reads that fail.
        """
        with self._lock:
            for pipe, _ in self._full.poll(0):
                while text := self._take(pipe):
                    if self._events is not None:
                        self._events.text(self._read[pipe], text)

    def _take(self, pipe: int) -> str:
        try:
            return self._decoders[pipe].decode(os.read(pipe, PIPE_BYTES))
        except BlockingIOError:
            return ""

    def _empty_for_ever(self) -> None:
        while True:
            select.select(list(self._read), [], [])
            self.empty()


def _unbuffer_c_output() -> None:
    """Let C's `printf` write at once, as `python -u` does: into a pipe it would write when 4 KiB have come."""
    with contextlib.suppress(ValueError):  # a C library that calls it something else
        C_LIBRARY.setvbuf(ctypes.c_void_p.in_dll(C_LIBRARY, "stdout"), None, IONBF, 0)


def _enlarge(pipe: int) -> None:
    if F_SETPIPE_SZ is not None:
        with contextlib.suppress(OSError):  # the user's limit: then it stays at 64 KiB
            fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)


_pipes: list[Pipes] = []


def pipes() -> Pipes:
    """The pipes of this process, made when first asked for."""
    if not _pipes:
        _pipes.append(Pipes())
    return _pipes[0]
