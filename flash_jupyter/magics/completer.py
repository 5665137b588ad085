"""Completion of what stands on our lines: options and their values, the words of `%flash`, names and ids.

`candidates` is pure: the text up to the cursor in, words out. `make_matcher` is its face to IPython: a matcher among
`ip.Completer.custom_matchers` (hooks of `complete_command` are not asked by the API that Lab uses). Other lines, the
body of a remote cell among them, are left to IPython.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from flash_jupyter.resources.comment import find_comment, options_before
from flash_jupyter.resources.enums import DataCenter, GpuType
from flash_jupyter.resources.hardware import ANY, CPUS, POOLS
from flash_jupyter.resources.images import PUBLISHED_PYTHONS, show_python
from flash_jupyter.resources.line import split_pair
from flash_jupyter.resources.values import FLAGS, KEYS

#: before jedi, which takes longer and knows nothing about our lines
PRIORITY = 100
#: `flash local` and its commands (`cli/local.py`)
LOCAL_COMMANDS = ("start", "stop", "status", "logs", "env", "faults", "clock", "limits", "secrets", "keys")
#: what may follow `%flash deploy`, `env` and `app` (`cli/deploy.py`, `cli/apps.py`)
APP_COMMANDS = {
    "deploy": ("new", "send", "list", "info", "promote", "rollback", "delete"),
    "env": ("list", "create", "info", "delete"),
    "app": ("list", "get", "create", "delete"),
}

_MAGIC = re.compile(r"\s*%%remote(?=\s)(?P<options>.*)", re.DOTALL)
_LINE_MAGIC = re.compile(r"(?:.*?[=(,]\s*|\s*)%remote(?=\s)(?P<options>.*)", re.DOTALL)
_FLASH = re.compile(r"\s*%flash(?=\s)(?P<words>.*)", re.DOTALL)


@dataclass(frozen=True)
class Known:
    """What only the notebook knows. Each is asked when its names are wanted, and asks no server."""

    variables: Callable[[], Iterable[str]]
    endpoints: Callable[[], Iterable[str]]
    jobs: Callable[[], Iterable[str]]
    flash_words: Iterable[str]
    sticky: Iterable[str]


@dataclass(frozen=True)
class Found:
    """What may stand in place of `fragment`; with `is_all` nothing else may, and IPython's own guesses are left out."""

    fragment: str
    words: tuple[str, ...]
    is_all: bool = True


def candidates(cell: str, line_number: int, before: str, known: Known) -> Found | None:
    """Return what may be written at the cursor; None where that is for IPython to say.

    `cell` is the whole text, `line_number` the cursor's line from 0, `before` that line up to the cursor.
    """
    if match := _MAGIC.fullmatch(before):
        return _options(match["options"], cell, known)
    comment = options_before(before)
    if comment is not None and find_comment(cell.splitlines()[: line_number + 1]) == line_number:
        return _options(comment, cell, known)
    if match := _FLASH.fullmatch(before):
        return _flash(match["words"], known)
    if match := _LINE_MAGIC.fullmatch(before):
        return _options_before_expression(match["options"], known)
    return None


def make_matcher(known: Known) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """Return the matcher that IPython asks."""

    @context_matcher(identifier="flash_jupyter", priority=PRIORITY)
    def flash_jupyter_matcher(context: CompletionContext) -> SimpleMatcherResult:
        before = context.line_with_cursor[: context.cursor_position]
        found = candidates(context.full_text, context.cursor_line, before, known)
        if found is None:
            return SimpleMatcherResult(completions=[], suppress=False)
        return SimpleMatcherResult(
            completions=[SimpleCompletion(text=word, type="param") for word in found.words],
            matched_fragment=found.fragment,
            suppress=found.is_all,
            ordered=True,
        )

    matcher: Callable[[CompletionContext], SimpleMatcherResult] = flash_jupyter_matcher
    return matcher


def _options(text: str, cell: str, known: Known) -> Found | None:
    """Complete the last word of a line of options."""
    *given, word = _words(text)
    if any(other.startswith("#") for other in [*given, word]):
        return None
    pair = split_pair(word)
    if pair is None:
        return _choose(word, _free_options(given, word))
    key, value = pair
    return _choose_value(value, _values_of(key, cell, known))


