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
import linecache
import os
import queue
import sys
import threading
import time
import traceback
import types
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

from flash_jupyter.capsule.blame import type_name
from flash_jupyter.capsule.receiver import RESULT_NAME, Receiver
from flash_jupyter.worker.descriptors import pipes
from flash_jupyter.worker.display import Displayer, mimebundle
from flash_jupyter.worker.install import FreshWorkerNeeded, InstallError, install
from flash_jupyter.worker.modules import install_modules
from flash_jupyter.worker.output import Events, NoInput, Stream
from flash_jupyter.worker.plots import plot_backend
from flash_jupyter.worker.shell import Shell

ANSWER_VERSION = 1
#: what a cancelled cell gets for its `finally` blocks before the process ends
GRACE_S = 2.0
#: a result larger than this never arrives (Runpod docs, operation reference: 20 MB), and base64 takes a third
ANSWER_BYTES = 14_000_000

#: the container's own stdout, which is its log: the cell's `sys.stdout` is something else
_log_fd = os.dup(1)
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
    try:
        return _Run(receiver, events).answer()
    finally:
        events.close()


class _Run:
    """One cell on its way: prepare, execute, pack."""

    def __init__(self, receiver: Receiver, events: Events) -> None:
        self._receiver, self._order, self._events = receiver, receiver.order, events
        self._displayer = Displayer(events.emit)
        self._plots = plot_backend()
        self._plots.displayer = self._displayer
        self._main = types.ModuleType("__main__")
        self._report: dict[str, Any] = {"version": ANSWER_VERSION, "status": "ok", "error": None, "exit_code": None}
        self._report |= {"installed": [], "phases": {}}
        self._result: dict[str, Any] = {}
        self._plumbing: dict[str, Any] = {}

    def answer(self) -> bytes:
        """Run the cell and put everything that it made into bytes."""
        with _environment(self._receiver.env), _captured(self._events), _as_main(self._main):
            if self._prepare():
                self._execute()
            return self._pack()

    def _prepare(self) -> bool:
        try:
            with self._phase("dependencies"):
                self._install()
            install_modules(self._order.get("modules", {}))
            self._fill_namespace()
        except FreshWorkerNeeded as error:
            _outdated.append(str(error))
            self._fail("restart", "FreshWorkerNeeded", f"{error} is already imported in another version")
        except InstallError as error:
            self._fail("error", "DependencyError", str(error))
        except Exception as error:  # an object's own code runs while it is unpickled
            self._fail("error", "DeserializationError", f"what the cell reads can't be rebuilt here: {_say(error)}")
        else:
            return True
        return False

    def _install(self) -> None:
        if _outdated:
            raise FreshWorkerNeeded(_outdated[0])
        self._report["installed"] = install(self._order.get("deps", []))

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
        self._displayer.lead_here()

    def _execute(self) -> None:
        with self._phase("running"):
            try:
                self._run_source()
                self._plots.show_all()
            except SystemExit as error:
                self._report.update(status="exit", exit_code=_exit_code(error))
            except BaseException as error:
                self._report.update(status="error", error=describe(error, self._order["filename"]))

    def _run_source(self) -> None:
        filename, source = self._order["filename"], self._order["source"]
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        body, last = _split(source, filename)
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        _finish(eval(compile(body, filename, "exec", flags), self._main.__dict__))
        if last is not None:
            value = _finish(eval(compile(last, filename, "eval", flags), self._main.__dict__))
            if value is not None:
                self._result[RESULT_NAME] = value

    def _pack(self) -> bytes:
        with self._phase("returning"):
            out, drop = self._order.get("out"), set(self._order.get("drop", ()))

            def keep(name: str) -> bool:
                return name not in drop and not self._is_plumbing(name) and (out is None or name in out)

            answer = self._receiver.pack(self._final_report(), self._result, keep)
            if any(failure["name"] == RESULT_NAME for failure in self._receiver.failed):
                self._report["result_bundle"] = mimebundle(self._result.pop(RESULT_NAME))
                answer = self._receiver.pack(self._final_report(), {}, keep)
            return self._within_limit(answer)

    def _is_plumbing(self, name: str) -> bool:
        """Whether a name is ours, not the cell's."""
        return name in self._plumbing and self._main.__dict__.get(name) is self._plumbing[name]

    def _final_report(self) -> dict[str, Any]:
        pipes().settle()
        self._events.flush()
        return self._report | {"events": self._events.kept(), "events_total": self._events.count}

    def _within_limit(self, answer: bytes) -> bytes:
        """An answer that is too large would be lost as a whole: then say so instead, and send what is known of it."""
        if len(answer) <= ANSWER_BYTES:
            return answer
        self._fail("too_large", "ResultTooLarge", f"{len(answer)}")
        sizes = self._receiver.sizes()
        return self._receiver.pack(self._final_report() | {"sizes": sizes}, {}, lambda _name: False)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._report["phases"][name] = round(time.perf_counter() - started, 6)


def _split(source: str, filename: str) -> tuple[ast.Module, ast.Expression | None]:
    """Take the last expression off a cell, unless a semicolon follows it."""
    tree = ast.parse(source, filename)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or _ends_with_semicolon(source):
        return tree, None
    return ast.Module(tree.body[:-1], tree.type_ignores), ast.Expression(last.value)


def _ends_with_semicolon(source: str) -> bool:
    lines = [line.split("#")[0].rstrip() for line in source.splitlines()]
    return bool([line for line in lines if line] and [line for line in lines if line][-1].endswith(";"))


def _finish(value: Any) -> Any:
    """Run a coroutine that top-level `await` made of the cell."""
    if isinstance(value, types.CoroutineType) and value.cr_code.co_name == "<module>":
        return asyncio.run(value)
    return value


def describe(error: BaseException, filename: str) -> dict[str, Any]:
    """An exception as plain data: type, message, the user's frames, and its causes."""
    chain, seen, cause = [], {id(error)}, error.__cause__ or (not error.__suppress_context__ and error.__context__)
    while cause and id(cause) not in seen:
        chain.append(_say(cause))
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    frames = [
        {"filename": frame.filename, "line": frame.lineno, "name": frame.name, "text": frame.line or ""}
        for frame in _user_frames(error, filename)
    ]
    return {"type": type_name(error), "message": _message(error), "frames": frames, "chain": chain}


def _user_frames(error: BaseException, filename: str) -> list[traceback.FrameSummary]:
    ours = __name__ if __name__.startswith("_") else __file__
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != ours]
    first = next((index for index, frame in enumerate(frames) if frame.filename == filename), None)
    if first is not None:
        return frames[first:]
    if isinstance(error, SyntaxError) and error.filename == filename:
        return [traceback.FrameSummary(filename, error.lineno or 0, "<module>", line=error.text or "")]
    return frames[-1:]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # `__str__` is the user's code
        return f"<its text raised {type(broken).__name__}>"


def _say(error: BaseException) -> str:
    return f"{type_name(error)}: {_message(error)}"


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    sys.stderr.write(f"{error.code}\n")
    return 1


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
    before = sys.stdin, sys.stdout, sys.stderr
    empty = pipes().empty
    sys.stdin = NoInput()
    sys.stdout, sys.stderr = Stream("stdout", events, 1, empty), Stream("stderr", events, 2, empty)
    try:
        with pipes().lead_to(events):
            yield
    finally:
        events.flush()
        sys.stdin, sys.stdout, sys.stderr = before


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
