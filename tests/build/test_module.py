"""The module of a handler: its text, and that it gives the notebook's values."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import subprocess
import sys
import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from percent import handler_of, notebook_of

from flash_jupyter.build.cells import Notebook
from flash_jupyter.build.interface import Interface, read_interface
from flash_jupyter.build.module import write_shared
from flash_jupyter.build.slice import SOURCES, Slicer
from flash_jupyter.errors import BuildError

HANDLER = '\n# %% tags=["flash:handler:run"]\n'


def export(notebook: Notebook) -> tuple[Interface, str]:
    found = Slicer(notebook).slice(handler_of(notebook))
    interface = read_interface(found)
    return interface, write_shared([interface.name], found.pieces, [(found, interface)], notebook.name)


def test_the_text_of_a_module(tmp_path: Path) -> None:
    text = (
        "# %%\nimport math\nimport json\nK = 3\ndf = object()\n\n# scales\ndef scale(x):\n    return x * K\n"
        '# %% tags=["flash:init"]\nmodel = scale(2)\n# %%\nrows = [1, 2]\nlimit = 0.5\n'
        + HANDLER
        + "#| flash: handler name=run\ntotal = math.fsum(model * row for row in rows)\n"
        "# the answer\n{'total': total, 'over': total > limit}\n"
    )
    _, module = export(notebook_of(tmp_path, text))
    assert module == (
        '"""`run` of nb.py, written by `flash build`; change the notebook, not this file."""\n\n\n'
        "# %% nb.py#1\nimport math\nK = 3\n\n\n# scales\ndef scale(x):\n    return x * K\n\n\n"
        "# %% nb.py#2\nmodel = scale(2)\n\n\n"
        "# %% nb.py#4\ndef run(*, rows=None, limit=0.5):\n"
        "    rows = [1, 2] if rows is None else rows\n"
        "    total = math.fsum(model * row for row in rows)\n"
        "    # the answer\n    return {'total': total, 'over': total > limit}\n"
    )


SHAPES = {
    "bound names are the output": "# %%\nx = 2\n" + HANDLER + "y = x * 2\n_secret = 3\nz = [y]",
    "the last expression is the output": "# %%\nx = 2\n" + HANDLER + "y = x * 2\ny + 1",
    "texts of several lines keep their spaces": HANDLER + "def f():\n    return '''a\n  b'''\ny = f()",
    "formatted texts of several lines": "# %%\nx = 2\n" + HANDLER + "y = f'''\n  {x}\n'''",
    "top-level await": "# %%\nimport asyncio\nx = 1\n" + HANDLER + "await asyncio.sleep(0)\ny = x",
    "a name of the module that is bound anew": (
        '# %% tags=["flash:setup"]\nn = [1]\n' + HANDLER + "n = n + [2]\nm = len(n)"
    ),
    "loops, branches, with": (
        "# %%\nimport io\nrows = [3, 1]\n"
        + HANDLER
        + "best = 0\nfor row in rows:\n    best = max(best, row)\nwith io.StringIO('a') as file:\n    t = file.read()"
    ),
    "classes and dataclasses": (
        "# %%\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 1\n" + HANDLER + "p = P(3).x"
    ),
    "comprehensions and lambdas see the inputs": "# %%\nk = 2\n"
    + HANDLER
    + "f = [(lambda v: v * k)(v) for v in (1, 2)]",
    "unpacking": "# %%\na, b = 1, 'x'\n" + HANDLER + "c, *d = [a, b, 3]",
    "a cell of magics": "# %%\n%load_ext flash_jupyter\n%matplotlib inline\nx = 1\n" + HANDLER + "%%time\ny = x + 1",
    "messy order": HANDLER + "y = f(2)\n# %%\nK = 5\n# %%\ndef f(x): return x * K\n",
    "papermill's parameters": '# %% tags=["parameters"]\nrate = 0.1\n' + HANDLER + "y = rate * 2",
    "a last line that only prints": "# %%\nn = 2\n" + HANDLER + "y = n * 2\nprint(y)",
    "nothing to give": "# %%\nx = []\n" + HANDLER + "if x:\n    y = 1",
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
def test_a_module_gives_what_the_notebook_gave(tmp_path: Path, text: str) -> None:
    notebook = notebook_of(tmp_path, text)
    interface, module = export(notebook)
    assert call(module, interface, tmp_path) == value_in_notebook(notebook, interface)


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
def test_a_module_reads_as_if_a_person_had_written_it(tmp_path: Path, text: str) -> None:
    _, module = export(notebook_of(tmp_path, text))
    (tmp_path / "out.py").write_text(module, "utf-8")
    words = ["check", "--isolated", "--no-cache", "--select", "E9,F,W", "--ignore", "F841", "out.py"]
    ruff = subprocess.run(
        [sys.executable, "-m", "ruff", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ruff.returncode == 0, f"{ruff.stdout}\n{module}"


def test_a_default_that_a_request_changed_is_whole_for_the_next(tmp_path: Path) -> None:
    interface, module = export(notebook_of(tmp_path, "# %%\nrows = []\n" + HANDLER + "rows.append(1)\nn = len(rows)"))
    namespace: dict[str, Any] = {}
    exec(module, namespace)
    assert [namespace[interface.name]()["n"] for _ in range(2)] == [1, 1]


def test_the_schemas_say_types_defaults_and_what_must_be_given(tmp_path: Path) -> None:
    text = "# %%\ndf = load()\nn = 3\nname = 'x'\nraw = b'x'\n" + HANDLER + "y = f'{df}{n}{name}{raw}'"
    interface, _ = export(notebook_of(tmp_path, text))
    assert interface.input_schema() == {
        "type": "object",
        "properties": {
            "df": {},
            "n": {"type": "integer", "default": 3},
            "name": {"type": "string", "default": "x"},
            "raw": {},
        },
        "required": ["df"],
        "additionalProperties": False,
    }
    assert interface.output_schema() == {"type": "object", "properties": {"y": {}}, "required": ["y"]}


WRONG = {
    "a function of the handler's name": (
        "# %%\ndef run(): return 1\n" + HANDLER + "y = run()",
        (
            "cell 2 is the handler `run`, and cell 1 makes `run` too, which it needs\n"
            "  → give the handler another name: flash:handler:NAME"
        ),
    ),
    "an input of the handler's name": (
        HANDLER + "y = run + 1",
        (
            "cell 1 is the handler `run`, and `run` is one of its inputs too\n"
            "  → give the handler another name: flash:handler:NAME"
        ),
    ),
    "a star": (
        HANDLER + "from math import *\ny = pi",
        "cell 1 is a handler, and a function can't hold `from math import *`\n  → import what it needs of it by name",
    ),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_cell_that_cannot_become_a_function_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BuildError) as raised:
        export(notebook_of(tmp_path, text))
    assert str(raised.value) == message


def call(module: str, interface: Interface, folder: Path) -> Any:
    """Import the module alone, and call its handler with its defaults."""
    path = folder / "exported.py"
    path.write_text(module, "utf-8")
    value = getattr(load(path), interface.name)()
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def load(path: Path) -> ModuleType:
    """Import a file under a name that nothing else has; dataclasses look for their module there."""
    spec = importlib.util.spec_from_file_location(f"exported_{uuid.uuid4().hex}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module


def value_in_notebook(notebook: Notebook, interface: Interface) -> Any:
    """Run all cells in IPython, the handler last, and take what it put out or bound."""
    shell = InteractiveShell()
    for cell in [*notebook.of_role(*SOURCES), handler_of(notebook)]:
        result = shell.run_cell(cell.plain.text)
        result.raise_error()
    if interface.outputs is None:
        return result.result
    return {name: shell.user_ns[name] for name in interface.outputs} or None
