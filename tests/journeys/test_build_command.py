"""`flash build --preview` as a program: it builds, runs the bundle, compares it with the notebook, and leaves nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.session.local import stop_local
from flash_jupyter.settings import read_settings

pytestmark = pytest.mark.journey

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "parcels.ipynb"


@dataclass(frozen=True)
class Shell:
    """`flash` in a folder, with an embedded Runpod of its own."""

    folder: Path
    home: Path

    @property
    def variables(self) -> dict[str, str]:
        return {"FLASH_JUPYTER_HOME": str(self.home), "FLASH_JUPYTER_BACKEND": "local"}

    def flash(self, *words: str) -> Any:
        """Run a command, and return what it says with `--json`."""
        done = subprocess.run(
            [sys.executable, "-c", "from flash_jupyter.cli import main; main()", *words, "--json"],
            cwd=self.folder,
            env={**os.environ, **self.variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shell(tmp_path: Path, flash_home: Path) -> Iterator[Shell]:
    made = Shell(tmp_path / "notebooks", flash_home)
    yield made
    stop_local(read_settings(made.variables, project=tmp_path))


def test_a_notebook_is_built_previewed_and_compared(shell: Shell) -> None:
    shutil.copytree(NOTEBOOK.parent, shell.folder)  # it has local modules
    told = shell.flash("build", NOTEBOOK.name, "--preview")
    assert Path(told["build"]["archive"]).is_file()
    assert list(told["preview"]) == ["parcels-any"]
    assert {(each["function"], each["state"]) for each in told["verdicts"]} == {("postage", "verified")}
    assert shell.flash("endpoints") == {"endpoints": []}


@pytest.mark.slow
def test_a_new_project_gives_what_its_notebook_gives(shell: Shell) -> None:
    """A function of the project has the name of a variable of the notebook, and the test cell reads what is bound."""
    shell.folder.mkdir()
    shell.flash("init", ".")
    told = shell.flash("build", "--preview")
    found = {(each["function"], each["state"], each["how"]) for each in told["verdicts"]}
    assert found == {
        ("classify", "verified", "its defaults"),
        ("classify", "verified", "cell 6 of notebook.ipynb"),
        ("score", "verified", "its docstring's example"),
        ("split", "verified", "its docstring's example"),
    }
