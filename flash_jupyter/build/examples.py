"""The examples in docstrings of what is served: their author says what a function is given, and what it has to give.

They are the standard library's (`doctest`), and may await. They run in the kernel of a scratch copy, where the bundle
stands in the place of the project's functions.
"""

from __future__ import annotations

import ast
import doctest
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from flash_jupyter.build.manifest import Function
from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.transport.loop import run_aside

#: what stands for `await` in an example, which is run as a statement of a module
_AWAITED = "__flash_awaited__"
#: what this machine or the text of an example lacks says nothing about the bundle
_OF_HERE = (ImportError, NameError, SyntaxError)
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Ending:
    """How examples ended: what failed, empty where nothing did, and whether that says anything about the bundle.

    `compares` is whether an example says what should come: a value, an error, or an assertion.
    """

    failure: str = ""
    is_telling: bool = True
    compares: bool = True


def shown_docs(function: Function) -> dict[str, str]:
    """Return the docstrings that have examples, by their owner: the function, or a class and `Class.method`."""
    methods = {f"{function.name}.{each.name}": each.doc for each in function.methods or ()}
    return {owner: doc for owner, doc in {function.name: function.doc, **methods}.items() if doc and _shows(doc)}


def _shows(doc: str) -> bool:
    try:
        return any(not each.options.get(doctest.SKIP) for each in doctest.DocTestParser().get_examples(doc))
    except ValueError:  # it can't be read; who runs it says so
        return True


def run_examples(owner: str, doc: str, names: dict[str, Any]) -> Ending:
    """Run the examples of a docstring in a copy of these names, up to the first that fails.

    On a thread of its own: `asyncio.run` in an example must not meet the loop of a kernel.
    """
    try:
        test = doctest.DocTestParser().get_doctest(doc, {**names, _AWAITED: _awaited}, owner, None, 0)
    except ValueError as error:
        return Ending(str(error), is_telling=False)
    compares = any(_compares(each) for each in test.examples if not each.options.get(doctest.SKIP))
    for example in test.examples:
        example.source = _without_await(example.source)
    runner = _Runner(doc)
    pool = ThreadPoolExecutor(1)
    try:
        pool.submit(runner.run, test, out=lambda _text: None).result()
    finally:
        pool.shutdown(wait=False)  # an example that hangs is interrupted here only
    return replace(runner.ending, compares=compares)


def _compares(example: doctest.Example) -> bool:
    if example.want or example.exc_msg:
        return True
    with suppress(SyntaxError):  # who runs it says so
        return any(map(_asserts, ast.walk(ast.parse(example.source))))
    return False


def _asserts(node: ast.AST) -> bool:
    """Whether it is an `assert`, or calls a function that is named so (`np.testing.assert_allclose`)."""
    called = node.func if isinstance(node, ast.Call) else None
    name = getattr(called, "attr", getattr(called, "id", ""))
    return isinstance(node, ast.Assert) or str(name).startswith("assert")


class _Runner(doctest.DocTestRunner):
    """Stops at the first failure, and keeps what is to be said of it."""

    def __init__(self, doc: str) -> None:
        super().__init__(verbose=False, optionflags=doctest.FAIL_FAST)
        self._lines = doc.splitlines()
        self.ending = Ending()

    def report_failure(self, _out: Any, _test: doctest.DocTest, example: doctest.Example, got: str) -> None:
        """Keep what was expected, and what came."""
        if example.exc_msg is not None and got.startswith("Traceback"):
            got = got.strip().splitlines()[-1]
        wanted = _shown(example.exc_msg or example.want) or "nothing"
        self.ending = Ending(f"expected {wanted}, got {_shown(got) or 'nothing'}, in `{self._line(example)}`")

    def report_unexpected_exception(
        self,
        _out: Any,
        _test: doctest.DocTest,
        example: doctest.Example,
        exc_info: tuple[type[BaseException], BaseException, TracebackType],
    ) -> None:
        """Keep what was raised, without the frames of doctest and of ours."""
        error = exc_info[1]
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        is_of_here = isinstance(error, _OF_HERE) and not isinstance(error, RemoteExecutionError)
        raised = _shown(f"{type(error).__name__}: {said}")
        self.ending = Ending(f"{raised}, in `{self._line(example)}`", is_telling=not is_of_here)

    def _line(self, example: doctest.Example) -> str:
        """The first line of an example as its author wrote it."""
        return self._lines[example.lineno].strip().removeprefix(">>>").strip()


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}..."


def _awaited(make: Callable[[], Awaitable[Any]]) -> Any:
    async def wait() -> Any:
        return await make()

    return run_aside(wait())


def _without_await(source: str) -> str:
    r"""Return a statement of a module that waits where this one awaits, as a cell of a notebook may.

    >>> _without_await("double(2)"), _without_await("x = await double(await one())")
    ('double(2)', 'x = __flash_awaited__(lambda: double(__flash_awaited__(lambda: one())))\n')
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    awaiting = _Awaiting()
    changed = awaiting.visit(tree)
    return f"{ast.unparse(ast.fix_missing_locations(changed))}\n" if awaiting.found else source


class _Awaiting(ast.NodeTransformer):
    """Functions that an example defines are another matter."""

    found = False

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.found = True
        value = self.generic_visit(node)
        assert isinstance(value, ast.Await)
        none = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        made = ast.Lambda(args=none, body=value.value)
        return ast.Call(func=ast.Name(id=_AWAITED, ctx=ast.Load()), args=[made], keywords=[])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node
