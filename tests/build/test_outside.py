"""Editable installs as the import system of a fresh Python knows them: its own process, for `sys.path` is global."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flash_jupyter.build.outside import Added, Excluded, Outside, added_paths

ASK = """
import json, sys
from flash_jupyter.build.outside import Editable
editable = Editable()
print(json.dumps({name: str(editable.find(name.split(".")) or "") for name in sys.argv[1:]}))
"""
FOLDER, FILE = Path("/projects/shop/notebooks"), Path("/projects/shop/workers/gpu.py")

READ = [
    ("a plain path", "sys.path.append('../lib')", "/projects/shop/lib"),
    (
        "the home of nobody",
        "import os.path\nsys.path.append(os.path.expanduser('~nobodyx/lib'))",
        "/projects/shop/notebooks/~nobodyx/lib",
    ),
    ("an absolute path", "sys.path.append('/opt/lib')", "/opt/lib"),
    ("os.path", "sys.path.append(os.path.abspath(os.path.join(os.getcwd(), '..', 'src')))", "/projects/shop/src"),
    (
        "a name, inside of a condition",
        "up = str(Path('..'))\nif up not in sys.path: sys.path.append(up)",
        "/projects/shop",
    ),
    ("a path's own methods", "sys.path.append(str(Path.cwd().parent / 'src'))", "/projects/shop/src"),
    ("parents", "sys.path.append(str(Path(__file__).resolve().parents[1] / 'lib'))", "/projects/shop/lib"),
    ("dirname", "sys.path.append(os.path.dirname(os.path.abspath(__file__)))", "/projects/shop/workers"),
    ("joinpath", "sys.path.append(Path('..').joinpath('a', 'b').as_posix())", "/projects/shop/a/b"),
    ("extend", "sys.path.extend(['../lib'])", "/projects/shop/lib"),
    ("+=", "sys.path += ['../lib']", "/projects/shop/lib"),
    ("site", "site.addsitedir('../lib')", "/projects/shop/lib"),
]
UNREAD = [
    ("a function's answer", "sys.path.append(find_lib())"),
    ("an environment variable", "sys.path.append(os.environ['LIB'])"),
    ("a name that is bound twice", "up = '..'\nup = '../..'\nsys.path.append(up)"),
    ("a name that stands for itself", "up = up\nsys.path.append(up)"),
    ("more parents than there are", "sys.path.append(str(Path('a').parents[7]))"),
]


def found(site: Path, *names: str, more: tuple[Path, ...] = ()) -> dict[str, str]:
    """What a Python whose path has these folders finds."""
    path = os.pathsep.join([str(site), *map(str, more), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", ASK, *names], env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=True
    )
    return dict(json.loads(done.stdout))


def install(site: Path, name: str, project: Path, *, is_editable: bool = True) -> None:
    """What an installer writes of an install from a folder."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    origin = {"url": project.as_uri(), "dir_info": {"editable": True} if is_editable else {}}
    (info / "direct_url.json").write_text(json.dumps(origin))


def write(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("raise SystemExit('nothing is imported')")


def test_modules_of_an_editable_install_are_found_and_not_imported(tmp_path: Path) -> None:
    project, site = tmp_path / "tools", tmp_path / "site"
    write(project / "src", "tools/__init__.py", "tools/inner/maths.py", "single.py")
    install(site, "tools", project)
    names = ("tools", "tools.inner.maths", "tools.nothing", "single", "json")
    assert found(site, *names, more=(project / "src",)) == {
        "tools": str(project / "src/tools/__init__.py"),
        "tools.inner.maths": str(project / "src/tools/inner/maths.py"),
        "tools.nothing": "",
        "single": str(project / "src/single.py"),
        "json": "",
    }


def test_a_package_below_one_without_a_file_is_found(tmp_path: Path) -> None:
    write(tmp_path / "org", "org/tools/__init__.py", "org/tools/maths.py")
    install(tmp_path / "site", "org.tools", tmp_path / "org")
    assert found(tmp_path / "site", "org", "org.tools.maths", more=(tmp_path / "org",)) == {
        "org": "",
        "org.tools.maths": str(tmp_path / "org/org/tools/maths.py"),
    }


def test_what_is_no_editable_install_is_left_to_the_packages(tmp_path: Path) -> None:
    """A copy that was installed of a folder, a folder that merely is on the path, and what is installed inside one."""
    project, site = tmp_path / "tools", tmp_path / "site"
    write(project, "lib/site-packages/other.py")
    write(tmp_path / "loose", "loose.py")
    write(tmp_path / "copied", "copied.py")
    install(site, "tools", project)
    install(site, "copied", tmp_path / "copied", is_editable=False)
    more = (project / "lib/site-packages", tmp_path / "loose", tmp_path / "copied")
    assert found(site, "other", "loose", "copied", more=more) == {"other": "", "loose": "", "copied": ""}


def write_texts(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def test_a_module_is_asked_about_at_its_project_and_at_its_folder(tmp_path: Path) -> None:
    write_texts(tmp_path, {"pyproject.toml": "", ".gitignore": "src/made/\n", "src/.flashignore": "own.py\n"})
    source = tmp_path / "src"
    outside = Outside()
    names = ("made/a.py", "own.py", "keys/id_rsa.py", "free.py")
    assert {name: outside.excluding(source / name, source) for name in names} == {
        "made/a.py": Excluded(tmp_path, "src/made/a.py", "the rule src/made/ of .gitignore"),
        "own.py": Excluded(source, "own.py", "the rule own.py of .flashignore"),
        "keys/id_rsa.py": Excluded(tmp_path, "src/keys/id_rsa.py", ""),
        "free.py": None,
    }


def test_folders_above_the_project_have_no_say(tmp_path: Path) -> None:
    write_texts(tmp_path, {".gitignore": "*\n", "tools/pyproject.toml": ""})
    assert Outside().excluding(tmp_path / "tools/lib/a.py", tmp_path / "tools/lib") is None


def added(text: str) -> list[Added]:
    return added_paths(ast.parse(text).body, FOLDER, FILE)


@pytest.mark.parametrize(("text", "folder"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_what_a_text_adds_is_read(text: str, folder: str) -> None:
    (found,) = added(text)
    assert (found.folder, found.is_first) == (Path(folder), False)


@pytest.mark.parametrize("text", [case[1] for case in UNREAD], ids=[case[0] for case in UNREAD])
def test_what_only_running_it_would_tell_has_no_folder(text: str) -> None:
    (found,) = added(text)
    assert (found.folder, found.text) == (None, text.splitlines()[-1])


def test_what_is_inserted_comes_first() -> None:
    assert added("sys.path.insert(0, '..')\nsys.path.append('a')") == [
        Added(FOLDER.parent, "sys.path.insert(0, '..')", is_first=True),
        Added(FOLDER / "a", "sys.path.append('a')", is_first=False),
    ]


def test_a_notebook_has_no_file() -> None:
    (found,) = added_paths(ast.parse("sys.path.append(__file__)").body, FOLDER)
    assert found.folder is None
