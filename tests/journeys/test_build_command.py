"""`flash build --preview` as a program: it builds, runs the bundle, compares it with the notebook, and leaves nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flash_jupyter.session.local import stop_local
from flash_jupyter.settings import read_settings

pytestmark = pytest.mark.journey

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "parcels.ipynb"


def test_a_notebook_is_built_previewed_and_compared(tmp_path: Path, flash_home: Path) -> None:
    folder = shutil.copytree(NOTEBOOK.parent, tmp_path / "notebooks")  # it has local modules
    variables = {"FLASH_JUPYTER_HOME": str(flash_home), "FLASH_JUPYTER_BACKEND": "local"}
    flash = [sys.executable, "-c", "from flash_jupyter.cli import main; main()"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*flash, *words],
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    try:
        done = run("build", NOTEBOOK.name, "--preview", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert Path(told["build"]["archive"]).is_file()
        assert list(told["preview"]) == ["parcels-any"]
        assert {(each["function"], each["state"]) for each in told["verdicts"]} == {("postage", "verified")}
        left = run("endpoints", "--json")
        assert json.loads(left.stdout) == {"endpoints": []}, left.stderr
    finally:
        stop_local(read_settings(variables, project=tmp_path))
