"""Functions and classes: what is evaluated where they are defined, and what only when they run; annotations."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flash_jupyter.capture.expressions import Expressions
from flash_jupyter.capture.flow import Flow, Scope, bound_in, parameters
from flash_jupyter.capture.values import Use

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Definitions(Expressions):
    """The walk through definitions; `statements.Statements` adds the ways through the code."""

    def __init__(self) -> None:
        super().__init__()
        self._class = ""

    def run(self, body: Sequence[ast.stmt]) -> None:
        """Walk a block."""
        for statement in body:
            getattr(self, f"_run_{type(statement).__name__.lower()}", self._run_nothing)(statement)

    def _run_nothing(self, statement: ast.stmt) -> None:
        """`pass`, `global` and `nonlocal` do nothing when they are reached."""

    def _run_functiondef(self, node: Function) -> None:
        self.look_at_all(node.decorator_list, Use.OBJECT)
        self.look_at_all([*node.args.defaults, *node.args.kw_defaults], Use.OBJECT)
        with self._type_parameters(node):
            for annotation in [*(arg.annotation for arg in parameters(node.args)), node.returns]:
                self._annotation(annotation)
        self.bind(node.name)
        owner = self._class or node.name
        with self._type_parameters(node):
            self.run_later(owner, node, lambda: self.run(node.body))
        if node.decorator_list and not self._class and self.later is None:
            self.count_all_later(owner)  # a decorator may call it

    _run_asyncfunctiondef = _run_functiondef

    def _run_classdef(self, node: ast.ClassDef) -> None:
        self.look_at_all(node.decorator_list, Use.OBJECT)
        outermost = not self._class and self.later is None
        if outermost:
            self._class = node.name
        with self._type_parameters(node):
            self.look_at_all(node.bases, Use.LOOK)
            self.look_at_all([keyword.value for keyword in node.keywords], Use.OBJECT)
            bound = bound_in(node.body)
            with self.inside(Scope("class", Flow(), globals=frozenset(bound.globals))):
                self.run(node.body)
        if outermost:
            self._class = ""
        self.bind(node.name)

    def _run_typealias(self, node: ast.stmt) -> None:
        # Python 3.12; `ast.TypeAlias` does not exist before
        with self._type_parameters(node), self.doubtful():
            self.look(getattr(node, "value", None), Use.LOOK)
        name = getattr(node, "name", None)
        if isinstance(name, ast.Name):
            self.bind(name.id)

    @contextmanager
    def _type_parameters(self, node: ast.stmt) -> Iterator[None]:
        """Walk with `[T]` in scope; bounds and defaults are evaluated only when somebody asks for them."""
        found: list[ast.AST] = getattr(node, "type_params", [])
        names = frozenset(str(parameter.name) for parameter in found if hasattr(parameter, "name"))
        if not names:
            yield
            return
        with self.inside(Scope("type parameters", self.flow, names)):
            with self.doubtful():
                for parameter in found:
                    self.look(getattr(parameter, "bound", None), Use.LOOK)
                    self.look(getattr(parameter, "default_value", None), Use.LOOK)
            yield

    def _annotation(self, node: ast.expr | None) -> None:
        """Walk an annotation: nothing in it is required, and text in it is a type written in quotes."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            with self.doubtful():
                self.look_into_text(node.value, node.lineno)
        elif isinstance(node, ast.Subscript | ast.BinOp | ast.Tuple | ast.List) and not _is_literal(node):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self._annotation(child)
        else:
            with self.doubtful():
                self.look(node, Use.LOOK)

    def look_into_text(self, code: str, line: int) -> None:
        """Walk Python that stands in a string: a quoted type, the line of `%time`. What is no Python is passed over."""
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError):
            return
        self.run(ast.increment_lineno(tree, line - 1).body)


def _is_literal(node: ast.expr) -> bool:
    value = getattr(node, "value", None)
    return getattr(value, "id", getattr(value, "attr", "")) in {"Literal", "Annotated"}
