"""Need 25: linters, completion and the check of names stay alive in cells that run on a worker."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from flash_jupyter.magics.remote import RemoteMagics
from flash_jupyter.resources.values import FLAGS, KEYS

pytestmark = pytest.mark.journey

CELLS = [
    "import math\n\nK = 3",
    "{first}\nscore = K * math.pi\nif score > 1:\n    verdict = 'large'",
    "print(score, verdict)",
]
TWIN = "from flash_jupyter import remote\n\n\n@remote()\ndef f(x):\n    return x * K\n\n\nprint(f.remote(2).output)"


def lint(folder: Path, cells: list[str]) -> list[str]:
    """Return what ruff says of a notebook with these cells."""
    path = folder / "lint.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--output-format=json", str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return [f"{each['code']} {each['message']}" for each in json.loads(found.stdout)]


def test_need_25_ruff_sees_no_false_error_in_the_magic_free_forms(tmp_path: Path) -> None:
    assert lint(tmp_path, [cell.format(first="#| remote: deps=numpy") for cell in CELLS]) == []
    assert lint(tmp_path, ["K = 3", TWIN]) == []
    # what the forms are for: in a cell with the magic, ruff sees no binding
    assert "F821 Undefined name `score`" in lint(tmp_path, [cell.format(first="%%remote") for cell in CELLS])


@pytest.mark.parametrize(
    "first", ["%%remote out=score,pid", "# pi\n\n#| remote: out=score,pid"], ids=["magic", "comment"]
)
def test_need_25_both_forms_do_the_same(notebook: Any, first: str) -> None:
    notebook.ok("import math, os; K = 3")
    cell = notebook.ok(f"{first}\nscore = K * round(math.pi)\npid = os.getpid()\nlost = 1\nscore")
    assert cell.result == "9"
    assert notebook.value("score, pid != os.getpid(), 'lost' in globals()") == (9, True, False)


def test_need_25_the_comment_keeps_the_lines_of_the_cell(notebook: Any) -> None:
    cell = notebook.run("\n# one below a blank line\n#| remote:\n\n1 / 0")
    assert "line 5\n" in cell.traceback
    assert "----> 5 1 / 0" in cell.traceback


def test_need_25_the_comment_stands_in_a_timed_cell(notebook: Any) -> None:
    cell = notebook.ok("%%time\n#| remote: timeout=60\nimport os\npid = os.getpid()\n6 * 7")
    assert cell.result == "42"
    assert cell.stdout.startswith("CPU times")
    assert notebook.value("pid != __import__('os').getpid()")


def test_need_25_the_comment_form_may_await(notebook: Any) -> None:
    assert notebook.ok("#| remote:\nimport asyncio\nawait asyncio.sleep(0, result=5)").result == "5"


def test_need_25_remote_functions_are_the_same_too(notebook: Any) -> None:
    notebook.ok("K = 3")
    assert notebook.ok(TWIN).stdout == "6\n"


COMPLETED = [
    ("a name of the notebook", "%%remote\nmy_fr|", "my_frame"),
    ("an attribute", "%%remote gpu=any\nmy_frame.ite|", "items"),
    ("a module that the cell imports", "%%remote\nimport math\nmath.flo|", "floor"),
    ("a name of the cell", "%%remote\nlocal_score = 1\nlocal_sc|", "local_score"),
    ("in the comment form", "#| remote:\nmy_fr|", "my_frame"),
    ("an option", "%%remote gp|", "gpu="),
    ("an option in the comment form", "#| remote: gpu=HOPP|", "HOPPER_141"),
    ("a word of %flash", "%flash unde|", "undeploy"),
]


@pytest.mark.parametrize(("cell", "word"), [case[1:] for case in COMPLETED], ids=[case[0] for case in COMPLETED])
def test_need_25_the_kernel_completes(notebook: Any, cell: str, word: str) -> None:
    notebook.ok("my_frame = {'a': 1}")
    assert word in notebook.complete(cell.replace("|", "", 1) if "#|" not in cell else cell[:-1])


def test_need_25_endpoints_and_jobs_are_completed_without_a_request(notebook: Any) -> None:
    notebook.ok("%%remote name=completed-here\n1")
    assert "completed-here" in notebook.complete("%flash undeploy compl")
    (jobs,) = notebook.ok("%flash jobs --json").bundles
    newest = jobs["application/json"]["jobs"][0]["id"]
    assert notebook.complete(f"%flash attach {newest[:8]}")[:1] == [newest]


def test_need_25_an_undefined_name_costs_nothing(notebook: Any) -> None:
    notebook.ok("training_set = [1]")
    notebook.ok("%%remote\n1")
    before = notebook.ok("%flash jobs --json").bundles
    started = time.monotonic()
    cell = notebook.run("%%remote\nx = 1\nsum(trainig_set) + x")
    took_s = time.monotonic() - started
    assert cell.traceback == (
        "UndefinedNameError: name is not defined: `trainig_set` (line 3); nothing was sent\n"
        "  → define it in a cell above, or did you mean `training_set` instead of `trainig_set`?"
    )
    assert took_s < 1
    assert notebook.ok("%flash jobs --json").bundles == before


def test_need_25_help_is_a_complete_reference(notebook: Any) -> None:
    shown = notebook.help("%%remote?")
    missing = [option for option in {*KEYS, *FLAGS} if f"\n    {option}" not in shown]
    assert missing == []


def test_need_25_config_shows_every_default_with_its_meaning(notebook: Any) -> None:
    shown = notebook.ok("%config RemoteMagics").stdout
    traits = RemoteMagics.class_own_traits(config=True)
    assert traits
    assert [name for name, trait in traits.items() if f"RemoteMagics.{name}=" not in shown or not trait.help] == []
