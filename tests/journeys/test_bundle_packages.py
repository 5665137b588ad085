"""Packages for workers: with pip alone, and from the real index."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from wheelhouse import make_wheel, only

from flash_jupyter.build.install import install
from flash_jupyter.build.installer import Installer, find_installer
from flash_jupyter.build.lock import Lock, resolve
from flash_jupyter.errors import BuildError

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Installer:
    """The pip of an environment that had neither uv nor pip: it is unpacked by ensurepip."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=300)
    python = str(environment / "bin" / "python")
    found = find_installer(python=python, which=lambda _name, path=None: None)
    assert (found.is_uv, found.command[:3]) == (False, (python, "-m", "pip"))
    return found


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    requires = ["torch>=2", "helper[fast]; sys_platform == 'linux'", "winonly; sys_platform == 'win32'"]
    make_wheel(folder, "app", requires=[*requires, "backport; python_version < '3.11'", "stable<2"])
    make_wheel(folder, "helper", extras={"fast": ["speedy"]}, scripts={"helper": "helper:main"})
    make_wheel(folder, "backport")
    make_wheel(folder, "speedy", "2.0", tag="cp313-cp313-manylinux_2_27_x86_64")
    make_wheel(folder, "speedy", "1.0", tag="py3-none-any", requires=["stable"])
    make_wheel(folder, "stable", "1.0", requires_python="<3.13")
    make_wheel(folder, "stable", "1.1", requires_python=">=3.13")
    make_wheel(folder, "stable", "2.0")
    make_wheel(folder, "old", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    (folder / "source-1.0.tar.gz").write_bytes(b"no archive")
    return folder


def build(tool: Installer, folder: Path, *requirements: str, python: str) -> tuple[Lock, dict[str, bytes]]:
    """Resolve and install; return the lock and what is in the bundle."""
    cache, target = folder / "cache", folder / "bundle"
    lock = resolve(requirements, python=python, cache=cache, leave_out=frozenset({"torch"}), installer=tool)
    install(lock, target, cache=cache, installer=tool)
    return lock, {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()}


@pytest.mark.parametrize("python", [pytest.param("3.10", marks=pytest.mark.slow), "3.13"])
def test_pip_alone_gives_the_bundle_that_uv_gives(python: str, pip: Installer, index: Path, tmp_path: Path) -> None:
    by_uv, files_of_uv = build(only(find_installer(), index), tmp_path / "uv", "app", python=python)
    by_pip, files_of_pip = build(only(pip, index), tmp_path / "pip", "app", python=python)
    assert by_pip.text() == by_uv.text()
    assert files_of_pip == files_of_uv
    assert ("backport.py" in files_of_pip) == (python == "3.10")
    assert files_of_pip["speedy.py"] == (b"VERSION = '1.0'\n" if python == "3.10" else b"VERSION = '2.0'\n")


def test_pip_alone_heeds_constraints(pip: Installer, index: Path, tmp_path: Path) -> None:
    lines = ("speedy", "--constraint speedy<2", "--constraint stable<1.1; python_version < '3.0'")
    lock, _ = build(only(pip, index), tmp_path, *lines, python="3.13")
    assert [f"{package.name}=={package.version}" for package in lock.packages] == ["speedy==1.0", "stable==2.0"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["old", "source==1.0", "nowhere"])
def test_pip_alone_says_what_uv_says_where_a_package_cannot_be_had(
    name: str, pip: Installer, index: Path, tmp_path: Path
) -> None:
    said = []
    for tool in (find_installer(), pip):
        with pytest.raises(BuildError) as caught:
            resolve((name,), python="3.13", cache=tmp_path / "cache", installer=only(tool, index))
        said.append(str(caught.value))
    assert said[0].replace("source 1.0", "source") == said[1]


def test_pip_alone_says_that_the_index_does_not_answer(pip: Installer, tmp_path: Path) -> None:
    """Port 9 of this machine: nobody listens there. What pip is set up for here is not asked."""
    options = ("--isolated", "--index-url", "http://127.0.0.1:9/simple", "--retries", "0", "--no-cache-dir")
    tool = Installer(pip.command, is_uv=False, options=options)
    with pytest.raises(BuildError) as caught:
        resolve(("six",), python="3.12", cache=tmp_path / "cache", installer=tool)
    assert caught.value.message.startswith("the package index does not answer: ")


def test_packages_of_the_real_index_can_be_imported(tmp_path: Path) -> None:
    lock, files = build(find_installer(), tmp_path, "tabulate==0.9.0", "six==1.17.0", python="3.10")
    assert [(package.name, package.version) for package in lock.packages] == [("six", "1.17.0"), ("tabulate", "0.9.0")]
    assert "bin/tabulate" not in files
    assert "://" not in lock.text()
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'bundle')!r}); import six, tabulate; print(six.__file__)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == str(tmp_path / "bundle" / "six.py")
    again, _ = build(find_installer(), tmp_path, "tabulate==0.9.0", "six==1.17.0", python="3.10")
    assert again.text() == lock.text()
