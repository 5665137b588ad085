"""What the build says of one cell by itself."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.build.endpoint import check_cell

CASES: dict[str, tuple[str, list[str], Any, list[str]]] = {
    "no mark and no options": ("x = 1", [], {}, []),
    "a cell that is no Python may stay unmarked": ("%%bash\nls", [], {}, []),
    "a marked cell must be Python": (
        "%%bash\nls",
        ["flash:setup"],
        {},
        ["this cell is %%bash, which can't be exported"],
    ),
    "a marked cell that is empty is not looked at": ("", ["flash:handler"], {}, []),
    "a tag and a comment that differ": (
        "#| flash: init\nx = 1",
        ["flash:setup"],
        {},
        ["this cell is marked twice, as flash:init and as flash:setup"],
    ),
    "a value that can't be read": (
        "x = 1",
        ["flash:handler"],
        {"timeout": "soon"},
        ["this cell: timeout=soon: `soon` is not a whole number"],
    ),
    "a number out of its range": (
        "x = 1",
        ["flash:handler"],
        {"count": 9},
        ["this cell: count=9 does not fit: input should be less than or equal to 8"],
    ),
    "metadata that are no object": (
        "x = 1",
        ["flash:handler"],
        [1],
        ["this cell: `flash` in the cell's metadata is no object"],
    ),
    "options of a cell that nobody asks for them": (
        "x = 1",
        ["flash:setup"],
        {"gpu": "any"},
        ["this cell has options, and is no handler"],
    ),
    "options of a remote cell, which may be a handler": ("%%remote\nx = 1", [], {"gpu": "any"}, []),
    "a remote line that can't be read": (
        "%%remote gpus=any\nx = 1",
        [],
        {},
        ["this cell: `gpus` is not an option"],
    ),
    "a variable of the kernel in a deployment": (
        "x = 1",
        ["flash:handler"],
        {"env": "TOKEN"},
        ["this cell: env=TOKEN takes its value from the kernel, which a deployment has not"],
    ),
    "what only the endpoint refuses": (
        "x = 1",
        ["flash:handler"],
        {"volume": "models:0"},
        ["this cell: size=0 does not fit: input should be greater than or equal to 10"],
    ),
    "Python and options are told at once": (
        "x = ",
        ["flash:handler"],
        {"gpus": "any"},
        ["this cell, line 1: invalid syntax", "this cell: there is no option gpus="],
    ),
}


@pytest.mark.parametrize(("source", "tags", "options", "told"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_told(source: str, tags: list[str], options: Any, told: list[str]) -> None:
    assert [problem.message for problem in check_cell(source, tags, options)] == told
