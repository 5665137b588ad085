"""A small project for each Python of the published images, run by a preview on a worker of that Python.

Tested are those that this machine has, in its PATH or in pyenv's folder; for the others these are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from flash_jupyter.build.bundle import BuildOptions, build
from flash_jupyter.build.preview import Preview
from flash_jupyter.session.local import local_info

pytestmark = [pytest.mark.journey, pytest.mark.slow]

#: wrapt has a wheel of its own for each Python, six has one for all
MAIN = """
from flash_jupyter import CpuLiveServerless, remote
from helpers import double

@remote(CpuLiveServerless(name="sums"), dependencies=["six", "wrapt"])
def total(first: int = 1):
    import six, sys, wrapt
    return [double(first), list(sys.version_info[:2]), wrapt.FunctionWrapper.__name__, six.PY3]
"""


def folder_of(python: str) -> Path | None:
    """The folder that has this Python's interpreter."""
    name, versions = f"python{python}", Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for found in sorted(versions.glob(f"{python}.*/bin/{name}")):
        return found.parent
    found_in_path = shutil.which(name)
    return Path(found_in_path).parent if found_in_path else None


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_a_project_is_built_for_a_python_and_runs_on_its_worker(
    python: str, shared_desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (folder := folder_of(python)) is None:
        pytest.skip(f"there is no Python {python} here: its build is not previewed")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "helpers.py").write_text("def double(x): return 2 * x\n")
    settings, options = shared_desk.settings, BuildOptions(python=python)
    bundle = build(tmp_path, options, settings=settings)
    first = bundle.archive.read_bytes()
    assert build(tmp_path, options, settings=settings).archive.read_bytes() == first
    assert bundle.manifest.python_version == python
    with Preview(bundle.archive, bundle.manifest, settings) as preview:
        (served,) = preview.start()
        info = local_info(settings)
        assert info is not None
        headers = {"Authorization": f"Bearer {info.api_key}"}
        body = {"input": {"first": 21}}
        answer = httpx.post(f"{served.url}/runsync", json=body, headers=headers, timeout=120, trust_env=False).json()
    major, minor = map(int, python.split("."))
    assert answer.get("output") == [42, [major, minor], "FunctionWrapper", True], answer
