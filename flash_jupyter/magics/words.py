"""The words behind `%flash build` and `%flash run`: paths, options with values, and flags."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from flash_jupyter.errors import OptionError


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
