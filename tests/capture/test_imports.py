"""What a module's text imports."""

from __future__ import annotations

import pytest

from flash_jupyter.capture.imports import imports_of

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
