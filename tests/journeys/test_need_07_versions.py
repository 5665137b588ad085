"""Need 7: Pythons and libraries that do not fit are told before anything is sent, by name and with both versions."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest

pytestmark = pytest.mark.journey

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
OTHER = "3.12" if HERE != "3.12" else "3.11"


def jobs(notebook: Any) -> Any:
    return notebook.ok("%flash jobs --json").bundles


def explained(cell: Any) -> dict[str, Any]:
    (bundle,) = cell.bundles
    return dict(bundle["application/json"]["cell"])


def test_need_07_the_image_is_that_of_the_kernels_python(notebook: Any) -> None:
    notebook.ok("%%remote dry backend=runpod gpu=any\n1")
    shown = explained(notebook.ok("%flash explain --json"))
    assert (shown["python"], shown["image"]) == (HERE, f"runpod/flash:py{HERE}-latest")
    notebook.ok(f"%%remote dry backend=runpod python={OTHER}\n1")
    shown = explained(notebook.ok("%flash explain --json"))
    assert (shown["python"], shown["image"]) == (OTHER, f"runpod/flash:py{OTHER}-latest")
    assert f"py{OTHER.replace('.', '')}" in shown["endpoint"]


def test_need_07_a_function_for_another_python_stops_here(notebook: Any) -> None:
    notebook.ok("def helper(x): return x\nconf = {'callback': helper}\nx = 1")
    started = time.monotonic()
    cell = notebook.run(f"%%remote dry backend=runpod python={OTHER}\ny = conf['callback'](x)")
    assert time.monotonic() - started < 10
    assert cell.traceback == (
        "SerializationError: can't be pickled: conf → ['callback']: function"
        f" (code of Python {HERE}, which the worker's Python {OTHER} can't run)\n"
        "  → build it in the cell itself, or leave it out with drop=conf"
    )
    notebook.ok(f"%%remote dry backend=runpod python={OTHER}\ndef inner(x): return x\ny = inner(x)")


def test_need_07_a_python_without_image_or_interpreter_is_refused_here(notebook: Any) -> None:
    before = jobs(notebook)
    assert notebook.run("%%remote backend=runpod python=3.9\n1").stderr.startswith(
        "UsageError: there is no published image for Python 3.9\n"
    )
    assert notebook.run("%%remote python=3.99\n1").stderr == (
        "UsageError: python=3.99: this machine has no python3.99 on its PATH, and local workers are its processes\n"
        "  → install Python 3.99 with flash-jupyter, or leave python= away\n"
    )
    assert jobs(notebook) == before


def test_need_07_a_library_that_deps_asks_for_in_another_version_is_told(notebook: Any) -> None:
    notebook.ok("import numpy as np\nfrom packaging.version import Version\narr = np.zeros(3)\nhere = np.__version__")
    here = notebook.value("here")
    warning = f"`arr` is an object of numpy {here}, and deps= asks for numpy<1: one may not read what the other wrote"
    notebook.ok("%%remote dry deps=numpy<1\narr.sum()")
    assert explained(notebook.ok("%flash explain --json"))["warnings"] == [warning]
    notebook.ok("%%remote dry deps=numpy>=1\narr.sum()")
    assert explained(notebook.ok("%flash explain --json"))["warnings"] == []


def test_need_07_what_a_worker_has_told_is_compared_before_the_next_cell(notebook: Any) -> None:
    """The worker's library is made older by a cell: a local worker has the kernel's own."""
    notebook.ok("import numpy as np\narr = np.zeros(3)")
    notebook.ok("%%remote name=skewed\nimport numpy\nnumpy.__version__ = '0.9'")
    cell = notebook.ok("%%remote name=skewed\narr.sum()")
    assert (
        f"`arr` is an object of numpy {notebook.ok('np.__version__').result}, and".replace("'", "")
        in (cell.status_lines[0])
    )
    assert "the worker has numpy 0.9: one may not read what the other wrote" in cell.status_lines[0]
    assert cell.result is not None, "it is a warning: the cell ran"


def test_need_07_what_cannot_be_read_there_says_both_versions(notebook: Any) -> None:
    notebook.ok(
        "import numpy as np\n"
        "def refuse(*a): raise AttributeError('no such thing in this numpy')\n"
        "class Picky(np.ndarray):\n"
        "    def __setstate__(self, state):\n"
        "        import numpy\n"
        "        numpy.__version__ = '0.9'\n"
        "        raise AttributeError('no such thing in this numpy')\n"
        "arr = np.zeros(3).view(Picky)\nplain = np.zeros(1)\nversion = np.__version__"
    )
    cell = notebook.run("%%remote name=picky\narr.sum() + plain.sum()")
    assert cell.ename == "DeserializationError"
    assert f"numpy is 0.9 here and {notebook.value('version')} in the notebook" in cell.error


def test_need_07_functions_that_come_home_from_another_python_are_named(notebook: Any) -> None:
    """Its own worker pretends to be of another Python, as there may be no other one on this machine."""
    cell = notebook.ok(
        "%%remote name=pretender\n"
        "import sys\n"
        "frame = sys._getframe()\n"
        "while frame and '_receiver' not in getattr(frame.f_locals.get('self'), '__dict__', {}): frame = frame.f_back\n"
        "frame.f_locals['self']._receiver._no_code = 'code of Python 3.99, which the notebook can not run'\n"
        "del frame\n"
        "def f(): return 1\n"
        "n = f()"
    )
    assert [line for line in cell.status_lines if line.startswith("`f` did not come back")] != []
    assert "code of Python 3.99" in str(cell.status_lines)
    assert notebook.value("n, 'f' in globals()") == (1, False)
