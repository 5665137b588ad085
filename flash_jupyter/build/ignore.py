"""Which files of a project are part of it: `.gitignore` and `.flashignore`, and never a secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pathspec import PathSpec

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
