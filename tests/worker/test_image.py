from __future__ import annotations

import pytest

from flash_jupyter.worker.image import lacking

IMPORTS = [
    ("what is here", "import json\nfrom httpx import Client", ()),
    ("what neither this machine nor an image has", "import nothing_like_this", ()),
    (
        "what is inside of a function, as a client's stub has it",
        "async def f():\n    import tqdm_loggable as t",
        ("tqdm-loggable",),
    ),
    ("a submodule", "from tqdm_loggable.auto import tqdm", ("tqdm-loggable",)),
    ("a relative import", "from .tqdm_loggable import tqdm", ()),
    ("code that is none", "def f(:", ()),
]


@pytest.mark.parametrize(("code", "packages"), [case[1:] for case in IMPORTS], ids=[case[0] for case in IMPORTS])
def test_what_the_images_have_and_this_interpreter_lacks(code: str, packages: tuple[str, ...]) -> None:
    assert lacking(code) == packages
