"""Runs one capsule on a worker: this text travels, joined with the capsule's, and is the entry there.

It depends on nothing that a host does: not on a namespace that lasts (state lives in the module that the text
becomes), not on a free event loop (the cell has a thread of its own, or the main thread where the host hands it over),
not on the host's capture of output. A failure of the user's code is an answer like any other, so what was bound
before it comes home.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import ctypes
import importlib
import inspect
import linecache
import os
import queue
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

from flash_jupyter.capsule.receiver import ERROR_NAME, RESULT_NAME, Receiver
from flash_jupyter.worker.calls import Call, Lost, home_of, read_call, refuse_lost, run_alone
from flash_jupyter.worker.descriptors import pipes
from flash_jupyter.worker.display import Displayer, mimebundle
from flash_jupyter.worker.failures import describe, exit_code, say
from flash_jupyter.worker.install import FreshWorkerNeeded, InstallError, install, refuse_missing_packages
from flash_jupyter.worker.keyboard import nobody_types
from flash_jupyter.worker.modules import install_modules
from flash_jupyter.worker.output import Events, Stream
from flash_jupyter.worker.plots import plot_backend
from flash_jupyter.worker.process import last_words, set_up_process
from flash_jupyter.worker.shell import Shell
from flash_jupyter.worker.source import VALUE, with_result
from flash_jupyter.worker.versions import loaded_versions, skew_text

ANSWER_VERSION = 1
#: what a cancelled cell gets for its `finally` blocks before the process ends
GRACE_S = 2.0
#: a result larger than this never arrives (Runpod docs, operation reference: 20 MB), and base64 takes a third
ANSWER_BYTES = 14_000_000

#: the container's own stdout, which is its log: the cell's `sys.stdout` is something else
_log_fd = os.dup(1)
_streams = (Stream("stdout", 1, _log_fd), Stream("stderr", 2, _log_fd))
#: dependencies that this process has in a version that a cell did not want
_outdated: list[str] = []


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
    return bool(_outdated)


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
        answer = _Run(receiver, events).answer()
        said = answer if order.get("says_answer") else b""
        return answer
    finally:
        events.close(said)


class _Run:
    """One cell on its way: prepare, execute, pack."""

    def __init__(self, receiver: Receiver, events: Events) -> None:
        self._receiver, self._order, self._events = receiver, receiver.order, events
        self._displayer = Displayer(events.emit, events.show)
        self._plots = plot_backend()
        self._plots.displayer = self._displayer
        self._main = home_of(self._order) or types.ModuleType("__main__")
        self._call: Call | None = None
        self._report: dict[str, Any] = {"version": ANSWER_VERSION, "status": "ok", "error": None, "exit_code": None}
        self._report |= {"installed": [], "phases": {}}
        self._result: dict[str, Any] = {}
        self._plumbing: dict[str, Any] = {}

    def answer(self) -> bytes:
        """Run the cell and put everything that it made into bytes."""
        with _environment(self._receiver.env), _captured(self._events), nobody_types(), _as_main(self._main):
            if self._prepare():
                self._execute()
            return self._pack()

    def _prepare(self) -> bool:
        try:
            refuse_lost(self._order)
            if self._receiver.skew:
                self._fail("error", "VersionSkewError", f"functions of the notebook are {self._receiver.skew}")
                return False
            with self._phase("dependencies"):
                self._install()
            install_modules(self._order.get("modules", {}))
            self._fill_namespace()
        except FreshWorkerNeeded as error:
            _outdated.append(str(error))
            self._fail("restart", "FreshWorkerNeeded", f"{error} is already imported in another version")
        except InstallError as error:
            self._fail("error", error.kind, str(error))
        except Lost:
            self._fail("lost", "InstanceLost", "")
        except Exception as error:  # an object's own code runs while it is unpickled
            text = (
                f"what the cell reads can't be rebuilt here: {say(error)}{skew_text(self._order.get('versions', {}))}"
            )
            self._fail("error", "DeserializationError", text)
        else:
            return True
        return False

    def _install(self) -> None:
        if _outdated:
            raise FreshWorkerNeeded(_outdated[0])
        refuse_missing_packages(self._order.get("apt", []))
        deps = self._order.get("deps", [])
        if deps:
            names = ", ".join(
                dep.partition("@")[0].rstrip() for dep in deps
            )  # an address is long, and may have a token
            self._events.emit({"t": "phase", "name": "dependencies", "detail": names})
        done = install(deps)
        self._report["installed"] = list(done.names)
        if done.text:
            self._events.emit({"t": "notice", "text": done.text})
        if deps:
            self._events.emit({"t": "phase", "name": "running"})

    def _fail(self, status: str, kind: str, message: str) -> None:
        error = {"type": kind, "message": message, "frames": [], "chain": []}
        self._report.update(status=status, error=error)

    def _fill_namespace(self) -> None:
        namespace = self._main.__dict__
        shell = Shell(namespace)
        namespace.update(
            __builtins__=builtins,
            display=self._displayer.display,
            get_ipython=lambda: shell,
        )
        self._plumbing = dict(namespace)
        for name in self._order.get("submodules", []):  # `import a.b` binds `a`: its part must be loaded as well
            with suppress(ImportError):
                importlib.import_module(name)
        self._receiver.load(namespace)
        if self._order["kind"] != "cell":
            self._call = read_call(self._order, self._main)
        self._displayer.lead_here()

    def _execute(self) -> None:
        with self._phase("running"):
            stopped = self._run_guarded(self._run_code)
            if not stopped:  # also of a cell that failed: what it drew is a part of its output
                self._run_guarded(self._plots.show_all)

    def _run_guarded(self, work: Callable[[], None]) -> bool:
        """Do something of the user's; the first failure is reported. Returns whether the cell is being stopped."""
        try:
            work()
        except SystemExit as error:
            self._report.update(status="exit", exit_code=exit_code(error))
        except BaseException as error:
            if self._report["status"] == "ok":
                filename = self._call.filename if self._call else self._order["filename"]
                self._report.update(status="error", error=describe(error, filename))
                if isinstance(error, Exception):
                    self._result[ERROR_NAME] = error
            return not isinstance(error, Exception)
        return False

    def _run_code(self) -> None:
        if self._call is None:
            self._run_source()
        else:
            self._result[RESULT_NAME] = self._call.run()

    def _run_source(self) -> None:
        filename, source = self._order["filename"], self._order["source"]
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(with_result(source, filename), filename, "exec", flags, dont_inherit=True)
        running = eval(code, self._main.__dict__)
        if code.co_flags & inspect.CO_COROUTINE:  # it awaits at top level: all of it is one coroutine
            run_alone(running)
        value = self._main.__dict__.pop(VALUE, None)
        if value is not None:
            self._result[RESULT_NAME] = value

    def _pack(self) -> bytes:
        if self._order["kind"] != "cell":
            return self._pack_result()
        with self._phase("returning"):
            out, drop = self._order.get("out"), set(self._order.get("drop", ()))

            def keep(name: str) -> bool:
                return name not in drop and not self._is_plumbing(name) and (out is None or name in out)

            answer = self._receiver.pack(self._final_report(), self._result, keep)
            if any(failure["name"] == RESULT_NAME for failure in self._receiver.failed):
                self._report["result_bundle"] = mimebundle(self._result.pop(RESULT_NAME))
                answer = self._receiver.pack(self._final_report(), {}, keep)
            return self._within_limit(answer, keep)

    def _pack_result(self) -> bytes:
        """Put what a call returned into bytes; the names of its namespace stay here."""
        with self._phase("returning"):
            if self._call is not None:
                self._report["instance"] = self._call.is_held
            answer = self._receiver.pack_result(self._final_report(), self._result)
            if len(answer) <= ANSWER_BYTES:
                return answer
            if self._report["status"] == "ok":  # else it is the exception that takes so much
                self._fail("too_large", "ResultTooLarge", f"{len(answer)}")
            return self._receiver.pack_result(self._final_report() | {"sizes": {"the result": len(answer)}}, {})

    def _is_plumbing(self, name: str) -> bool:
        """Whether a name is ours, not the cell's."""
        return name in self._plumbing and self._main.__dict__.get(name) is self._plumbing[name]

    def _final_report(self, *, late: bool = True) -> dict[str, Any]:
        pipes().settle()
        self._events.flush()
        told = {
            "events": self._events.kept(late=late),
            "events_total": self._events.count,
            "versions": loaded_versions(self._order.get("versions", ())),
        }
        return self._report | told

    def _within_limit(self, answer: bytes, keep: Callable[[str], bool]) -> bytes:
        """An answer that is too large would be lost as a whole: leave the largest values there, and say so."""
        if len(answer) <= ANSWER_BYTES:
            return answer
        self._result.pop(ERROR_NAME, None)
        answer = self._receiver.pack(self._final_report(late=False), self._result, keep)
        if len(answer) <= ANSWER_BYTES:
            return answer
        sizes = self._receiver.sizes()
        left = _largest(sizes, sum(sizes.values()) - ANSWER_BYTES * 9 // 10)
        self._report["left"] = {name: sizes[name] for name in left}
        result = {name: value for name, value in self._result.items() if len(left) < len(sizes)}
        smaller = self._receiver.pack(self._final_report(), result, lambda name: keep(name) and name not in left)
        if len(smaller) <= ANSWER_BYTES:
            return smaller
        self._fail("too_large", "ResultTooLarge", f"{len(smaller)}")
        return self._receiver.pack(self._final_report() | {"sizes": sizes}, {}, lambda _name: False)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._report["phases"][name] = round(time.perf_counter() - started, 6)


def _largest(sizes: dict[str, int], excess: int) -> list[str]:
    """The fewest names, largest first, that take `excess` bytes together."""
    chosen: list[str] = []
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if excess <= 0:
            break
        chosen.append(name)
        excess -= sizes[name]
    return chosen


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
    for stream in _streams:
        stream.lead_to(events, pipes().empty)
    try:
        with pipes().lead_to(events), last_words(flush):
            yield
    finally:
        events.flush()
        for stream in _streams:
            stream.lead_to(None)
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
