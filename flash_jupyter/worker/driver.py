"""Runs one capsule on a worker: this text travels, joined with the capsule's, and is the entry there.

It depends on nothing that a host does: not on a namespace that lasts (state lives in the module that the text
becomes), not on a free event loop (the cell has a thread of its own, or the main thread where the host hands it over),
not on the host's capture of output.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import queue
import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from flash_jupyter.capsule.receiver import Receiver
from flash_jupyter.worker.descriptors import pipes
from flash_jupyter.worker.job import Job, outdated
from flash_jupyter.worker.output import Events, Stream
from flash_jupyter.worker.process import last_words, nobody_types, set_up_process

#: what a cancelled cell gets for its `finally` blocks before the process ends
GRACE_S = 2.0

#: the container's own stdout, which is its log: the cell's `sys.stdout` is something else
_log_fd = os.dup(1)
_streams = (Stream("stdout", 1, _log_fd), Stream("stderr", 2, _log_fd))


async def run_async(capsule: bytes) -> bytes:
    """Run a capsule in the one thread that is kept for it; when cancelled, stop it."""
    done = _user_thread().submit(capsule)
    try:
        return await asyncio.wrap_future(done)
    except asyncio.CancelledError:
        _user_thread().interrupt()
        _end_process_soon(130)
        raise
    finally:
        if ends_worker():
            _end_process_soon(0)


def ends_worker() -> bool:
    """Whether this process must not run another cell; a host of ours asks, under others it ends by itself."""
    return bool(outdated)


def _end_process_soon(code: int) -> None:
    timer = threading.Timer(GRACE_S, os._exit, [code])
    timer.daemon = True
    timer.start()


def run(capsule: bytes) -> bytes:
    """Run a capsule on this thread, and return the answer."""
    receiver = Receiver(capsule)
    order = receiver.order
    events = Events(order["run"], _log_fd, receiver.env.values())
    said = b""
    try:
        job = Job(receiver, events)
        with _environment(receiver.env), _captured(events), nobody_types(), _as_main(job.main):
            answer = job.answer()
        said = answer if order.get("says_answer") else b""
        return answer
    finally:
        events.close(said)


@contextmanager
def _environment(env: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _captured(events: Events) -> Iterator[None]:
    def flush() -> None:
        pipes().settle()
        events.flush()

    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _streams
    hosts = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    for stream in _streams:
        stream.lead_to(events, pipes().empty, hosts)
    try:
        pipes().lead_to(events)
        with last_words(flush):
            yield
    finally:
        try:
            pipes().lead_back()
        finally:  # also where a cell has closed what is ours
            events.flush()
            for stream in _streams:
                stream.lead_back()
            sys.stdout, sys.stderr = before


def _leave_streams() -> None:
    for stream in _streams:
        stream.leave()


set_up_process(_log_fd, _leave_streams)


@contextmanager
def _as_main(module: types.ModuleType) -> Iterator[None]:
    before = sys.modules.get("__main__")
    sys.modules["__main__"] = module
    try:
        yield
    finally:
        if before is not None:
            sys.modules["__main__"] = before


class _UserThread:
    """The one long-lived thread in which cells run where the host keeps the main thread for itself."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[bytes, Future[bytes]]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="flash_jupyter cell", daemon=True)
        self._thread.start()

    def submit(self, capsule: bytes) -> Future[bytes]:
        done: Future[bytes] = Future()
        self._work.put((capsule, done))
        return done

    def interrupt(self) -> None:
        """Raise `KeyboardInterrupt` in the cell at its next bytecode."""
        ident = ctypes.c_ulong(self._thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(KeyboardInterrupt))

    def _serve(self) -> None:
        while True:
            capsule, done = self._work.get()
            try:
                answer = run(capsule)
            except BaseException as error:
                _settle(done, error)
            else:
                _settle(done, answer)


def _settle(done: Future[bytes], outcome: bytes | BaseException) -> None:
    if done.cancelled():
        return
    if isinstance(outcome, BaseException):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


_threads: list[_UserThread] = []


def _user_thread() -> _UserThread:
    if not _threads:
        _threads.append(_UserThread())
    return _threads[0]
