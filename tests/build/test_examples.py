"""Examples in docstrings: which are tried, how they end, and what they say of the bundle."""

from __future__ import annotations

import asyncio
import textwrap
from typing import Any

import pytest

from flash_jupyter.build.examples import Ending, run_examples, shown_docs
from flash_jupyter.build.manifest import Function, Method
from flash_jupyter.errors import RemoteExecutionError


async def double(x: float) -> float:
    await asyncio.sleep(0)
    return 2 * x


def fail(text: str) -> None:
    raise RemoteExecutionError("NameError", text)


NAMES: dict[str, Any] = {"asyncio": asyncio, "double": double, "fail": fail, "UNIT": "kg"}
PASS: list[tuple[str, str]] = [
    ("asyncio.run", ">>> asyncio.run(double(2))\n4"),
    ("await, as in a cell", ">>> x = await double(2)\n>>> x, await double(await double(x))\n(4, 16)"),
    ("calls together", ">>> await asyncio.gather(double(1), double(2))\n[2, 4]"),
    ("await in a comprehension", ">>> [await double(each) for each in (1, 2)]\n[2, 4]"),
    ("names of the module", ">>> UNIT\n'kg'"),
    ("doctest's own words", ">>> await double(1 / 3)  # doctest: +ELLIPSIS\n0.666..."),
    ("one that is skipped", ">>> nowhere  # doctest: +SKIP\n1\n>>> await double(1)\n2"),
    (
        "a function that awaits",
        ">>> async def both(x):\n...     return await double(x), x\n>>> await both(1)\n(2, 1)",
    ),
    ("what it raises", ">>> 1 / 0\nTraceback (most recent call last):\nZeroDivisionError: division by zero"),
]
FAIL: list[tuple[str, str, Ending]] = [
    ("another value", ">>> await double(2)\n5", Ending("expected 5, got 4, in `await double(2)`")),
    ("only the first", ">>> await double(2)\n5\n>>> 1 / 0", Ending("expected 5, got 4, in `await double(2)`")),
    ("no value", ">>> x = await double(2)\n4", Ending("expected 4, got nothing, in `x = await double(2)`")),
    (
        "a value too much",
        ">>> await double(2)",
        Ending("expected nothing, got 4, in `await double(2)`", compares=False),
    ),
    ("what it raises", ">>> 1 / 0\n1", Ending("ZeroDivisionError: division by zero, in `1 / 0`")),
    (
        "another error",
        ">>> 1 / 0\nTraceback (most recent call last):\nValueError: no",
        Ending("expected ValueError: no, got ZeroDivisionError: division by zero, in `1 / 0`"),
    ),
    (
        "what the worker raised, whatever its type",
        ">>> fail('x')",
        Ending("RemoteExecutionError: NameError: x, in `fail('x')`", compares=False),
    ),
    (
        "a name that is not there",
        ">>> nowhere(1)\n1",
        Ending("NameError: name 'nowhere' is not defined, in `nowhere(1)`", is_telling=False),
    ),
    (
        "a module that is not there",
        ">>> import nothing_like_it",
        Ending(
            "ModuleNotFoundError: No module named 'nothing_like_it', in `import nothing_like_it`",
            is_telling=False,
            compares=False,
        ),
    ),
    ("no Python", ">>> double 2\n4", Ending("SyntaxError: invalid syntax, in `double 2`", is_telling=False)),
    (
        "what can't be read",
        ">>>double(2)",
        Ending("line 1 of the docstring for f lacks blank after >>>: '>>>double(2)'", is_telling=False),
    ),
]


@pytest.mark.parametrize("doc", [case[1] for case in PASS], ids=[case[0] for case in PASS])
def test_examples_that_hold(doc: str) -> None:
    assert run_examples("f", f"What it is.\n\n{doc}\n", NAMES) == Ending()
    assert set(NAMES) == {"asyncio", "double", "fail", "UNIT"}


@pytest.mark.parametrize(("doc", "ending"), [case[1:] for case in FAIL], ids=[case[0] for case in FAIL])
def test_how_an_example_fails(doc: str, ending: Ending) -> None:
    assert run_examples("f", doc, NAMES) == ending


@pytest.mark.parametrize(
    ("doc", "compares"),
    [
        (">>> x = await double(2)", False),
        (">>> x = await double(2)\n>>> x  # doctest: +SKIP\n5", False),
        (">>> assert await double(2) == 4", True),
        (">>> from unittest import TestCase\n>>> TestCase().assertEqual(await double(2), 4)", True),
        (">>> x = await double(2)\n>>> x\n4", True),
    ],
    ids=["a value that is thrown away", "what is skipped", "an assert", "a function that asserts", "a value"],
)
def test_an_example_compares_or_it_does_not(doc: str, compares: bool) -> None:
    assert run_examples("f", doc, NAMES) == Ending(compares=compares)


def test_an_example_may_run_a_loop_where_one_runs_already() -> None:
    async def kernel() -> Ending:
        return run_examples("f", ">>> asyncio.run(double(2))\n4", NAMES)

    assert asyncio.run(kernel()) == Ending()


def test_long_values_are_cut() -> None:
    ending = run_examples("f", ">>> 'a' * 1000\n'b'", NAMES)
    assert ending.failure == f"expected 'b', got '{'a' * 299}..., in `'a' * 1000`"


def test_which_docstrings_have_examples() -> None:
    shown = ">>> Basket().add('tea')\n1"
    methods = [Method(name="add", doc=shown), Method(name="clear", doc="Nothing is left."), Method(name="sum")]
    skipped = textwrap.dedent(
        """
        Costs money.

        >>> charge(1)  # doctest: +SKIP
        """
    )
    assert shown_docs(Function(name="Basket", module="m", is_class=True, methods=methods)) == {"Basket.add": shown}
    assert shown_docs(Function(name="charge", module="m", doc=skipped)) == {}
    assert shown_docs(Function(name="total", module="m", doc="Write >>> and so on.")) == {}
    assert list(shown_docs(Function(name="total", module="m", doc=">>>total()"))) == ["total"]
