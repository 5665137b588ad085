"""The words behind `%flash build`, `run` and `init`, and which file is meant."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.magics.source import find_source, read_words
from flash_jupyter.settings import Settings

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


def test_this_notebook_is_meant_where_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").touch()
    environ = {"JPY_SESSION_NAME": str(tmp_path / "nb.ipynb")}
    settings, shell = Settings(tmp_path, tmp_path, "ann", "local", environ=environ), SimpleNamespace(user_ns={})
    assert find_source([], "build", shell, settings) == tmp_path / "nb.ipynb"
    assert find_source([str(tmp_path)], "build", shell, settings) == tmp_path
    (tmp_path / "nb.ipynb").unlink()
    with pytest.raises(OptionError, match="this notebook is not at "):
        find_source([], "build", shell, settings)
