"""The extension as Jupyter sees it: enabled by its installation, light to load, gone with the package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from flash_jupyter import __version__

#: what a server's start must not bring along
HEAVY = ("httpx", "pydantic", "cloudpickle", "IPython", "flash_jupyter.session", "flash_jupyter.settings")


def test_loading_it_brings_no_client_along() -> None:
    code = (
        "import sys, jupyter_server.serverapp, flash_jupyter; before = set(sys.modules)\n"
        "flash_jupyter._jupyter_server_extension_points()\n"
        f"print([name for name in {HEAVY} if name in set(sys.modules) - before])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_importing_the_package_does_not_bring_it_along() -> None:
    code = "import sys, flash_jupyter; print([m for m in sys.modules if 'server' in m])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.journey
def test_it_is_enabled_without_a_command(tmp_path: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "list"],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(tmp_path), "PATH": str(Path(sys.executable).parent), "JUPYTER_CONFIG_DIR": str(tmp_path)},
    )
    said = listed.stdout + listed.stderr
    assert "flash_jupyter \x1b[32menabled\x1b[0m" in said or "flash_jupyter enabled" in said
    assert f"flash_jupyter {__version__} \x1b[32mOK\x1b[0m" in said or f"flash_jupyter {__version__} OK" in said


def test_the_file_that_enables_it_belongs_to_the_package() -> None:
    """So its installer takes it away with the package."""
    files = distribution("flash-jupyter").files or []
    (found,) = [file for file in files if file.name == "flash_jupyter.json" and "etc" in file.parts]
    path = Path(str(found.locate())).resolve()
    assert path == Path(sys.prefix).resolve() / "etc/jupyter/jupyter_server_config.d/flash_jupyter.json"
    assert json.loads(path.read_text()) == {"ServerApp": {"jpserver_extensions": {"flash_jupyter": True}}}


ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
#: of the wheel, in bytes
SIZE_MAX = 1_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(UV, "build", "--wheel", "--out-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment} if environment else None
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.journey
def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < SIZE_MAX


@pytest.mark.slow
def test_taking_the_package_away_leaves_nothing(tmp_path: Path, wheel: Path) -> None:
    environment, python = tmp_path / "env", tmp_path / "env" / "bin" / "python"

    def files() -> set[Path]:
        """All but what Python and uv keep for themselves."""
        found = {path for path in environment.rglob("*") if path.is_file()}
        return {path for path in found if "__pycache__" not in path.parts and path.name != ".lock"}

    run(UV, "venv", environment, "--python", sys.executable)
    before = files()
    run(UV, "pip", "install", "--no-deps", "--python", python, wheel)
    assert environment / "etc/jupyter/jupyter_server_config.d/flash_jupyter.json" in files()
    listed = run(
        sys.executable, "-m", "jupyter", "labextension", "list", JUPYTER_PATH=str(environment / "share/jupyter")
    )
    assert re.search(rf"flash-jupyter v{__version__} \S*enabled\S* \S*OK\S* \(python, flash-jupyter\)", listed), listed
    run(UV, "pip", "uninstall", "--python", python, "flash-jupyter")
    assert files() == before
