"""Need 18: sync and `await` forms work without nest-asyncio, and asyncio stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey

#: as in an environment that does not have it
WITHOUT = "import sys\nsys.modules['nest_asyncio'] = sys.modules['nest_asyncio2'] = None"
LOOK = "import asyncio\ndef look(): return [f.__module__ for f in (asyncio.run, asyncio.Task, asyncio.get_event_loop, type(asyncio.get_event_loop()).run_until_complete)]"
FUNCTION = "from flash_jupyter import remote\nK = 2\n@remote\nasync def double(x): return x * K\n@remote\ndef half(x): return x / K"


@pytest.fixture
def without(shared_desk: Any) -> Any:
    """A kernel in which nest-asyncio can't be imported."""
    notebook = shared_desk.open(load=False)
    notebook.ok(f"{WITHOUT}\n{LOOK}\nbefore = look()")
    notebook.ok("%load_ext flash_jupyter")
    return notebook


def test_need_18_every_form_works_and_nothing_is_patched(without: Any) -> None:
    assert without.value("look() == before"), "after %load_ext"
    without.ok(
        "%%remote\nimport asyncio\ntwo = await asyncio.sleep(0.01, result=2)\nboth = await asyncio.gather(*[asyncio.sleep(0, n) for n in range(3)])"
    )
    assert without.value("two, both") == (2, [0, 1, 2])
    assert without.ok("%%remote\nasync def f(): return 5\nawait f()").result == "5"
    assert without.ok("y = %remote sum([1, 2])\ny").result == "3"
    without.ok(FUNCTION)
    assert without.ok("(await double(4)).output").result == "8"
    assert without.ok("double.remote(4).output, half.remote(4).output").result == "(8, 2.0)"
    assert (
        without.ok("import asyncio\n[o.output for o in await asyncio.gather(double(1), half(2))]").result == "[2, 1.0]"
    )
    assert without.ok("%%remote local\nimport asyncio\nawait asyncio.sleep(0, result=7)").result == "7"
    assert without.value("look() == before"), "after all of them"


def test_need_18_a_remote_cell_may_run_a_loop_of_its_own(without: Any) -> None:
    cell = "%%remote\nimport asyncio\nasync def main(): return 6\nout = asyncio.run(main())\nout"
    assert without.ok(cell).result == "6"
    assert without.value("look() == before")
