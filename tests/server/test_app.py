"""The extension as Jupyter sees it: enabled by its installation, light to load, gone with the package."""

from __future__ import annotations

import json
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


@pytest.mark.slow
def test_taking_the_package_away_leaves_nothing(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    uv, python = Path(sys.executable).with_name("uv"), tmp_path / "env" / "bin" / "python"

    def run(*command: str | Path) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def files() -> set[Path]:
        """All but what Python and uv keep for themselves."""
        found = {path for path in (tmp_path / "env").rglob("*") if path.is_file()}
        return {path for path in found if "__pycache__" not in path.parts and path.name != ".lock"}

    run(uv, "build", "--wheel", "--out-dir", tmp_path / "dist", root)
    run(uv, "venv", tmp_path / "env", "--python", sys.executable)
    before = files()
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    run(uv, "pip", "install", "--no-deps", "--python", python, wheel)
    assert tmp_path / "env/etc/jupyter/jupyter_server_config.d/flash_jupyter.json" in files()
    run(uv, "pip", "uninstall", "--python", python, "flash-jupyter")
    assert files() == before
