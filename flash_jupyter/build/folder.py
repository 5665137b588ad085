"""Which files of a folder are part of a project, which a build reads, and which it ships as they are.

`.gitignore` and `.flashignore` say it, and a secret never is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from pathspec import PathSpec

from flash_jupyter import limits
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
#: later files say more: `!name` in .flashignore takes back what .gitignore left out
IGNORE_FILES = (".gitignore", ".flashignore")
#: never part of a project, whatever the files say
ALWAYS = (
    *(".git/", ".flash/", ".runpod/", ".venv/", ".venvs/", "venv/", "node_modules/", ".ipynb_checkpoints/"),
    *("__pycache__/", "*.py[cod]", "*.egg-info/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/", "*.tar.gz"),
)
#: what is a secret by its name; an example for others is none
SECRETS = (
    *(".env", ".env.*", "!.env.example", "*.pem", "*.key", "*.p12", "*.pfx", "id_rsa*", "id_ed25519*", "*.keystore"),
    *(".netrc", ".pypirc", ".npmrc", ".aws/", ".ssh/", "credentials.json", "service-account*.json"),
)


class Ignore:
    """The rules of one project."""

    def __init__(self, root: Path) -> None:
        self._root = root
        rules = [rule for name in IGNORE_FILES for rule in _rules(root / name)]
        self._asked = PathSpec.from_lines("gitignore", [line for line, _ in rules])
        self._places = [place for _, place in rules]
        self._always = PathSpec.from_lines("gitignore", [*ALWAYS, *SECRETS])

    def excludes(self, relative: str) -> bool:
        """Whether a file, named with `/` from the project's root, stays away."""
        return self._always.match_file(relative) or self._asked.match_file(relative)

    def says(self, relative: str) -> bool:
        """Whether it is one of the project's own ignore files that keeps a file away."""
        return self._asked.match_file(relative) and not self._always.match_file(relative)

    def rule(self, relative: str) -> str:
        """Say which rule of which ignore file keeps a file away, empty where none of the project's own does.

        `the rule *.csv of .gitignore`
        """
        if not self.says(relative):
            return ""
        at = self._asked.check_file(relative).index
        return "" if at is None else self._places[at]

    def excluded(self) -> Iterator[Path]:
        """Yield the files that the project's own ignore files keep away, in the order of their names."""
        for path in self._walk(self._root, is_asked=False):
            if self.says(path.relative_to(self._root).as_posix()):
                yield path

    def files(self) -> Iterator[Path]:
        """Yield the files of the project, in the order of their names."""
        yield from self._walk(self._root)

    def _walk(self, folder: Path, *, is_asked: bool = True) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            relative = path.relative_to(self._root).as_posix()
            if path.is_dir():
                # not `excludes`: a rule may take back a file below
                if not path.is_symlink() and not self._always.match_file(f"{relative}/"):
                    yield from self._walk(path, is_asked=is_asked)
            elif path.is_file() and not (self.excludes if is_asked else self._always.match_file)(relative):
                yield path


def _rules(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of an ignore file that are rules, each with how messages call it."""
    if path.is_file():
        for line in path.read_text("utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                yield line, f"the rule {line.strip()} of {path.name}"


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
