"""Local modules: found, shipped with what they import, and read again when they change."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.capture.modules import LocalModules, imports_of
from flash_jupyter.capture.namespace import capture
from flash_jupyter.errors import CaptureError

FILES = {
    "fj_utils.py": "import numpy\nfrom fj_pkg.deep import deeper\nSCALE = 2\ndef clean(x): return x * SCALE\n",
    "fj_lazy.py": "def f():\n    import fj_other\n    return fj_other\n",
    "fj_other.py": "import os\n",
    "fj_unused.py": "",
    "fj_pkg/__init__.py": "from . import sub\n",
    "fj_pkg/sub.py": "from ..fj_never import x\n",
    "fj_pkg/deep/__init__.py": "",
    "fj_pkg/deep/deeper.py": "from ..sub import y\nimport pandas\n",
    "fj_pkg/data.csv": "1,2\n",
    "fj_space/part.py": "class Part:\n    pass\n",
    ".env": "SECRET=1\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder with modules on `sys.path`, as the notebook's own is; everything imported from it is forgotten."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("fj_")]:
        del sys.modules[name]


PACKAGE = {"fj_pkg/__init__.py", "fj_pkg/sub.py"}
DEEP = PACKAGE | {"fj_pkg/deep/__init__.py", "fj_pkg/deep/deeper.py"}

CLOSURES = [
    ("a module with all that it imports", ["fj_utils"], {"fj_utils.py"} | DEEP, {"numpy", "pandas"}),
    ("an import inside of a function", ["fj_lazy"], {"fj_lazy.py", "fj_other.py"}, set()),
    ("a package with its relative imports", ["fj_pkg"], PACKAGE, set()),
    ("a name that is no module", ["fj_other.x"], {"fj_other.py"}, set()),
    ("a module with its parents", ["fj_pkg.deep.deeper"], DEEP, {"pandas"}),
    ("a namespace package", ["fj_space.part"], {"fj_space/part.py"}, set()),
    ("the standard library stays", ["os.path", "json"], set(), set()),
    ("we ourselves stay", ["flash_jupyter.errors"], set(), set()),
    ("installed packages are named", ["numpy.linalg", "IPython"], set(), {"numpy", "IPython"}),
    ("so is what is not to be found", ["fj_nowhere.x"], set(), {"fj_nowhere"}),
]


@pytest.mark.parametrize(("wanted", "files", "packages"), [c[1:] for c in CLOSURES], ids=[c[0] for c in CLOSURES])
def test_collect(project: Path, wanted: list[str], files: set[str], packages: set[str]) -> None:
    shipment = LocalModules().collect(wanted)
    assert set(shipment.sources) == files
    assert shipment.packages == packages
    assert all(text == FILES[name] for name, text in shipment.sources.items())


def test_optional_packages_are_not_named(project: Path) -> None:
    shipment = LocalModules().collect([], optional=["torch", "fj_other"])
    assert (set(shipment.sources), shipment.packages) == ({"fj_other.py"}, set())


def test_an_edited_file_is_read_again_though_the_kernel_still_runs_the_old_one(project: Path) -> None:
    local = LocalModules()
    importlib.import_module("fj_other")
    assert local.collect(["fj_other"]).sources == {"fj_other.py": "import os\n"}
    (project / "fj_other.py").write_text("import fj_lazy\n")
    assert set(local.collect(["fj_other"]).sources) == {"fj_other.py", "fj_lazy.py"}


def test_a_change_of_the_same_length_is_seen_by_its_time(project: Path) -> None:
    local = LocalModules()
    local.collect(["fj_other"])
    (project / "fj_other.py").write_text("import re\n")
    os.utime(project / "fj_other.py", ns=(1, 1))
    assert local.collect(["fj_other"]).sources == {"fj_other.py": "import re\n"}


def test_a_file_that_is_gone_is_not_shipped(project: Path) -> None:
    local = LocalModules()
    importlib.import_module("fj_other")
    local.collect(["fj_other"])
    (project / "fj_other.py").unlink()
    assert local.collect(["fj_other"]).sources == {}


def test_a_file_that_is_no_text_is_an_error_that_names_it(project: Path) -> None:
    (project / "fj_other.py").write_bytes(b"x = '\xff'\n")
    with pytest.raises(CaptureError, match=r"fj_other\.py can't be read: .*\n  → save it as UTF-8"):
        LocalModules().collect(["fj_other"])


def test_a_file_that_is_no_python_is_an_error_that_names_file_and_line(project: Path) -> None:
    (project / "fj_other.py").write_text("a = 1\ndef f(:\n")
    with pytest.raises(CaptureError) as caught:
        LocalModules().collect(["fj_other"])
    assert str(caught.value) == (
        f"{project / 'fj_other.py'}, which the cell needs, is not Python: line 2: invalid syntax; nothing was sent\n"
        "  → correct it and run again"
    )


VALUES = [
    ("a module", "import fj_utils", "fj_utils.clean(1)"),
    ("a function from it", "from fj_utils import clean", "clean(1)"),
    ("a function in a helper", "from fj_utils import clean\ndef h(): return clean(1)", "h()"),
    ("imported in a helper only", "def h():\n    from fj_utils import clean", "h()"),
    ("imported in the cell only", "", "from fj_utils import clean\nclean(1)"),
    ("imported with a star", "", "from fj_utils import *\nclean(1)"),
]


def ran(cell: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(cell, "<cell>", "exec", dont_inherit=True), space)
    return space


@pytest.mark.parametrize(("cells", "cell"), [c[1:] for c in VALUES], ids=[c[0] for c in VALUES])
def test_capture_finds_local_modules(project: Path, cells: str, cell: str) -> None:
    (project / "fj_utils.py").write_text("def clean(x): return x\n")
    found = capture(cell, ran(cells), local=LocalModules())
    assert found.modules == {"fj_utils.py": "def clean(x): return x\n"}
    assert found.imports == frozenset()


def test_capture_finds_the_module_of_an_instance(project: Path) -> None:
    found = capture("p", ran("from fj_space.part import Part\np = [Part()]"), local=LocalModules())
    assert set(found.modules) == {"fj_space/part.py"}


def test_an_editable_install_counts_as_local(tmp_path: Path) -> None:
    """A finder hook on `sys.meta_path`, as setuptools' editable installs put there; the folder is not on `sys.path`."""
    (tmp_path / "fj_editable.py").write_text("x = 1\n")

    class Hook:
        @staticmethod
        def find_spec(name: str, *_: object) -> Any:
            if name == "fj_editable":
                return importlib.util.spec_from_file_location(name, tmp_path / "fj_editable.py")
            return None

    sys.meta_path.append(Hook)
    try:
        assert LocalModules().collect(["fj_editable"]).sources == {"fj_editable.py": "x = 1\n"}
    finally:
        sys.meta_path.remove(Hook)


CASES = [
    ("plain", "import a.b, c as d", "", "a.b c", ""),
    ("from", "from a import b, c", "", "a a.b a.c", ""),
    ("star", "from a import *", "", "a", ""),
    ("relative", "from . import a\nfrom .b import c", "p", "p p.a p.b p.b.c", ""),
    ("relative to the parent", "from ..a import b", "p.q", "p.a p.a.b", ""),
    ("in a function", "def f():\n    import a", "", "a", ""),
    ("by a literal name", "import_module('a.b'); importlib.import_module('.c', 'p')", "p", "a.b p.c", ""),
    ("not by a computed one", "import_module(name)", "", "", ""),
    ("guarded", "try:\n    import a\nexcept ImportError:\n    import b", "", "b", "a"),
    ("guarded against another error", "try:\n    import a\nexcept KeyError: pass", "", "a", ""),
    ("for the type checker", "if TYPE_CHECKING:\n    import a\nelse:\n    import b", "", "b", "a"),
]


@pytest.mark.parametrize(("text", "package", "needed", "optional"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_imports_of(text: str, package: str, needed: str, optional: str) -> None:
    found = imports_of(text, package)
    assert {name for name, without in found if not without} == set(needed.split())
    assert {name for name, without in found if without} == set(optional.split())
