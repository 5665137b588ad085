"""What `%flash build` and `%flash run` are about: this notebook where nothing is named; and their words and flags."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from flash_jupyter.errors import OptionError
from flash_jupyter.magics.frontend import notebook_name
from flash_jupyter.settings import Settings


def find_source(words: list[str], word: str, shell: Any, settings: Settings) -> Path:
    """Return the path that is named, else this notebook's.

    Raises `OptionError` where nobody says which notebook this is, and where there is no such file.
    """
    if len(words) > 1:
        raise OptionError(f"%flash {word} takes one path, not {' and '.join(words)}", fix=f"write %flash {word} PATH")
    if words:
        path = Path(words[0]).expanduser()
        if not path.exists():
            raise OptionError(f"there is no {path}", fix="give the path of a notebook, a Python file or a folder")
        return path
    name = notebook_name(shell, settings.environ)
    if not name:
        raise OptionError("nobody here says which notebook this is", fix=f"name its file: %flash {word} NOTEBOOK.ipynb")
    if not Path(name).is_file():
        raise OptionError(f"this notebook is not at {name}", fix=f"save it, or name its file: %flash {word} PATH")
    return Path(name)


def read_words(
    arguments: list[str], word: str, *, values: Collection[str] = (), flags: Collection[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Return the words, and the options by name: `--name=value`, `--name value`, `name=value`, and flags as "".

    >>> read_words(["nb.ipynb", "--exclude", "a,b", "--keep-build"], "build", values={"exclude"}, flags={"keep-build"})
    (['nb.ipynb'], {'exclude': 'a,b', 'keep-build': ''})
    """
    words: list[str] = []
    options: dict[str, str] = {}
    left = list(arguments)
    while left:
        argument = left.pop(0)
        key, equals, value = argument.removeprefix("--").partition("=")
        if equals and key in values:
            options[key] = value
        elif argument.startswith("--") and key in values and left:
            options[key] = left.pop(0)
        elif not equals and argument.startswith("--") and key in flags:
            options[key] = ""
        elif argument.startswith("-"):
            raise _unknown(argument, word, {*values, *flags})
        else:
            words.append(argument)
    return words, options


def _unknown(argument: str, word: str, known: Collection[str]) -> OptionError:
    shown = sorted(f"--{name}" for name in known)
    near = difflib.get_close_matches(argument.partition("=")[0], shown, n=1)
    if near and near[0] == argument:
        return OptionError(f"%flash {word} {argument} has no value", fix=f"write {argument}=VALUE")
    fix = f"did you mean {near[0]}?" if near else f"it takes {', '.join(shown)}"
    return OptionError(f"%flash {word} does not take {argument}", fix=fix)
