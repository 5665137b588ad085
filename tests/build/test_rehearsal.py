"""A module of a project in the kernel of its scratch copy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from flash_jupyter.build.rehearsal import Rehearsal
names = {}
print(Rehearsal.begin(names, "order.json").load("shop", ["double"]), sorted(names))
"""
CASES = [
    ("of ours", "from flash_jupyter import Endpoint\n", '"" [\'double\']\n'),
    ("written for the released client", "from runpod_flash import Endpoint\n", '"" [\'double\']\n'),
    ("that can't be imported", "import nowhere_at_all\n", "\"ModuleNotFoundError: No module named 'nowhere_at_all'\" []\n"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_module_is_imported_or_it_is_said_why_not(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "order.json").write_text('{"served": [], "key": "", "own": []}')
    (tmp_path / "shop.py").write_text(f"{line}def double(x=4): return 2 * x\n")
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (said, "")
