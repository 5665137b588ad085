"""The files that a notebook names for its bundle, which has them where its cells look for them: below the root.

A bundle's functions run in its root, as a notebook's cells run in its folder. Ignore files and the rule that no secret
is ever shipped hold for them too, for what a link leads to as well as for the link.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from flash_jupyter.build.cells import Notebook
from flash_jupyter.build.folder import Ignore
from flash_jupyter.errors import BuildError

#: what to do instead of shipping a secret
SECRET_FIX = "a secret is stored at Runpod and read from a variable: env=NAME={{ RUNPOD_SECRET_name }}"
#: a text that is longer is no path
_PATH_CHARACTERS = 200


def included(notebook: Notebook, folder: Path, root: Path, ignore: Ignore) -> dict[str, Path]:
    """Return the files that the cells of a notebook in `folder` name: place in the bundle -> file.

    Raises `BuildError` for a pattern that no file fits, and for files that may not enter a bundle.
    """
    found: dict[str, Path] = {}
    for cell in notebook.cells:
        for pattern in cell.includes:
            found |= _fitting(pattern, f"{cell} of {notebook.name}", folder, root, ignore)
    return dict(sorted(found.items()))


def _fitting(pattern: str, where: str, folder: Path, root: Path, ignore: Ignore) -> dict[str, Path]:
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts:
        raise BuildError(
            f"{where} includes {pattern}, which is not below the notebook's folder; a worker has nothing above its own",
            fix="move the files below the notebook, and name them from there",
        )
    try:
        files = sorted(_files(folder, path))
    except ValueError as error:
        raise BuildError(
            f"{where} includes {pattern}, which is no pattern: {error}",
            fix="write ** for whole folders only, as in data/**/*.csv",
        ) from None
    if not files:
        raise BuildError(
            f"{where} includes {pattern}, and there is no such file in {folder}",
            fix="name files from the notebook's folder, as in data/*.csv; a folder means all that is below it",
        )
    kept = {file: _kept_away(file, root, ignore) for file in files}
    allowed = [file for file in files if not kept[file]]
    if not allowed:
        name = kept[files[0]]
        rule = ignore.rule(name)
        raise BuildError(
            f"{where} includes {pattern}, and {rule or 'a rule of every build'} keeps {name} out of the bundle",
            fix=f"write !{name} into .flashignore" if rule else SECRET_FIX,
        )
    for file in allowed:
        _refuse_outside(file, f"{where} includes {pattern}", root)
    return {file.relative_to(folder).as_posix(): file for file in allowed}


def _kept_away(file: Path, root: Path, ignore: Ignore) -> str:
    """Return the name that keeps a file out of the bundle, its own or that of what it links to; empty for none."""
    real = file.resolve()
    places = [file, real] if real.is_relative_to(root) else [file]
    names = [place.relative_to(root).as_posix() for place in places]
    return next((name for name in names if ignore.excludes(name)), "")


def _refuse_outside(file: Path, says: str, root: Path) -> None:
    """A link must not bring what is no part of the project: who reads the pattern does not see where it leads."""
    real = file.resolve()
    if not real.is_relative_to(root):
        raise BuildError(
            f"{says}, and a link makes {file.relative_to(root).as_posix()} of it {real}, which is outside of {root}",
            fix="copy what the functions need to a place below the notebook, and name it there",
        )


def _files(folder: Path, pattern: PurePosixPath) -> Iterator[Path]:
    """The files that a pattern means; a folder means all of its own, the notebook's as well."""
    for path in folder.glob(str(pattern)) if pattern.parts else [folder]:
        if path.is_dir():
            yield from (each for each in path.rglob("*") if each.is_file())
        elif path.is_file():
            yield path


def unshipped(text: str, folder: Path, shipped: Iterable[str]) -> list[str]:
    """Return the files beside a notebook that its module names and its bundle has not."""
    known = set(shipped)
    named = {
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) <= _PATH_CHARACTERS
    }
    return sorted(name for name in named - known if _is_file_below(name, folder))


def _is_file_below(name: str, folder: Path) -> bool:
    """Whether a text is the path of a file, with a folder or an ending: `data` may be any word."""
    path = PurePosixPath(name)
    if not (path.suffix or len(path.parts) > 1) or path.is_absolute() or ".." in path.parts:
        return False
    try:
        return (folder / path).is_file()
    except (OSError, ValueError):  # a text that no file can be called
        return False
