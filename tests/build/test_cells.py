"""Tags and `#| flash:` comments."""

from __future__ import annotations

import pytest

from flash_jupyter.build.cells import Mark, Role, read_mark
from flash_jupyter.errors import BuildError

MARKS = {
    "no mark": ("x = 1", [], Mark()),
    "tags of others are not ours": ("x = 1", ["hide-input", "raises-exception"], Mark()),
    "a tag": ("x = 1", ["flash:setup"], Mark(Role.SETUP)),
    "a handler's name in its tag": ("x", ["flash:handler:predict"], Mark(Role.HANDLER, "predict")),
    "papermill's parameters": ("x = 1", ["parameters"], Mark(Role.PARAMETERS)),
    "a comment": ("#| flash: init\nx = 1", [], Mark(Role.INIT)),
    "a comment below others": ("# the model\n\n#| flash: handler name=predict\nx", [], Mark(Role.HANDLER, "predict")),
    "nbdev's export": ("#| export\nx = 1", [], Mark(Role.SETUP)),
    "a comment after code is only a comment": ("x = 1\n#| flash: init", [], Mark()),
    "both, which agree": ("#| flash: init\nx", ["flash:init"], Mark(Role.INIT)),
    "both, of which one says more": ("#| flash: handler name=p\nx", ["flash:handler"], Mark(Role.HANDLER, "p")),
}


@pytest.mark.parametrize(("source", "tags", "mark"), MARKS.values(), ids=MARKS.keys())
def test_the_mark_of_a_cell(source: str, tags: list[str], mark: Mark) -> None:
    assert read_mark(source, tags, "cell 3") == mark


WRONG = {
    "a contradiction": (
        "#| flash: init\nx",
        ["flash:setup"],
        (
            "cell 3 is marked twice, as flash:init and as flash:setup\n"
            "  → keep one of the two: a tag, or a `#| flash:` comment"
        ),
    ),
    "two names": (
        "#| flash: handler name=a\nx",
        ["flash:handler:b"],
        (
            "cell 3 is marked twice, as flash:handler:a and as flash:handler:b\n"
            "  → keep one of the two: a tag, or a `#| flash:` comment"
        ),
    ),
    "a slip": (
        "x",
        ["flash:handeler"],
        "cell 3 has the mark `flash:handeler`, which does not exist\n  → did you mean flash:handler?",
    ),
    "nothing like it": (
        "x",
        ["flash:gpu"],
        "cell 3 has the mark `flash:gpu`, which does not exist\n  → write one of setup, init, handler, test, skip",
    ),
    "a name for what has none": (
        "x",
        ["flash:setup:a"],
        "cell 3: only a handler has a name, not flash:setup\n  → write flash:setup",
    ),
    "no name at all": (
        "x",
        ["flash:handler:a-b"],
        "cell 3: `a-b` can't be the name of a handler\n  → use letters, digits and _",
    ),
    "another option": (
        "#| flash: handler gpu=A\nx",
        [],
        "cell 3: `gpu=A` is not an option of `#| flash:`\n  → write name=NAME",
    ),
}


@pytest.mark.parametrize(("source", "tags", "text"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_mark_is_an_error_that_names_the_cell(source: str, tags: list[str], text: str) -> None:
    with pytest.raises(BuildError) as raised:
        read_mark(source, tags, "cell 3")
    assert str(raised.value) == text
