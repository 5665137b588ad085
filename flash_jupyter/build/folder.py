"""Which files of a folder a build reads, and which it ships as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from flash_jupyter import limits
from flash_jupyter.build.ignore import Ignore
from flash_jupyter.errors import BuildError

#: folders and files that are there for who writes a project, at any depth
TESTS = ("tests/", "test/", "test_*.py", "*_test.py", "conftest.py")
#: what is no part of a running program: documents, builds, tools, everything hidden
_LEFT_OUT = ("docs/", "dist/", "build/", "env/", ".*/", ".*", "*.md", "*.ipynb", "*.log")
#: at the root only
_TOOLS = ("setup.py", "setup.cfg", "pyproject.toml", "noxfile.py", "Makefile", "LICENSE", "*.lock", "requirements*.txt")

#: a cell of jupytext's percent format
_CELL = re.compile(r"^# %%", re.MULTILINE)
#: what makes a file of such cells a notebook: a mark of ours, a magic (which jupytext writes as a comment), its header
_MARK = re.compile(
    r"""^# %%.*["']flash:|^#\s*\|\s*(flash|export|remote)\b|^(# )?(!|%%?)[a-z]|^#\s+jupytext:""", re.MULTILINE
)


@dataclass
class Folder:
    """Files by what is done with them."""

    notebooks: list[Path] = field(default_factory=list)
    modules: list[Path] = field(default_factory=list)
    data: list[Path] = field(default_factory=list)


def read_folder(root: Path, ignore: Ignore) -> Folder:
    """Sort the files of a project, as far as its ignore files let them pass.

    Raises `BuildError` where its data is larger than a bundle may be.
    """
    found = Folder()
    for path in ignore.files():
        relative = path.relative_to(root).as_posix()
        if path.suffix not in (".py", ".ipynb"):
            if not matches(relative, (*TESTS, *_LEFT_OUT)) and not ("/" not in relative and matches(relative, _TOOLS)):
                found.data.append(path)
        elif matches(relative, TESTS) or relative in _TOOLS:
            continue  # shipped where something imports them
        elif not is_notebook(path):
            found.modules.append(path)
        elif path.suffix == ".ipynb" or not path.with_suffix(".ipynb").exists():  # jupytext's pairs are one notebook
            found.notebooks.append(path)
    check_size(root, found.data)
    return found


def is_notebook(path: Path) -> bool:
    """Whether a file is a notebook, as `.ipynb` or in percent format."""
    if path.suffix != ".py":
        return path.suffix == ".ipynb"
    text = path.read_bytes().decode("utf-8", "replace")
    return _CELL.search(text) is not None and _MARK.search(text) is not None


def matches(relative: str, patterns: Iterable[str]) -> bool:
    """Whether a path is meant: a pattern that ends with a slash is of folders, any other of the file's name.

    >>> matches("a/tests/x.csv", ["tests/"]), matches("tests.py", ["tests/"]), matches("a/test_b.py", ["test_*.py"])
    (True, False, True)
    """
    *folders, name = relative.split("/")
    return any(
        any(fnmatch(folder, pattern[:-1]) for folder in folders) if pattern.endswith("/") else fnmatch(name, pattern)
        for pattern in patterns
    )


def check_size(root: Path, data: list[Path]) -> None:
    """Raise `BuildError` where files below `root` are larger together than a bundle may be."""
    sizes = {path.relative_to(root).as_posix(): path.stat().st_size for path in data}
    if sum(sizes.values()) <= limits.BUNDLE_BYTES:
        return
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:5]
    table = "\n".join(f"    {name:<32} {size / 1e6:>9,.1f} MB" for name, size in largest)
    raise BuildError(
        f"the data files of {root.name} take {sum(sizes.values()) / 1e6:,.1f} MB, a deployment may have "
        f"{limits.BUNDLE_BYTES / 1e6:,.0f} MB; the largest are\n{table}",
        fix="name in .flashignore what the functions do not read, and load large data from a volume",
    )
