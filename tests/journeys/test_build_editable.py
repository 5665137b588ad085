"""Editable installs as setuptools and hatch make them: a bundle brings their modules and what these import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from environment import plain_environment
from uv import find_uv_bin

pytestmark = [pytest.mark.journey, pytest.mark.slow]

SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=68"]\nbuild-backend = "setuptools.build_meta"\n'
HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
PROJECT = '[project]\nname = "{name}"\nversion = "1.0"\n'
#: name -> what makes it, where its package is: the first leaves a finder, the others a folder in a .pth
STYLES = {
    "flat_finder": (f'{SETUPTOOLS}{PROJECT}[tool.setuptools]\npackages = ["flat_finder"]\n', "flat_finder"),
    "src_layout": (SETUPTOOLS + PROJECT, "src/src_layout"),
    "hatched": (HATCH + PROJECT, "hatched"),
}
MAIN = """
from flash_jupyter import CpuLiveServerless, remote
import flat_finder, hatched.inner
from src_layout.inner import VALUE

@remote(CpuLiveServerless(name="sums"))
def total(more: int = 1):
    return more + VALUE + flat_finder.VALUE + hatched.inner.VALUE
"""


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_modules_of_editable_installs_are_in_the_bundle_and_run_from_it(tmp_path: Path) -> None:
    uv, python = find_uv_bin(), tmp_path / "venv" / "bin" / "python"
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    for name, (text, place) in STYLES.items():
        package = tmp_path / name / place
        package.mkdir(parents=True)
        (tmp_path / name / "pyproject.toml").write_text(text.format(name=name))
        (package / "__init__.py").write_text("VALUE = 10\n")
        (package / "inner.py").write_text("from . import VALUE\n")
        run(uv, "pip", "install", "--quiet", "--python", python, "-e", tmp_path / name)
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "main.py").write_text(MAIN)
    env = {**plain_environment(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
    said = run(python, "-c", "from flash_jupyter.cli import main; main()", "build", shop / "main.py", "--json", env=env)
    with tarfile.open(json.loads(said)["build"]["archive"]) as archive:
        members = [name.removeprefix("./") for name in archive.getnames()]
        names = {name for name in members if name.partition("/")[0] in STYLES}
        archive.extractall(tmp_path / "app")
    assert names == {f"{name}/{file}.py" for name in STYLES for file in ("__init__", "inner")} - {
        "flat_finder/inner.py"
    }
    served = {**plain_environment(tmp_path / "home"), "PYTHONPATH": os.pathsep.join([str(tmp_path / "app"), *sys.path])}
    ask = "import main, flat_finder; print(main.total.local(2), flat_finder.__file__)"
    assert run(sys.executable, "-c", ask, env=served).split() == ["32", str(tmp_path / "app/flat_finder/__init__.py")]
