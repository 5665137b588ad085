"""What Binder makes of `binder/`: its files run as repo2docker runs them, in an environment and a home of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lab_server import JupyterServer

pytestmark = [pytest.mark.journey, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
#: what a checkout does not have, and what is built
NOT_COPIED = (".git", ".venv", ".venvs", "node_modules", "dist", "build", "lib", ".tests", "__pycache__", ".*_cache")
#: variables of the test's own environment, that an image does not have
NOT_INHERITED = ("FLASH_", "RUNPOD_", "JUPYTER", "PYTHON", "VIRTUAL_ENV", "UV_")
BUILD_S = 1200


class Image:
    """The repository as the user's home, beside an empty environment, as in Binder's image."""

    def __init__(self, folder: Path) -> None:
        self.home, self.bin = folder / "home", folder / "env" / "bin"
        shutil.copytree(ROOT, self.home, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
        shutil.rmtree(self.home / "flash_jupyter" / "labextension", ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
        machine = {"NPM_CONFIG_USERCONFIG": str(Path.home() / ".npmrc")}  # how this machine reaches packages
        path = f"{self.bin}:/usr/local/bin:/usr/bin:/bin"
        self.environment = inherited | machine | {"HOME": str(self.home), "PATH": path}

    def run(self, *command: str | Path, **more: str) -> str:
        """Run a command in the repository; it must not fail."""
        done = subprocess.run(
            command,
            cwd=self.home,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


def test_binder_opens_the_quickstart_with_the_extension_and_without_an_account(tmp_path: Path) -> None:
    image = Image(tmp_path / "image")
    image.run(image.bin / "pip", "install", "--no-cache-dir", "-r", "binder/requirements.txt")
    image.run(image.home / "binder" / "postBuild")

    server = JupyterServer(tmp_path / "jupyter", python=image.bin / "python")
    server.environment = image.environment | {"FLASH_JUPYTER_HOME": str(tmp_path / "flash")}
    server.folder = image.home
    with server:
        page = server.page(opened_by_the_link())
        assert '"name": "flash-jupyter"' in page
        with server.client() as client:
            about = client.get("/about").json()
        assert (about["backend"], [each["state"] for each in about["backends"]]) == ("local", ["asleep", "no key"])
        printed = image.run(
            image.bin / "python", "notebooks/execute.py", "notebooks/quickstart.ipynb", **server.environment
        )
        assert "ran on the local Runpod" in printed
    assert "Traceback" not in server.log


def opened_by_the_link() -> str:
    """The page that the link of README opens."""
    (found,) = re.findall(r"urlpath=([\w/.]+)", (ROOT / "README.md").read_text())
    return str(found)


def test_what_is_built_names_this_python() -> None:
    """An image has another Python, unless it is told which."""
    named = (ROOT / "binder" / "runtime.txt").read_text().strip()
    assert re.fullmatch(r"python-3\.1[1-3]", named)
