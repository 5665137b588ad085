"""Examples in docstrings of a project's modules ask the bundle, whatever calls it, and say what they prove."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.journey

#: what is served, and a helper that is not; `served` is there on a worker only
MODULE = """
import asyncio
import os

from flash_jupyter import CpuLiveLoadBalancer, CpuLiveServerless, JobOutput, remote

queue = CpuLiveServerless(name="queue", env={"SERVED": "yes"})


@remote(queue)
async def double(x):
    '''Twice as much.

    >>> asyncio.run(double(2)).output
    4
    >>> double.remote(await double(2)).result(), [each.output for each in double.map([1, 2])]
    (8, [2, 4])
    >>> from shop import double as same
    >>> import shop
    >>> (await same(3)).output, (await shop.double(4)).output, double.local.__name__
    (6, 8, 'local')
    '''
    assert os.environ["SERVED"] == "yes"
    return 2 * x


@remote(queue)
def where(x: int = 1):
    '''Where it runs.

    >>> where.remote().output
    'here'
    '''
    return os.environ.get("SERVED", "here")


@remote(queue)
def charge(x):
    '''Costs money.

    >>> charge.remote(1).output  # doctest: +SKIP
    1
    '''
    return x


@remote(queue)
def told(x):
    '''Asks another one.

    >>> asyncio.run(helper(5))
    10
    '''
    return x


async def helper(x):
    return (await double(x)).output


@remote(queue)
def stale(x):
    '''Asks for what is not there any more.

    >>> gone(1)
    1
    '''
    return x


@remote(CpuLiveServerless(name="baskets", env={"SERVED": "yes"}))
class Basket:
    '''Some things.

    >>> basket = Basket(["tea"])
    >>> basket.add.remote("cake").output
    2
    >>> (await basket.add("pie")).output
    3
    '''

    def __init__(self, items):
        self.items = items

    def add(self, item):
        '''Put one in.

        >>> Basket([]).add.remote("tea").output
        1
        '''
        self.items.append(item)
        return len(self.items)


@remote(CpuLiveLoadBalancer(name="api"), method="POST", path="/sum/{x}")
def total(x: int, y: int = 1):
    '''A sum.

    >>> total.remote(2, y=40)
    42
    '''
    return x + y
"""
#: what only its workers can import
FAR = """
import os

from flash_jupyter import CpuLiveLoadBalancer, CpuLiveServerless, remote

if "SERVED" not in os.environ:
    raise ModuleNotFoundError("No module named 'nothing_like_it'")
UNIT = 3


@remote(CpuLiveServerless(name="far", env={"SERVED": "yes"}))
def square(x):
    '''The square.

    >>> square.remote(3).output
    9
    '''
    return x * x


@remote(CpuLiveLoadBalancer(name="api", env={"SERVED": "yes"}), method="POST", path="/sum/{x}")
def total(x: int, y: int = 1):
    '''A sum.

    >>> total.remote(2, 40) + UNIT
    45
    '''
    return x + y
"""
#: functions of a notebook: in a docstring, and in the comment at the top of a handler cell
NOTEBOOK = """\
# %% tags=["flash:setup"]
from flash_jupyter import CpuLiveServerless, remote
import lib

# %%
@remote(CpuLiveServerless(name="queue"))
async def half(x):
    '''A half.

    >>> (await half(3)).output, (await lib.triple(1)).output
    (1.5, 3)
    '''
    return x / 2

# %%
x = [1, 2]

# %% tags=["flash:handler:count"]
# How many there are.
# >>> count(x=[1, 2, 3])
# {'n': 3}
n = len(x)

# %% tags=["flash:test"]
assert lib.triple.remote(2).output == 6
"""
LIB = """
from flash_jupyter import CpuLiveServerless, remote

@remote(CpuLiveServerless(name="lib"))
def triple(x):
    return 3 * x
"""


def preview(desk: Any, *words: str) -> list[dict[str, str]]:
    done = desk.python(
        "-c", "from flash_jupyter.cli import main; main()", "build", str(desk.folder), "--preview", "--json", *words
    )
    found: list[dict[str, str]] = json.loads(done.stdout)["verdicts"]
    return found


def test_they_ask_the_bundle_and_say_what_they_prove(desk: Any) -> None:
    (desk.folder / "shop.py").write_text(MODULE)
    said = {tuple(each.values()) for each in preview(desk)}
    assert said == {
        ("double", "verified", "its docstring's example", ""),
        ("where", "differs", "its docstring's example", "expected 'here', got 'yes', in `where.remote().output`"),
        (
            "charge",
            "not verified",
            "",
            "x has no literal default; give it an example in its docstring, or call it in a flash:test cell",
        ),
        ("double", "verified", "the example of told", ""),
        ("told", "not verified", "its docstring's example", "it does not call told"),
        ("stale", "not verified", "its docstring's example", "NameError: name 'gone' is not defined, in `gone(1)`"),
        ("Basket", "verified", "its docstring's example", ""),
        ("Basket", "verified", "the example of Basket.add", ""),
        ("total", "verified", "its docstring's example", ""),
    }


def test_they_ask_the_bundle_where_their_module_can_t_be_imported_here(desk: Any) -> None:
    (desk.folder / "far.py").write_text(FAR)
    missing = "far can't be imported here: ModuleNotFoundError: No module named 'nothing_like_it'"
    needs = f"NameError: name 'UNIT' is not defined, in `total.remote(2, 40) + UNIT`; {missing}"
    assert {tuple(each.values()) for each in preview(desk)} == {
        ("square", "verified", "its docstring's example", ""),
        ("total", "not verified", "its docstring's example", needs),
    }


def test_a_notebook_s_functions_have_them_too_and_its_cells_reach_those_of_modules(desk: Any) -> None:
    (desk.folder / "sums.py").write_text(NOTEBOOK)
    (desk.folder / "lib.py").write_text(LIB)
    test = "cell 5 of sums.py"
    assert {tuple(each.values())[:3] for each in preview(desk)} == {
        ("half", "verified", "its docstring's example"),
        ("triple", "verified", "the example of half"),
        ("triple", "verified", test),
        ("count", "verified", "its docstring's example"),
        ("count", "verified", "its defaults"),
    }
