"""Magics become calls, and every line keeps its number."""

from __future__ import annotations

import pytest

from flash_jupyter.capture.source import transform

CASES = [
    ("plain Python stays", "x = 1\ny = 2\n", "x = 1\ny = 2\n"),
    ("line magic", "x = 1\n%time f(x)", "x = 1\nget_ipython().run_line_magic('time', 'f(x)')\n"),
    ("shell line", "!nvidia-smi", "get_ipython().system('nvidia-smi')\n"),
    ("shell output assigned", "a = !ls", "a = get_ipython().getoutput('ls')\n"),
    ("help", "obj?", "get_ipython().run_line_magic('pinfo', 'obj')\n"),
    ("indented shell line", "if a:\n    !ls\n", "if a:\n    get_ipython().system('ls')\n"),
    ("cell magic inside", "%%bash\nls\n", "get_ipython().run_cell_magic('bash', '', 'ls\\n')\n"),
    ("blank lines at the top stay", "\n  \n\nx = 1\n", "\n\n\nx = 1\n"),
    (
        "continued magic leaves empty lines",
        "%env A=1 \\\n  b\nx = 1\n",
        "get_ipython().run_line_magic('env', 'A=1    b')\n\nx = 1\n",
    ),
    ("indented as a whole", "    x = 1\n    y = 2\n", "x = 1\ny = 2\n"),
    ("broken Python is left to the compiler", "def f(:\n", "def f(:\n"),
    ("nothing", "", ""),
    ("only blank lines", "\n  \n", ""),
]


@pytest.mark.parametrize(("cell", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_transform(cell: str, expected: str) -> None:
    assert transform(cell) == expected
