from __future__ import annotations

import ast
from pathlib import Path

import pytest

from flash_jupyter.build.paths import Added, added_paths

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
