"""How the words behind `%flash build` and `%flash run` are read."""

from __future__ import annotations

import pytest
from typer.main import get_command

from flash_jupyter.cli.main import app
from flash_jupyter.errors import OptionError
from flash_jupyter.magics import build, running
from flash_jupyter.magics.words import read_words

VALUES, FLAGS = {"exclude", "port"}, {"keep-build"}

READ = [
    ("a path", ["a.ipynb"], (["a.ipynb"], {})),
    ("a value behind a space", ["--port", "0"], ([], {"port": "0"})),
    ("a value behind =", ["--port=0", "exclude=a,b"], ([], {"port": "0", "exclude": "a,b"})),
    ("a flag and a path", ["--keep-build", "x"], (["x"], {"keep-build": ""})),
]


@pytest.mark.parametrize(("words", "read"), [r[1:] for r in READ], ids=[r[0] for r in READ])
def test_words_are_read(words: list[str], read: tuple[list[str], dict[str, str]]) -> None:
    assert read_words(words, "build", values=VALUES, flags=FLAGS) == read


REFUSED = [
    (
        "a flag nearly right",
        ["--keep"],
        "%flash build does not take --keep\n  → did you mean --keep-build?",
    ),
    (
        "a flag that is nothing like any",
        ["--zzz=1"],
        "%flash build does not take --zzz=1\n  → it takes --exclude, --keep-build, --port",
    ),
    ("a value that is missing", ["--port"], "%flash build --port has no value\n  → write --port=VALUE"),
]


@pytest.mark.parametrize(("words", "text"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_words_are_refused(words: list[str], text: str) -> None:
    with pytest.raises(OptionError) as caught:
        read_words(words, "build", values=VALUES, flags=FLAGS)
    assert str(caught.value) == text


TWINS = [
    # a preview in containers is for a terminal
    ("build", build.VALUES, build.FLAGS, {"preview-docker"}),
    ("run", running.VALUES, running.FLAGS, set[str]()),
]


@pytest.mark.parametrize(("word", "values", "flags", "beyond"), TWINS, ids=[twin[0] for twin in TWINS])
def test_a_notebook_takes_what_a_terminal_takes(word: str, values: set[str], flags: set[str], beyond: set[str]) -> None:
    command = get_command(app).commands[word]  # type: ignore[attr-defined]
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    names = {
        (each.secondary_opts or each.opts)[0].removeprefix("--"): each.is_flag
        for each in options
        if each.name not in ("as_json", "help")
    }
    assert {name for name, is_flag in names.items() if is_flag} == flags | beyond
    assert {name for name, is_flag in names.items() if not is_flag} == values
