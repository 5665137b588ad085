"""A Jupyter server of a test's own: its folders, its embedded Runpod, its port; ended by its own pid."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import nbformat
from environment import plain_environment

from flash_jupyter.session.local import stop_local
from flash_jupyter.settings import Settings, read_settings

START_S = 120.0
STOP_S = 20.0
#: the user's settings of Lab: no question about news, no request to a foreign host
SETTINGS = {"@jupyterlab/apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}'}


class JupyterServer:
    """`jupyter lab` (or `notebook`, or `server`) of an interpreter over a folder of notebooks. Used as a context."""

    def __init__(
        self, home: Path, *, application: str = "lab", base_url: str = "/", python: str | Path = sys.executable
    ) -> None:
        self.home, self.folder = home, home / "work"
        self.folder.mkdir(parents=True)
        self._application, self._base_url, self._python = application, base_url, python
        self._token = secrets.token_hex(16)
        self.environment = plain_environment(home / "flash") | {
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        }
        self.reset_settings()

    def __enter__(self) -> JupyterServer:
        self.origin = f"http://127.0.0.1:{_free_port()}"
        self.start()
        return self

    def start(self) -> None:
        """Start the server, where it was when it ran before; wait until it answers."""
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self.folder, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def stop(self) -> None:
        """End the server with its kernels; the embedded Runpod goes on."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        stop_local(self.settings)

    @property
    def settings(self) -> Settings:
        """What a kernel of this server reads."""
        return read_settings(self.environment, project=self.folder)

    @property
    def log(self) -> str:
        """What the server said."""
        return (self.home / "server.log").read_text(errors="replace")

    @property
    def headers(self) -> dict[str, str]:
        """What lets a request in."""
        return {"Authorization": f"token {self._token}"}

    def client(self) -> httpx.Client:
        """Return a client of our routes."""
        base_url = f"{self.origin}{self._base_url}flash-jupyter/api"
        return httpx.Client(base_url=base_url, headers=self.headers, timeout=60, trust_env=False)

    def address(self, path: str) -> str:
        """Make the address of a page of this server, which lets the browser in."""
        return f"{self.origin}{self._base_url}{path}{'&' if '?' in path else '?'}token={self._token}"

    def page(self, path: str) -> str:
        """Return the text of a page of this server."""
        answer = httpx.get(f"{self.origin}{self._base_url}{path}", headers=self.headers, timeout=60, trust_env=False)
        answer.raise_for_status()
        return answer.text

    def ask(self, method: str, path: str, **arguments: Any) -> Any:
        """Send a request to Jupyter's REST API, and give its JSON, or None without one."""
        answer = httpx.request(
            method,
            f"{self.origin}{self._base_url}api/{path}",
            headers=self.headers,
            timeout=30,
            **arguments,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def shut_down_kernels(self) -> None:
        """End all kernels, as the user does who closes a notebook with its kernel."""
        for session in self.ask("GET", "sessions"):
            self.ask("DELETE", f"sessions/{session['id']}")

    def flash(self, *arguments: str) -> None:
        """Run the command line in the user's folder; it must not fail."""
        flash = Path(sys.executable).with_name("flash")
        done = subprocess.run(
            [flash, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def add_kernel(self, name: str, python: Path) -> str:
        """Make an interpreter's ipykernel one of the kernels of this server; give its name."""
        folder = self.home / "data" / "kernels" / name
        folder.mkdir(parents=True)
        command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        document = {"argv": command, "display_name": name, "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(document))
        return name

    def write_notebook(self, name: str, *cells: str, kernel: str = "python3") -> str:
        """Write a notebook with these code cells (one empty cell without any); give its path."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells or ("",)],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        )
        nbformat.write(notebook, self.folder / name)
        return name

    def read_notebook(self, name: str) -> Any:
        """Read a notebook as it was saved."""
        return nbformat.read(self.folder / name, as_version=4)

    def reset_settings(self) -> None:
        """Make the user's settings of Lab those of a test's beginning, light theme and all."""
        folder = self.home / "config" / "lab" / "user-settings"
        for file in folder.glob("*/*/*.jupyterlab-settings"):
            file.unlink()
        for name, text in SETTINGS.items():
            file = folder / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def _command(self) -> list[str]:
        port = self.origin.rpartition(":")[2]
        command = [str(self._python), "-m", "jupyter", self._application, "--no-browser", "--ip=127.0.0.1"]
        command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self._token}"]
        command += [f"--ServerApp.base_url={self._base_url}", f"--ServerApp.root_dir={self.folder}"]
        command += ["--LabApp.expose_app_in_browser=True"]
        command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
        return [*command, "--allow-root"] if os.geteuid() == 0 else command

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_S
        while True:
            assert self._process.poll() is None, f"the Jupyter server ended:\n{self.log}"
            assert time.monotonic() < deadline, f"the Jupyter server does not answer after {START_S} s:\n{self.log}"
            try:
                self.ask("GET", "status")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
