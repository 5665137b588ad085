"""A notebook as a test drives it: a real ipykernel, a real embedded Runpod process, both ended by their own pid."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
import pytest
from environment import plain_environment
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from flash_jupyter.session.local import local_info, stop_local
from flash_jupyter.session.local_admin import LocalAdmin
from flash_jupyter.settings import Settings, read_settings
from flash_jupyter.views.card import CARD
from flash_jupyter.views.format import one_line

CELL_TIMEOUT_S = 90.0
ANSI = re.compile(r"\x1b\[[\d;]*m")
#: begins what is ours: lines, cards
OURS = (one_line("")["text/html"].removesuffix("</div>"), CARD)


@dataclass
class Cell:
    """What one executed cell put out, in order, as a frontend would show it; lines of ours stand apart."""

    outputs: list[tuple[str, str]] = field(default_factory=list)
    status_lines: list[str] = field(default_factory=list)
    bundles: list[dict[str, Any]] = field(default_factory=list)
    result: str | None = None
    result_bundle: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    ename: str = ""
    traceback: str = ""
    coloured: str = ""

    def text(self, name: str) -> str:
        """All text of `stdout`, `stderr`, `display` or `update`."""
        return "".join(text for kind, text in self.outputs if kind == name)

    @property
    def stdout(self) -> str:
        return self.text("stdout")

    @property
    def stderr(self) -> str:
        return self.text("stderr")

    @property
    def displays(self) -> list[str]:
        return [text for kind, text in self.outputs if kind in ("display", "update")]

    @property
    def status(self) -> str:
        """The last line that says where the cell ran, or what is to be said about it."""
        return self.status_lines[-1] if self.status_lines else ""


class Notebook:
    """One kernel with the extension loaded. `run` executes a cell and gives back what it put out."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str, *, timeout_s: float = CELL_TIMEOUT_S) -> Cell:
        return self.wait(self.start(code), timeout_s=timeout_s)

    def ok(self, code: str) -> Cell:
        """Run a cell that must not fail."""
        cell = self.run(code)
        assert not cell.ename, f"{cell.traceback}\n{cell.stderr}"
        return cell

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the kernel; its repr must be a literal."""
        import ast

        return ast.literal_eval(self.ok(expression).result or "None")

    def start(self, code: str) -> str:
        """Send a cell and do not wait."""
        return str(self.client.execute(code))

    def wait(
        self, message_id: str, *, timeout_s: float = CELL_TIMEOUT_S, until: Callable[[Cell], bool] | None = None
    ) -> Cell:
        """Read outputs until the cell has ended, or until `until` holds."""
        cell, deadline = Cell(), time.monotonic() + timeout_s
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"not over after {timeout_s} s: {cell}"
            try:
                message = self.client.get_iopub_msg(timeout=left)
            except Empty:
                continue
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return self._with_reply(cell, message_id, deadline)
            _add(cell, kind, content)
            if until is not None and until(cell):
                return cell

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def complete(self, cell: str) -> list[str]:
        """Return what the kernel offers at the end of a cell, as a frontend asks for it."""
        return list(self.client.complete(cell, reply=True, timeout=CELL_TIMEOUT_S)["content"]["matches"])

    def help(self, cell: str) -> str:
        """Run a cell that asks for help, and return the text of the pager."""
        reply = self.client.execute(cell, reply=True, timeout=CELL_TIMEOUT_S)
        return "".join(page["data"]["text/plain"] for page in reply["content"]["payload"])

    def _with_reply(self, cell: Cell, message_id: str, deadline: float) -> Cell:
        while True:
            reply = self.client.get_shell_msg(timeout=max(0.1, deadline - time.monotonic()))
            if reply["parent_header"].get("msg_id") == message_id:
                break
        content = reply["content"]
        if content["status"] == "error" and not cell.ename:  # a UsageError: text on stderr, no error message
            cell.ename, cell.error = content["ename"], content["evalue"]
        return cell


def _add(cell: Cell, kind: str, content: dict[str, Any]) -> None:
    if kind in ("display_data", "update_display_data") and content["data"].get("text/html", "").startswith(OURS):
        cell.status_lines.append(content["data"]["text/plain"])
    elif kind == "stream":
        cell.outputs.append((content["name"], content["text"]))
    elif kind in ("display_data", "update_display_data"):
        cell.bundles.append(content["data"])
        verb = "display" if kind == "display_data" else "update"
        cell.outputs.append((verb, content["data"].get("text/plain", "")))
    elif kind == "execute_result":
        cell.result, cell.result_bundle = content["data"]["text/plain"], content["data"]
    elif kind == "clear_output":
        cell.outputs.append(("clear", str(content["wait"])))
    elif kind == "error":
        cell.ename, cell.error = content["ename"], content["evalue"]
        cell.coloured = "\n".join(content["traceback"])
        cell.traceback = ANSI.sub("", cell.coloured)


@dataclass
class Desk:
    """One user's folder, with as many kernels as a test opens there."""

    home: Path
    folder: Path
    kernels: list[Notebook] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return read_settings(plain_environment(self.home), project=self.folder)

    def open(self, *, load: bool = True, python: Path | None = None, env: dict[str, str] | None = None) -> Notebook:
        """Start a kernel in the folder of the notebook; `python` is the interpreter of another environment."""
        manager = KernelManager(kernel_name="python3")
        if python is not None:
            assert manager.kernel_spec is not None
            manager.kernel_spec.argv[0] = str(python)
        manager.start_kernel(cwd=str(self.folder), env={**plain_environment(self.home), **(env or {})})
        client = manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        notebook = Notebook(manager, client)
        self.kernels.append(notebook)
        if load:
            notebook.ok("%load_ext flash_jupyter")
        return notebook

    def python(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run Python beside the notebook, to its end."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=plain_environment(self.home),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=CELL_TIMEOUT_S,
            check=False,
        )

    def start_python(self, *arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start Python beside the notebook."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=plain_environment(self.home),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def server_pid(self) -> int:
        info = local_info(self.settings)
        assert info is not None, "the embedded Runpod does not run"
        return info.pid

    def workers(self) -> list[psutil.Process]:
        """The worker processes of this desk's embedded Runpod."""
        return psutil.Process(self.server_pid()).children(recursive=True)

    def close(self) -> None:
        for kernel in self.kernels:
            kernel.client.stop_channels()
            kernel.manager.shutdown_kernel(now=True)
        stop_local(self.settings)


def _desk(folder: Path) -> Iterator[Desk]:
    (folder / "work").mkdir(parents=True)
    desk = Desk(home=folder / "home", folder=folder / "work")
    try:
        yield desk
    finally:
        desk.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk of its own, for tests that change what stands on it."""
    yield from _desk(tmp_path / "desk")


@pytest.fixture(scope="session")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One embedded Runpod for all tests which leave it as it was."""
    yield from _desk(tmp_path_factory.mktemp("shared") / "desk")


@pytest.fixture
def fresh() -> str:
    """A name that nothing on any desk has, for a test that needs an endpoint without a worker."""
    return f"fresh-{secrets.token_hex(3)}"


@pytest.fixture(autouse=True)
def minute_of_its_own(request: pytest.FixtureRequest) -> None:
    """No test finds the control plane's minute used up by those before it: there are far more than one user's."""
    for name in {"shared_desk", "own_desk"} & {*request.fixturenames}:
        desk = request.getfixturevalue(name)
        if local_info(desk.settings) is not None:
            LocalAdmin(desk.settings).reset_limits()


@pytest.fixture(scope="module")
def own_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk a module, for tests that ask what is left there."""
    yield from _desk(tmp_path_factory.mktemp("own") / "desk")


@pytest.fixture(scope="module")
def kernel(shared_desk: Desk) -> Notebook:
    """One kernel a module."""
    return shared_desk.open()


@pytest.fixture
def notebook(kernel: Notebook) -> Notebook:
    """The module's kernel, with an empty namespace."""
    kernel.ok("%reset -f")
    return kernel
