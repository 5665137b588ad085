"""Which resources call which, read from the modules of a bundle."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import export

from flash_jupyter.build.calls import calls_between
from flash_jupyter.build.project import group
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.classes import CpuLiveServerless

A, B, C = (CpuLiveServerless(name=name) for name in "abc")
HEAD = "from flash_jupyter import CpuLiveServerless, remote\n"
F = "@remote(a)\ndef f(x):\n    return x\n"


def found(files: dict[str, str], places: dict[str, CpuLiveServerless] | None = None) -> dict[str, list[str]]:
    """Return resource -> what it calls; `f` of a, `g` of b, `h` of c are exports of the modules that define them."""
    places = places or {"f": A, "g": B, "h": C}
    exports = [
        export(name, path.removesuffix(".py").replace("/", "."), resource)
        for name, resource in places.items()
        for path, text in files.items()
        if f"def {name}(" in text or f"class {name}:" in text
    ]
    sources = {path: (HEAD + text).encode() for path, text in files.items()}
    return {name: list(called) for name, called in calls_between(group(exports, "p"), sources).items()}


REACHED = {
    "by its name": {"m.py": f"{F}@remote(b)\nasync def g(x):\n    return await f(x)\n"},
    "over a helper": {"m.py": f"{F}def help(x):\n    return f.remote(x)\n@remote(b)\ndef g(x):\n    return help(x)\n"},
    "in a table": {"m.py": f"{F}ALL = [f]\n@remote(b)\ndef g(x):\n    return ALL[0](x)\n"},
    "from another module": {"m.py": F, "n.py": "from m import f as do\n@remote(b)\ndef g(x):\n    return do(x)\n"},
    "as a member of a module": {"m.py": F, "n.py": "import m\n@remote(b)\ndef g(x):\n    return m.f.remote(x)\n"},
    "of a package": {
        "p/__init__.py": "",
        "p/m.py": F,
        "n.py": "import p.m\n@remote(b)\ndef g(x):\n    return p.m.f(x)\n",
    },
    "imported in the function": {"m.py": F, "n.py": "@remote(b)\ndef g(x):\n    from m import f\n    return f(x)\n"},
    "by a star": {"m.py": F, "n.py": "from m import *\n@remote(b)\ndef g(x):\n    return f(x)\n"},
    "a class": {"m.py": "@remote(a)\nclass f:\n    pass\n@remote(b)\ndef g(x):\n    return f().run(x)\n"},
    "from a method": {"m.py": f"{F}@remote(b)\nclass g:\n    def run(self):\n        return f(self)\n"},
}


@pytest.mark.parametrize("files", REACHED.values(), ids=REACHED.keys())
def test_a_call_is_found(files: dict[str, str]) -> None:
    assert found(files) == {"b": ["a"]}


NOT_REACHED = {
    "a neighbour in the same module": {"m.py": f"{F}@remote(b)\ndef g(x):\n    return x\ndef main():\n    return f(g(1))\n"},
    "a parameter of that name": {"m.py": f"{F}@remote(b)\ndef g(f):\n    return f(1)\n"},
    "a word in a text": {"m.py": f"{F}@remote(b)\ndef g(x):\n    return 'f'\n"},
    "a helper of that name elsewhere": {"m.py": F, "n.py": "def f(x):\n    return x\n@remote(b)\ndef g(x):\n    return f(x)\n"},
}  # fmt: skip


@pytest.mark.parametrize("files", NOT_REACHED.values(), ids=NOT_REACHED.keys())
def test_what_is_no_call_is_none(files: dict[str, str]) -> None:
    places = {"f": A, "g": B}
    exports = [export(name, "m" if f"def {name}" in files["m.py"] else "n", place) for name, place in places.items()]
    sources = {path: (HEAD + text).encode() for path, text in files.items()}
    assert calls_between(group(exports, "p"), sources) == {}


def test_a_function_of_its_own_resource_is_followed() -> None:
    text = f"{F}@remote(b)\ndef g(x):\n    return f(x)\n@remote(b)\ndef h(x):\n    return g(x)\n"
    assert found({"m.py": text}, {"f": A, "h": B, "g": B}) == {"b": ["a"]}


def test_a_circle_is_refused_with_its_places() -> None:
    text = "@remote(a)\ndef f(x):\n    return g(x)\n@remote(b)\ndef g(x):\n    return h(x)\n@remote(c)\ndef h(x):\n    return f(x)\n"
    with pytest.raises(BuildError) as raised:
        found({"m.py": text})
    assert str(raised.value) == (
        "resources call each other in a circle, where each may wait for the other for ever:\n"
        "    f of a calls g of b: m.py, line 4\n"
        "    g of b calls h of c: m.py, line 7\n"
        "    h of c calls f of a: m.py, line 10\n"
        "  → give these functions one resource, or return to the caller instead of calling back"
    )


def test_the_hybrid_pipeline_calls_nothing_on_its_workers() -> None:
    """`pipeline` runs at home, so neither resource calls the other."""
    source = (Path(__file__).parents[1] / "examples" / "pipeline.py").read_bytes()
    exports = [export("clean", "pipeline", A), export("score", "pipeline", B)]
    assert calls_between(group(exports, "p"), {"pipeline.py": source}) == {}
