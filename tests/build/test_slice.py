"""What a handler needs of its notebook, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from percent import handler_of, notebook_of

from flash_jupyter.build.slice import Slicer
from flash_jupyter.errors import BuildError

HANDLER = '\n# %% tags=["flash:handler"]\n'

SLICES = {
    "imports, functions and classes come from any cell": (
        "# %%\nimport math, json\ndef half(x): return x / 2\ndef other(): pass\n" + HANDLER + "y = half(math.pi)",
        ["import math", "def half(x): return x / 2"],
        [],
    ),
    "what a function needs is followed": (
        "# %%\nK = 3\n# %%\ndef scale(x): return x * K\n# %%\nclass M:\n    f = scale\n" + HANDLER + "y = M().f(2)",
        ["K = 3", "def scale(x): return x * K", "class M:\n    f = scale"],
        [],
    ),
    "other names are inputs": ("# %%\nx = load()\nn = 3\n" + HANDLER + "y = x * n", [], ["x", "n"]),
    "what setup binds is code": (
        '# %% tags=["flash:setup"]\nn = 3\nunused = 4\n' + HANDLER + "y = n",
        ["n = 3"],
        [],
    ),
    "what setup does, it does": (
        '# %% tags=["flash:setup"]\nimport os\nos.environ["A"] = "1"\n' + HANDLER + "y = 1",
        ["import os", 'os.environ["A"] = "1"'],
        [],
    ),
    "init comes with what it needs": (
        '# %%\ndef load(): return 1\n# %% tags=["flash:init"]\nmodel = load()\nprint(model)\n' + HANDLER + "y = model",
        ["def load(): return 1", "model = load()", "print(model)"],
        [],
    ),
    "init of another handler stays away": (
        '# %% tags=["flash:init"]\nmodel = open("big")\nprint("loaded")\n' + HANDLER + "y = 1",
        [],
        [],
    ),
    "the last definition before the handler counts": (
        "# %%\ndef f(): return 1\n# %%\ndef f(): return 2\n" + HANDLER + "y = f()",
        ["def f(): return 2"],
        [],
    ),
    "one that goes on with an earlier one brings it": (
        '# %% tags=["flash:setup"]\nn = 1\nn = n + 1\n' + HANDLER + "y = n",
        ["n = 1", "n = n + 1"],
        [],
    ),
    "a definition below the handler, where there is no other": (
        HANDLER + "y = f()\n# %%\ndef f(): return 1\n",
        ["def f(): return 1"],
        [],
    ),
    "an import that may fail": (
        "# %%\ntry:\n    import tomllib\nexcept ImportError:\n    tomllib = None\n" + HANDLER + "y = tomllib",
        ["try:\n    import tomllib\nexcept ImportError:\n    tomllib = None"],
        [],
    ),
    "a built-in name that the notebook has bound anew": (
        "# %%\ndef sum(x): return 0\n" + HANDLER + "y = sum([1])",
        ["def sum(x): return 0"],
        [],
    ),
    "recursion": (
        "# %%\ndef f(n): return n and f(n - 1)\n" + HANDLER + "y = f(3)",
        ["def f(n): return n and f(n - 1)"],
        [],
    ),
    "comments right above, decorators": (
        "# %%\nimport functools\n\n# remembers\n@functools.cache\ndef f(): return 1\n" + HANDLER + "y = f()",
        ["import functools", "# remembers\n@functools.cache\ndef f(): return 1"],
        [],
    ),
    "statements of one line are apart": (
        "# %%\nA = 1; B = 2\ndef f(): return B\n" + HANDLER + "y = f()",
        ["B = 2", "def f(): return B"],
        [],
    ),
    "skipped cells are not there": (
        '# %%\ndef f(): return 1\n# %% tags=["flash:skip"]\ndef f(): return 2\n' + HANDLER + "y = f()",
        ["def f(): return 1"],
        [],
    ),
}


@pytest.mark.parametrize(("text", "code", "inputs"), SLICES.values(), ids=SLICES.keys())
def test_what_is_exported(tmp_path: Path, text: str, code: list[str], inputs: list[str]) -> None:
    notebook = notebook_of(tmp_path, text)
    found = Slicer(notebook).slice(handler_of(notebook))
    assert [piece.text for piece in found.pieces] == code
    assert list(found.inputs) == inputs


MISSING = {
    "state of a cell that is not exported": (
        "# %%\ndata = load()\ndef f(): return data\n" + HANDLER + "y = f()",
        (
            "`data`, which cell 1 reads in line 2, is made by cell 1, which is not exported\n"
            "  → tag cell 1 flash:init (it runs once a worker), or flash:setup where it is cheap"
        ),
    ),
    "state of another handler": (
        '# %%\ndef f(): return data\n# %% tags=["flash:test"]\ndata = 1\n' + HANDLER + "y = f()",
        (
            "`data`, which cell 1 reads in line 1, is made by cell 2, which is a test cell\n"
            "  → make it in a cell tagged flash:setup or flash:init, which handlers share"
        ),
    ),
    "nothing at all": (
        "# %%\n\ndef f():\n    return data\n" + HANDLER + "y = f()",
        (
            "`data`, which cell 1 reads in line 3, is made by no cell\n"
            "  → define it in a cell, and tag that cell flash:setup"
        ),
    ),
    "a constant that another cell changes": (
        "# %%\nC = {}\ndef f(): return C\n# %%\nC['a'] = 1\n" + HANDLER + "y = f()",
        (
            "cell 2 changes `C` in line 1, and is not exported\n"
            "  → tag cell 2 flash:setup, or give `C` its last value where it is made"
        ),
    ),
    "a star": (
        "# %%\nfrom math import *\n" + HANDLER + "y = pi",
        (
            "cell 1, line 1: nobody can say which names `from math import *` brings\n"
            "  → import what you need of it by name"
        ),
    ),
}


@pytest.mark.parametrize(("text", "message"), MISSING.values(), ids=MISSING.keys())
def test_what_no_exported_code_makes_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    notebook = notebook_of(tmp_path, text)
    with pytest.raises(BuildError) as raised:
        Slicer(notebook).slice(handler_of(notebook))
    assert str(raised.value) == message