def _options_before_expression(text: str, known: Known) -> Found | None:
    """Complete options of `%remote`, as long as the expression has not begun; its first word may be both."""
    *given, word = _words(text)
    if not all(other.removeprefix("--") in FLAGS or (split_pair(other) or ("", ""))[0] in KEYS for other in given):
        return None
    pair = split_pair(word)
    if pair is not None:
        return _choose_value(pair[1], _values_of(pair[0], "", known)) if pair[0] in KEYS else None
    names = known.variables() if word.isidentifier() else ()
    found = _choose(word, [*_free_options(given, word), *names])
    return Found(found.fragment, found.words, is_all=False)


def _flash(text: str, known: Known) -> Found | None:
    """Complete `%flash`: its word, then what that word takes."""
    command, *given = _words(text)
    if not given:
        return _choose(command, known.flash_words)
    word = given.pop()
    if command == "config":
        pair = split_pair(word)
        if pair is not None:
            return _choose_value(pair[1], _values_of(pair[0], "", known))
        taken = {(split_pair(other) or ("",))[0] for other in given}
        return _choose(word, (f"{key}=" for key in known.sticky if key not in taken))
    return _choose(word, _arguments_of(command, known)) if not given else None


def _arguments_of(command: str, known: Known) -> Iterable[str]:
    if command in APP_COMMANDS:
        return APP_COMMANDS[command]
    tables: Mapping[str, Callable[[], Iterable[str]]] = {
        "undeploy": lambda: [*known.endpoints(), "--all", "list"],
        **dict.fromkeys(("attach", "cancel", "logs"), known.jobs),
        "use": lambda: ("local", "runpod"),
        "local": lambda: LOCAL_COMMANDS,
        "doctor": lambda: ("--cloud",),
        **dict.fromkeys(("status", "endpoints", "jobs", "explain"), lambda: ("--json",)),
    }
    return tables[command]() if command in tables else ()


def _values_of(key: str, cell: str, known: Known) -> Iterable[str]:
    tables: Mapping[str, Callable[[], Iterable[str]]] = {
        "gpu": lambda: [*POOLS, ANY, *GpuType.__members__],
        "cpu": lambda: list(CPUS),
        "datacenter": lambda: [center.value for center in DataCenter],
        "python": lambda: map(show_python, PUBLISHED_PYTHONS),
        "backend": lambda: ("local", "runpod"),
        "via": lambda: ("queue", "lb"),
        "name": known.endpoints,
        "out": lambda: dict.fromkeys([*_bound_by(cell), *known.variables()]),
        **dict.fromkeys(("drop", "include"), known.variables),
    }
    return tables[key]() if key in tables else ()


def _bound_by(cell: str) -> list[str]:
    """Names that the cell's code binds; none while it can't be read, as cells that are being written often can't."""
    from flash_jupyter.capture.names import analyse

    _, _, body = cell.partition("\n")
    try:
        return sorted(analyse(body).binds)
    except (SyntaxError, ValueError):
        return []


def _free_options(given: Iterable[str], word: str) -> Iterator[str]:
    """Options that the line has not got yet, with dashes where the word begins with them."""
    taken = {(split_pair(other) or (other.removeprefix("--"),))[0] for other in given}
    dashes = "--" if word.startswith("-") else ""
    yield from (f"{dashes}{key}=" for key in KEYS if key not in taken)
    yield from (f"{dashes}{flag}" for flag in FLAGS if flag not in taken)


def _choose_value(value: str, words: Iterable[str]) -> Found:
    """Complete the last of the values that commas separate; those before it are not offered again."""
    *taken, fragment = value.split(",")
    return _choose(fragment, (word for word in words if word not in taken))


def _choose(fragment: str, words: Iterable[str]) -> Found:
    """Keep the words that begin so, then those with a part that does; case does not matter.

    >>> _choose("a100", ["AMPERE_80", "NVIDIA_A100_80GB_PCIE", "any"]).words
    ('NVIDIA_A100_80GB_PCIE',)
    """
    wanted, all_words = fragment.lower(), list(words)
    begin = [word for word in all_words if word.lower().startswith(wanted)]
    inside = [word for word in all_words if any(part.startswith(wanted) for part in re.split("[_-]", word.lower())[1:])]
    return Found(fragment, tuple(dict.fromkeys([*begin, *inside])))


def _words(text: str) -> list[str]:
    """Split at spaces; the last word is the one at the cursor, and may be empty.

    >>> _words(" gpu=A de"), _words(" gpu=A "), _words("")
    (['gpu=A', 'de'], ['gpu=A', ''], [''])
    """
    return [*text.split(), *([""] if not text or text[-1].isspace() else [])]
