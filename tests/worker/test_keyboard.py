"""Input and debuggers: refused at once, at the line of the cell."""

from __future__ import annotations

import pytest
from cells import Notebook

NO_INPUT = " does not work on a worker: nobody can type there. Ask in a cell without %%remote."
NO_DEBUGGER = " does not work on a worker: nobody can type there. Print what you need, or run the cell with `local`."
CASES = [
    ("input", "input('name? ')", "input()" + NO_INPUT),
    ("reading lines", "import sys\nfor line in sys.stdin: pass", "input()" + NO_INPUT),
    ("a password", "import getpass\ngetpass.getpass()", "getpass()" + NO_INPUT),
    ("a password, asked by its name", "from getpass import getpass\ngetpass('? ')", "getpass()" + NO_INPUT),
    ("a breakpoint", "x = 1\nbreakpoint()", "breakpoint()" + NO_DEBUGGER),
    ("the debugger", "import pdb\npdb.set_trace()", "pdb.set_trace()" + NO_DEBUGGER),
]


@pytest.mark.parametrize(("cell", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_it_is_refused_at_the_line_of_the_cell(bare: Notebook, cell: str, message: str) -> None:
    answer = bare.there(cell)
    assert answer.order["error"]["message"] == message
    assert [frame["line"] for frame in answer.order["error"]["frames"]] == [cell.count("\n") + 1]
    assert "Warning" not in str(answer.order["events"])


def test_a_child_process_reads_nothing(bare: Notebook) -> None:
    cell = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'input()'], stderr=-3, timeout=20).returncode"
    assert bare.there(cell).result == 1
