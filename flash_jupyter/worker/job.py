"""One job on a worker: prepared, executed, and packed into its answer.

A failure of the user's code is an answer like any other, so what was bound before it comes home.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import io
import linecache
import time
import tokenize
import types
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flash_jupyter.capsule.receiver import ERROR_NAME, RESULT_NAME, Receiver
from flash_jupyter.worker.calls import Call, Lost, home_of, read_call, refuse_lost, run_on_new_loop
from flash_jupyter.worker.descriptors import pipes
from flash_jupyter.worker.display import Displayer, mimebundle, plot_backend
from flash_jupyter.worker.failures import describe, exit_code, loaded_versions, say, skew_text
from flash_jupyter.worker.install import FreshWorkerNeeded, InstallError, install, refuse_missing_packages
from flash_jupyter.worker.modules import install_modules
from flash_jupyter.worker.output import Events
from flash_jupyter.worker.shell import Shell

ANSWER_VERSION = 1
#: a result larger than this never arrives (Runpod docs, operation reference: 20 MB), and base64 takes a third
ANSWER_BYTES = 14_000_000
#: where a cell's code leaves the value of its last expression
VALUE = "__flash_jupyter_value__"

#: dependencies that this process has in a version that a cell did not want
outdated: list[str] = []


class Job:
    """A cell or a call on its way; `main` is the module that its code runs in."""

    def __init__(self, receiver: Receiver, events: Events) -> None:
        self._receiver, self._order, self._events = receiver, receiver.order, events
        self._displayer = Displayer(events.emit, events.show)
        self._plots = plot_backend()
        self._plots.displayer = self._displayer
        self.main = home_of(self._order) or types.ModuleType("__main__")
        self._call: Call | None = None
        self._report: dict[str, Any] = {"version": ANSWER_VERSION, "status": "ok", "error": None, "exit_code": None}
        self._report |= {"installed": [], "phases": {}}
        self._result: dict[str, Any] = {}
        self._plumbing: dict[str, Any] = {}
        self._began_at = time.time()

    def answer(self) -> bytes:
        """Run the cell and put everything that it made into bytes."""
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
            outdated.append(str(error))
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
        if outdated:
            raise FreshWorkerNeeded(outdated[0])
        refuse_missing_packages(self._order.get("apt", []))
        deps = self._order.get("deps", [])
        if deps:
            names = ", ".join(dep.partition("@")[0].rstrip() for dep in deps)  # an address is long, may have a token
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
        namespace = self.main.__dict__
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
            self._call = read_call(self._order, self.main)
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
        running = eval(code, self.main.__dict__)
        if code.co_flags & inspect.CO_COROUTINE:  # it awaits at top level: all of it is one coroutine
            run_on_new_loop(running)
        value = self.main.__dict__.pop(VALUE, None)
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
        return name in self._plumbing and self.main.__dict__.get(name) is self._plumbing[name]

    def _final_report(self, *, late: bool = True) -> dict[str, Any]:
        pipes().settle()
        self._events.flush()
        told = {
            "events": self._events.kept(late=late),
            "events_total": self._events.count,
            "began_at": self._began_at,
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

    def _phase(self, name: str) -> _Phase:
        return _Phase(self._report["phases"], name)


class _Phase:
    """Notes how long something took."""

    def __init__(self, phases: dict[str, float], name: str) -> None:
        self._phases, self._name, self._started = phases, name, time.perf_counter()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._phases[self._name] = round(time.perf_counter() - self._started, 6)


def _largest(sizes: dict[str, int], excess: int) -> list[str]:
    """The fewest names, largest first, that take `excess` bytes together."""
    chosen: list[str] = []
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if excess <= 0:
            break
        chosen.append(name)
        excess -= sizes[name]
    return chosen


def with_result(source: str, filename: str) -> ast.Module:
    """Let a cell bind the value of its last expression, unless a semicolon follows it."""
    tree = ast.parse(source, filename)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr) and not _ends_with_semicolon(source):
        binding = ast.Assign([ast.Name(VALUE, ast.Store())], last.value)
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(binding, last))
    return tree


def _ends_with_semicolon(source: str) -> bool:
    skip = {tokenize.COMMENT, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER}
    tokens = [
        token.string for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in skip
    ]
    return bool(tokens) and tokens[-1] == ";"
