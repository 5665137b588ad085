"""Magics of exported cells: dropped where they have no effect, refused elsewhere."""

from __future__ import annotations

import pytest

from flash_jupyter.build.plain import make_plain
from flash_jupyter.errors import BuildError

PLAIN = {
    "Python stays as it is": ("x = 1  # one\ny = 2", "x = 1  # one\ny = 2"),
    "magics without effect leave an empty line": ("%matplotlib inline\nx = 1", "\nx = 1"),
    "the body of %%time is the cell's": ("%%time\nx = 1", "\nx = 1"),
    "the body of %%remote is the cell's": ("# a comment\n%%remote gpu=any\nx = 1", "# a comment\n\nx = 1"),
    "blank lines before keep the numbers": ("\n\nx = 1", "\n\nx = 1"),
    "top-level await is Python here": ("x = await f()", "x = await f()"),
}


@pytest.mark.parametrize(("source", "text"), PLAIN.values(), ids=PLAIN.keys())
def test_the_python_of_a_cell(source: str, text: str) -> None:
    assert make_plain(source, "cell 1", is_marked=True).text.rstrip("\n") == text


REFUSED = {
    "a shell command": (
        "x = 1\n!nvidia-smi",
        "cell 1, line 2: !nvidia-smi has no place in a module\n  → do it in Python, or in a cell that is not exported",
    ),
    "an installation": (
        "%pip install torch",
        (
            "cell 1, line 1: %pip has no place in a module\n"
            "  → write the packages into requirements.txt, or deps= of its cell"
        ),
    ),
    "an answer of the shell": (
        "files = !ls",
        "cell 1, line 1: !ls has no place in a module\n  → do it in Python, or in a cell that is not exported",
    ),
    "IPython itself": (
        "get_ipython().user_ns['x']",
        (
            "cell 1, line 1: get_ipython() has no place in a module\n"
            "  → do it in Python, or in a cell that is not exported"
        ),
    ),
    "another language": ("%%bash\nls", "cell 1 is %%bash, which can't be exported\n  → take its mark away"),
    "no Python": ("x = = 1", "cell 1, line 1: invalid syntax\n  → mend the cell; nothing was built"),
}


@pytest.mark.parametrize(("source", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_has_an_effect_is_refused_in_an_exported_cell(source: str, text: str) -> None:
    with pytest.raises(BuildError) as raised:
        make_plain(source, "cell 1", is_marked=True)
    assert str(raised.value) == text


@pytest.mark.parametrize("source", ["%%bash\nls", "x = = 1"])
def test_a_cell_without_a_mark_may_be_anything(source: str) -> None:
    assert make_plain(source, "cell 1", is_marked=False).text == ""


def test_a_cell_without_a_mark_keeps_what_is_python() -> None:
    plain = make_plain("!ls\ndef f(): pass", "cell 1", is_marked=False)
    assert [type(node).__name__ for node in plain.tree.body] == ["FunctionDef"]
    assert plain.refused == {1: "!ls"}
