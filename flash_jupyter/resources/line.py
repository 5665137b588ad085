"""The key=value grammar of `%%remote` and `%flash config`: text in, typed values out.

A line is made of words: `key=value`, a flag (`detach` or `--detach`), `--key=value`. Quotes hold spaces
together, a `#` at the beginning of a word begins a comment. Nothing here knows IPython, pydantic or the
network.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.values import FLAGS, KEYS, MAY_BE_EMPTY

Values = dict[str, Any]

_KEY_VALUE = re.compile(r"(?:--)?([A-Za-z_][\w-]*)=(?!=)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Word:
    """One word of the line: its text without quotes, and where it stands."""

    text: str
    start: int
    end: int


def split_words(line: str) -> Iterator[Word]:
    """Split at spaces outside quotes and stop at a comment.

    Raises: `OptionError` where a quote is not closed.

    >>> [word.text for word in split_words("gpu=A deps='numpy >= 2, torch' detach  # quick")]
    ['gpu=A', 'deps=numpy >= 2, torch', 'detach']
    >>> [word.text for word in split_words("deps=git+https://host/x#egg=x")]
    ['deps=git+https://host/x#egg=x']
    """
    position = 0
    while position < len(line):
        if line[position].isspace():
            position += 1
        elif line[position] == "#":
            return
        else:
            word = _word_at(line, position)
            yield word
            position = word.end


def _word_at(line: str, start: int) -> Word:
    letters, quote, position = "", "", start
    while position < len(line) and (quote or not line[position].isspace()):
        letter = line[position]
        if quote:
            quote, letters = ("", letters) if letter == quote else (quote, letters + letter)
        elif letter in "'\"":
            quote = letter
        else:
            letters += letter
        position += 1
    if quote:
        raise OptionError(f"a quote is not closed: {line[start:]}", fix=f"add the closing {quote}")
    return Word(letters, start, position)


def parse_line(line: str) -> Values:
    """Read the options of a `%%remote` line.

    Raises: `OptionError` with the nearest option that exists.

    >>> parse_line("gpu=AMPERE_80,ADA_80_PRO deps=torch timeout=60 --detach  # one epoch")
    {'gpu': ('AMPERE_80', 'ADA_80_PRO'), 'deps': ('torch',), 'timeout': 60, 'detach': True}
    """
    values: Values = {}
    for word in split_words(line):
        _add(values, _read_option(word.text) or _refuse(word.text))
    return values


def split_expression(line: str) -> tuple[str, str]:
    """Split `%remote [options] EXPRESSION`; options end at the first word that is not one, or at `--`.

    >>> split_expression("gpu=A detach f(x, key=1)  # kept: it is code")
    ('gpu=A detach', 'f(x, key=1)  # kept: it is code')
    >>> split_expression("-- detach + 1")
    ('', 'detach + 1')
    """
    end = 0
    while rest := line[end:].lstrip():
        start = len(line) - len(rest)
        if not _may_begin_option(rest):
            return line[:end].strip(), rest.rstrip()
        word = _word_at(line, start)
        if word.text == "--":
            return line[:start].strip(), line[word.end :].strip()
        end = word.end
    return line.strip(), ""


def split_pair(text: str) -> tuple[str, str] | None:
    """Take a `key=value` word apart; `None` where it is none.

    >>> split_pair("--gpu=A"), split_pair("detach"), split_pair("x==1")
    (('gpu', 'A'), None, None)
    """
    match = _KEY_VALUE.fullmatch(text)
    return (match[1], match[2]) if match else None


def parse_value(key: str, text: str) -> Any:
    """Read the value of one option.

    Raises: `OptionError` where there is no such option, or the value can't be read.
    """
    if key in FLAGS:
        raise OptionError(f"`{key}` takes no value", fix=f"write {key} alone, or leave it out")
    if key not in KEYS:
        raise unknown_option(key)
    if not text and key not in MAY_BE_EMPTY:
        raise OptionError(f"`{key}=` has no value", fix=f"write {key}=VALUE without spaces around =")
    try:
        return KEYS[key](text)
    except OptionError as error:
        raise OptionError(f"{key}={text}: {error.message}", fix=error.fix) from None


def unknown_option(word: str) -> OptionError:
    """Build the error for a word that is no option, with the nearest one that is.

    >>> str(unknown_option("gpus")).splitlines()[1].strip()
    '→ did you mean `gpu`?'
    """
    near = difflib.get_close_matches(word.lower(), [*KEYS, *FLAGS], n=1, cutoff=0.6)
    fix = f"did you mean `{near[0]}`?" if near else f"options are {', '.join([*KEYS, *FLAGS])}"
    return OptionError(f"`{word}` is not an option", fix=fix, suggestion=near[0] if near else None)


def merge(sticky: Mapping[str, Any], given: Mapping[str, Any]) -> Values:
    """Lay the options of a line over the sticky ones; `cpu` on the line hides a sticky `gpu`, and the other
    way round.

    >>> merge({"gpu": ("A",), "deps": ("torch",)}, {"cpu": ("cpu3c-1-2",)})
    {'deps': ('torch',), 'cpu': ('cpu3c-1-2',)}
    """
    hidden = {"gpu"} if "cpu" in given else {"cpu"} if "gpu" in given else set()
    return {**{key: value for key, value in sticky.items() if key not in hidden}, **given}


def _read_option(word: str) -> tuple[str, Any] | None:
    if word.removeprefix("--") in FLAGS:
        return word.removeprefix("--"), True
    pair = split_pair(word)
    return (pair[0], parse_value(*pair)) if pair else None


def _refuse(word: str) -> tuple[str, Any]:
    key = word.removeprefix("--")
    if key in KEYS:
        raise OptionError(f"`{key}` has no value", fix=f"write {key}=VALUE without spaces around =")
    raise unknown_option(key)


def _add(values: Values, option: tuple[str, Any]) -> None:
    key, value = option
    if key in values:
        raise OptionError(f"`{key}` is given twice", fix=f"give {key} once; several values have commas between them")
    values[key] = value


def _may_begin_option(rest: str) -> bool:
    first = rest.split(maxsplit=1)[0]
    return first in FLAGS or first.startswith("--") or bool(_KEY_VALUE.match(first))
