"""Expressions and definitions: which names they read when, and what use is made of the objects behind them.

Of a function or a class, what is evaluated where it is defined, and what only when it runs; annotations.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flash_jupyter.capture import shell
from flash_jupyter.capture.flow import COMPREHENSIONS, Flow, Scope, bound_in, parameters
from flash_jupyter.capture.reader import BUILTINS, Reader
from flash_jupyter.capture.values import ELEMENTWISE, LOOKING, Use, of_part, of_whole

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Expressions(Reader):
    """The walk through expressions and definitions; `statements.Statements` adds the ways through the code."""

    def __init__(self) -> None:
        super().__init__()
        self._class = ""

    def look(self, node: ast.AST | None, use: Use) -> None:
        """Walk an expression of whose value `use` is made."""
        if node is not None:
            getattr(self, f"_look_{type(node).__name__.lower()}", self._look_at_parts)(node, use)

    def look_at_all(self, nodes: list[ast.expr] | list[ast.expr | None], use: Use) -> None:
        """Walk several expressions of whose values the same use is made."""
        for node in nodes:
            self.look(node, use)

    def _look_at_parts(self, node: ast.AST, use: Use) -> None:
        inner = Use.OBJECT if isinstance(node, ast.expr) else use
        for child in ast.iter_child_nodes(node):
            self.look(child, inner)

    def _look_name(self, node: ast.Name, use: Use) -> None:
        self.load(node.id, node.lineno, use)

    def _look_constant(self, _node: ast.Constant, _use: Use) -> None:
        """A literal reads nothing."""

    def _look_attribute(self, node: ast.Attribute, use: Use) -> None:
        self.look(node.value, of_whole(use))

    def _look_subscript(self, node: ast.Subscript, use: Use) -> None:
        self.look(node.value, of_part(use))
        self.look(node.slice, Use.LOOK)

    def _look_starred(self, node: ast.Starred, use: Use) -> None:
        self.look(node.value, of_part(use))

    def _look_display(self, node: ast.List | ast.Tuple | ast.Set, use: Use) -> None:
        self.look_at_all(node.elts, of_whole(use))

    _look_list = _look_tuple = _look_set = _look_display

    def _look_dict(self, node: ast.Dict, use: Use) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            self.look(key, Use.LOOK)
            whole = of_whole(use)
            self.look(value, whole if key is not None else of_part(whole))

    def _look_binop(self, node: ast.BinOp, use: Use) -> None:
        self.look(node.left, min(use, Use.COPY))
        self.look(node.right, min(use, Use.COPY))

    def _look_only(self, node: ast.AST, _use: Use) -> None:
        for child in ast.iter_child_nodes(node):
            self.look(child, Use.LOOK)

    _look_unaryop = _look_joinedstr = _look_formattedvalue = _look_slice = _look_only

    def _look_compare(self, node: ast.Compare, _use: Use) -> None:
        self.look(node.left, Use.LOOK)
        self.look(node.comparators[0], Use.LOOK)
        with self.branch():
            self.look_at_all(node.comparators[1:], Use.LOOK)

    def _look_boolop(self, node: ast.BoolOp, use: Use) -> None:
        self.look(node.values[0], use)
        with self.branch():
            self.look_at_all(node.values[1:], use)

    def _look_ifexp(self, node: ast.IfExp, use: Use) -> None:
        self.look(node.test, Use.LOOK)
        for part in (node.body, node.orelse):
            with self.branch():
                self.look(part, use)

    def _look_namedexpr(self, node: ast.NamedExpr, _use: Use) -> None:
        self.look(node.value, Use.OBJECT)
        self.bind(node.target.id, certain=self.scopes[-1].kind != "comprehension")

    def _look_lambda(self, node: ast.Lambda, _use: Use) -> None:
        self.look_lambda(node, "")

    def look_lambda(self, node: ast.Lambda, owner: str) -> None:
        """Walk a lambda, which is called through the name `owner` ("" where it has none)."""
        self.look_at_all([*node.args.defaults, *node.args.kw_defaults], Use.OBJECT)
        self.run_later(owner, node, lambda: self.look(node.body, Use.OBJECT))

    def _look_comprehension(self, node: Comprehension, use: Use) -> None:
        self.look(node.generators[0].iter, Use.ELEMENT)
        self._look_into_comprehension(node, use)

    _look_listcomp = _look_setcomp = _look_dictcomp = _look_comprehension

    def _look_generatorexp(self, node: ast.GeneratorExp, use: Use) -> None:
        self.look(node.generators[0].iter, Use.ELEMENT)
        with self.doubtful():  # nobody knows when it is consumed
            self._look_into_comprehension(node, use)

    def _look_into_comprehension(self, node: Comprehension, use: Use) -> None:
        targets = [n for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)]
        names = frozenset(n.id for n in targets if isinstance(n.ctx, ast.Store))
        with self.inside(Scope("comprehension", self.flow, names)), self.branch():
            for index, generator in enumerate(node.generators):
                if index:
                    self.look(generator.iter, Use.ELEMENT)
                self.target(generator.target)
                self.look_at_all(generator.ifs, Use.LOOK)
            results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            self.look_at_all(results, of_whole(use))

    def target(self, node: ast.expr) -> None:
        """Walk what is assigned to: names are bound, objects are stored into."""
        if isinstance(node, ast.Name):
            if not (self.scopes[-1].kind == "comprehension" and node.id in self.scopes[-1].locals):
                self.bind(node.id)
        elif isinstance(node, ast.Tuple | ast.List):
            for element in node.elts:
                self.target(element)
        elif isinstance(node, ast.Starred):
            self.target(node.value)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            self.look(node.value, Use.OBJECT)
            if isinstance(node, ast.Subscript):
                self.look(node.slice, Use.LOOK)

    # --- calls -----------------------------------------------------------------------------------------------

    def _look_call(self, node: ast.Call, use: Use) -> None:
        hidden = shell.read_call(node)
        if hidden is not None:
            self._look_into(hidden, node.lineno)
        name = node.func.id if isinstance(node.func, ast.Name) and self._is_builtin(node.func.id) else ""
        self.look(node.func, Use.LOOK if name else Use.OBJECT)
        keywords = {keyword.arg for keyword in node.keywords}
        of_arguments = Use.OBJECT
        if name in LOOKING:
            of_arguments = Use.LOOK
        elif name in ELEMENTWISE:
            of_arguments = Use.LOOK if use is Use.LOOK and not keywords else Use.ELEMENT
        elif name == "sum":
            of_arguments = min(use, Use.COPY)
        for argument in node.args:
            if isinstance(argument, COMPREHENSIONS):
                self._look_comprehension(argument, of_arguments)
            else:
                self.look(argument, of_arguments)
        for keyword in node.keywords:
            self.look(keyword.value, Use.OBJECT if keyword.arg != "sep" else Use.LOOK)

    def _is_builtin(self, name: str) -> bool:
        return name in BUILTINS and not self._find(name)[0] and not self.scopes[0].flow.knows(name)

    def _look_into(self, hidden: shell.ShellCall, line: int) -> None:
        self.found.binds_unknown |= hidden.binds_unknown
        with self.doubtful():
            for name in sorted(hidden.names):
                self.load(name, line, Use.LOOK)
        self.look_into_text(hidden.code, line)

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
