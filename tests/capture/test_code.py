"""What compiled code reads from its globals."""

from __future__ import annotations

from types import CodeType

import pytest

from flash_jupyter.capture.code import code_names

CASES = [
    ("a global", "def f(): return k", {"k"}),
    ("parameters and locals are its own", "def f(a):\n    b = a\n    return b", set()),
    ("a nested function's global", "def f():\n    def g(): return k\n    return g", {"k"}),
    ("a closure variable is not global", "def f():\n    k = 1\n    return lambda: k", set()),
    ("a comprehension's global", "def f(): return [k for _ in xs]", {"k", "xs"}),
    ("a class in a function", "def f():\n    class A(B):\n        c = d\n    return A", {"B", "d", "__name__"}),
    ("an attribute is not a name", "def f(): return k.attribute.method()", {"k"}),
    ("builtins are loads too", "def f(): return len(xs)", {"len", "xs"}),
    ("a coroutine", "async def f():\n    async with k: await g()", {"k", "g"}),
]


def compiled(source: str) -> CodeType:
    space: dict[str, object] = {}
    exec(source, space)
    code = getattr(space["f"], "__code__", None)
    assert isinstance(code, CodeType)
    return code


@pytest.mark.parametrize(("source", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_reads(source: str, expected: set[str]) -> None:
    assert code_names(compiled(source)).reads - {"__module__", "__qualname__"} == expected


def test_stores_deletes_imports_and_attributes() -> None:
    names = code_names(
        compiled(
            "def f():\n    global a, b\n    a = 1\n    del b\n    import c.d\n    from e import g\n    return c.d.h()"
        )
    )
    assert names.binds == {"a"}
    assert names.deletes == {"b"}
    assert names.modules == {"c.d", "e", "e.g"}
    assert names.attributes >= {"d", "h"}


def test_the_same_code_is_read_once() -> None:
    code = compiled("def f(): return k")
    assert code_names(code) is code_names(code)
