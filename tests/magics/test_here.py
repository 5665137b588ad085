"""The option `local`: a cell that runs here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flash_jupyter.magics.here import run_here

CASES: list[tuple[str, str, object, dict[str, Any]]] = [
    ("the last expression is the value", "y = x + 1\ny", 2, {"y": 2}),
    ("an assignment has no value", "y = 5", None, {"y": 5}),
    ("nothing", "", None, {}),
    ("top-level await", "import asyncio\nawait asyncio.sleep(0, result=3)", 3, {}),
    ("await before the last line", "import asyncio\ny = await asyncio.sleep(0, result=3)\ny + 1", 4, {"y": 3}),
    ("a function sees the notebook", "def f(): return x\nf()", 1, {}),
]


@pytest.mark.parametrize(("source", "value", "bound"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_run_here(source: str, value: object, bound: dict[str, Any]) -> None:
    namespace: dict[str, Any] = {"x": 1}
    assert run_here(source, namespace, "<cell>") == value
    assert {name: namespace[name] for name in bound} == bound


def test_await_works_where_a_loop_runs_already() -> None:
    async def main() -> object:
        return run_here("import asyncio\nawait asyncio.sleep(0, result=7)", {}, "<cell>")

    assert asyncio.run(main()) == 7


def test_errors_are_the_codes_own() -> None:
    with pytest.raises(ZeroDivisionError):
        run_here("import asyncio\nawait asyncio.sleep(0)\n1 / 0", {}, "<cell>")
    with pytest.raises(SyntaxError):
        run_here("x = (", {}, "<cell>")
