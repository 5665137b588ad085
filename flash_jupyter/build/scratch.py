"""A scratch copy of a notebook: run in a kernel and a folder of its own, so that the user's stay as they are."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import Any

from jupyter_client.manager import KernelManager

from flash_jupyter.build.cells import Cell, Notebook, Role
from flash_jupyter.errors import BuildError

READY_S, CELL_S = 60.0, 600.0
#: between two looks whether the kernel is still there
_LOOK_S = 0.5
#: what is large, and no part of what a cell reads
_NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".flash", ".venv", ".venvs", "venv", "node_modules", "__pycache__", ".ipynb_checkpoints"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache"),
)
#: a scratch copy has no key of the cloud
_WITHOUT = {"RUNPOD_API_KEY": ""}
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


class Stopped(Exception):
    """Another thread wants the end of a scratch copy: nobody waits for what it gives."""


@dataclass(frozen=True)
class Failure:
    """How a cell failed: the exception in one line, and the line of the cell, 0 where it is not known."""

    text: str
    line: int = 0


class Scratch:
    """A kernel in a copy of a folder; `variables` are set in its environment. A context: both are gone afterwards.

    With `files`, POSIX path -> content, the copy is of these alone, and nothing else of the folder is read. A cell may
    run `cell_s` seconds. Once `stop` is set, what waits for the kernel raises `Stopped`.
    """

    def __init__(
        self,
        root: Path,
        notebook: str,
        variables: Mapping[str, str],
        *,
        cell_s: float = CELL_S,
        stop: threading.Event | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self._root, self._notebook, self._variables, self._cell_s = root, notebook, dict(variables), cell_s
        self._stop, self._files = stop or threading.Event(), files

    def __enter__(self) -> Scratch:
        self._folder = Path(tempfile.mkdtemp(prefix="flash-scratch-"))
        try:
            copied = self._folder / self._root.name
            self._fill(copied)
            self._start((copied / self._notebook).parent)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if hasattr(self, "_client"):
            self._client.stop_channels()
        if hasattr(self, "_manager"):
            self._manager.shutdown_kernel(now=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fill(self, copied: Path) -> None:
        try:
            if self._files is None:
                shutil.copytree(self._root, copied, ignore=_NOT_COPIED, copy_function=_copy_or_link, dirs_exist_ok=True)
                return
            copied.mkdir(exist_ok=True)
            for name, content in self._files.items():
                (copied / name).parent.mkdir(parents=True, exist_ok=True)
                (copied / name).write_bytes(content)
        except OSError as error:
            raise BuildError(
                f"{self._root} can't be copied for a scratch copy: {_reason(error)}",
                fix="make it readable, or move what is no part of the project out of its folder",
            ) from None

    def _start(self, folder: Path) -> None:
        self._manager = KernelManager(kernel_name="python3")
        assert self._manager.kernel_spec is not None
        self._manager.kernel_spec.argv[0] = sys.executable
        self._manager.kernel_spec.argv.append("--HistoryManager.enabled=False")  # it is the user's
        self._manager.kernel_spec.env = {**self._variables, **_WITHOUT}
        self._manager.start_kernel(cwd=str(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        try:
            self._client.wait_for_ready(timeout=READY_S)
        except RuntimeError as error:
            raise BuildError(
                f"the kernel for the scratch copy of {self._notebook} does not start: {error}",
                fix="look whether ipykernel works here, or build without --preview",
            ) from None

    def run(self, code: str, then: str = "None") -> Failure | None:
        """Run a cell to its end, and evaluate an expression right after it; returns how the cell failed."""
        content = self._execute(code, {"then": then})
        return _failure(content, code) if content["status"] == "error" else None

    def value(self, expression: str) -> Any:
        """Return the value of an expression whose `repr` is a literal; raises `BuildError` where it raises."""
        content = self._execute("", {"value": expression})
        found = content["user_expressions"]["value"] if content["status"] == "ok" else content
        if found["status"] != "ok":
            raise BuildError(f"the scratch copy of {self._notebook} failed: {found['ename']}: {found['evalue']}")
        return ast.literal_eval(found["data"]["text/plain"])

    def _execute(self, code: str, expressions: dict[str, str]) -> Any:
        sent = self._client.execute(
            code,
            store_history=bool(code),
            user_expressions=expressions,
            allow_stdin=False,
            stop_on_error=False,  # else a kernel drops what is asked right after a cell that failed
        )
        deadline = time.monotonic() + self._cell_s
        while time.monotonic() < deadline:
            try:
                reply = self._client.get_shell_msg(timeout=_LOOK_S)
            except Empty:
                if self._stop.is_set():
                    raise Stopped from None
                if not self._manager.is_alive():
                    raise BuildError(f"the kernel of the scratch copy of {self._notebook} ended") from None
                continue
            if reply["parent_header"].get("msg_id") == sent:
                return reply["content"]
        self._manager.interrupt_kernel()  # what is asked next must not wait for it
        return {"status": "error", "ename": "TimeoutError", "evalue": f"it ran longer than {self._cell_s:.0f} s"}


def in_order(notebook: Notebook) -> Iterator[Cell]:
    """Yield the cells as they were run, where each has a number; else as they stand."""
    cells = [cell for cell in notebook.cells if cell.role not in (Role.SKIP, Role.TEST)]
    counts = {cell.execution_count for cell in cells}
    if None in counts or len(counts) < len(cells):
        yield from cells
    else:
        yield from sorted(cells, key=lambda cell: cell.execution_count or 0)


def _copy_or_link(source: str, target: str) -> None:
    """Large files are data; a link to them is enough."""
    with contextlib.suppress(OSError):
        if Path(source).stat().st_size > 100_000_000:
            os.symlink(source, target)  # noqa: PTH211 - both are texts here
        else:
            shutil.copy2(source, target)


def _reason(error: OSError) -> str:
    """The first of what went wrong: `shutil.Error` has a list, of source, target and what the system said."""
    return str(error.args[0][0][2] if isinstance(error, shutil.Error) else error)


def _failure(content: Mapping[str, Any], code: str) -> Failure:
    name, said = content.get("ename", ""), content.get("evalue", "")
    line = _line(content.get("traceback", ()))
    source = code.splitlines()[line - 1].strip() if 0 < line <= len(code.splitlines()) else ""
    text = f"{name}: {said}" if said else name
    return Failure(f"{text}, in `{source}`" if source else text, line)


def _line(traceback: Iterable[str]) -> int:
    """The cell's own line in a traceback of IPython's: its first frame, `Cell In[n], line m`."""
    found = re.search(r"Cell In\[\d+\], line (\d+)", _COLOUR.sub("", "\n".join(traceback)))
    return int(found[1]) if found else 0
