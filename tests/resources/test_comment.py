"""`#| remote: ...` as the first line of a cell."""

from __future__ import annotations

import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.comment import refuse_twice, to_magic

MADE = [
    ("the first line", "#| remote: gpu=A deps=b\nx\n", "%%remote gpu=A deps=b\nx\n"),
    ("without options", "#| remote:\nx\n", "%%remote\nx\n"),
    ("without a colon", "#| remote gpu=A\nx\n", "%%remote gpu=A\nx\n"),
    ("with other spaces", "#|remote:gpu=A\nx\n", "%%remote gpu=A\nx\n"),
    ("as nbdev lets one write it", "# | remote: gpu=A\nx\n", "%%remote gpu=A\nx\n"),
    ("below comments and blank lines", "\n# a\n\n#| remote: gpu=A\nx\n", "%%remote gpu=A\n\n# a\n\nx\n"),
    ("below a comment of another tool", "#| export\n#| remote: gpu=A\nx\n", "%%remote gpu=A\n#| export\nx\n"),
    ("indented, as a whole", "  #| remote: gpu=A\n  x\n", "  %%remote gpu=A\n  x\n"),
    ("alone", "#| remote: gpu=A", "%%remote gpu=A\n"),
    ("lines that end as on Windows", "#| remote: gpu=A\r\nx\r\n", "%%remote gpu=A\nx\r\n"),
]


@pytest.mark.parametrize(("cell", "made"), [case[1:] for case in MADE], ids=[case[0] for case in MADE])
def test_the_comment_becomes_the_magic(cell: str, made: str) -> None:
    assert "".join(to_magic(cell.splitlines(keepends=True))) == made


KEPT = [
    ("no comment", "x = 1\n"),
    ("below code", "x = 1\n#| remote: gpu=A\n"),
    ("behind code", "x = 1  #| remote: gpu=A\n"),
    ("an ordinary comment", "# remote: gpu=A\nx\n"),
    ("another word", "#| remote-control: on\nx\n"),
    ("another directive", "#| flash: handler\nx\n"),
    ("a cell that has the magic", "%%remote gpu=A\n#| remote: gpu=B\nx\n"),
    ("below a magic", "%%time\n#| remote: gpu=A\nx\n"),
    ("in a text", '"""\n#| remote: gpu=A\n"""\n'),
    ("nothing", ""),
]


@pytest.mark.parametrize("cell", [case[1] for case in KEPT], ids=[case[0] for case in KEPT])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert "".join(to_magic(cell.splitlines(keepends=True))) == cell


def test_options_that_are_given_twice_are_refused() -> None:
    with pytest.raises(OptionError) as caught:
        refuse_twice("# why\n#| remote: gpu=B\nx")
    assert str(caught.value) == (
        "the cell says its options twice, in %%remote and in #| remote:\n  → keep one of the two"
    )
    refuse_twice("remote = 1\n#| remote: gpu=B")
