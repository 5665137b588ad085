"""Statements: what they bind and delete, in which order, and on which ways through the cell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from flash_jupyter.capture.expressions import Expressions
from flash_jupyter.capture.flow import Flow, bound_in, imported_as, pattern_names
from flash_jupyter.capture.values import Use

#: who catches these may ask for a name that does not exist
NAME_ERRORS = frozenset({"NameError", "UnboundLocalError", "Exception", "BaseException"})
#: who catches these can do without the module
IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass
class Loop:
    """A loop that is being walked: what its body binds, and how things stand at each `break`."""

    binds: set[str]
    breaks: list[Flow] = field(default_factory=list)


class Statements(Expressions):
    """The walk through a whole cell."""

    def __init__(self) -> None:
        super().__init__()
        self._loops: list[Loop] = []
        self._import_guards = 0

    @contextmanager
    def _maybe(self) -> Iterator[Flow]:
        """Walk a branch; inside a loop it may run in a later round, when the loop's names are bound."""
        with self.branch() as flow:
            flow.possible.update(*(loop.binds for loop in self._loops))
            yield flow

    # --- simple statements -----------------------------------------------------------------------------------

    def _run_expr(self, node: ast.Expr) -> None:
        self.look(node.value, Use.LOOK)

    def _run_assign(self, node: ast.Assign) -> None:
        if all(isinstance(target, ast.Tuple | ast.List) for target in node.targets):
            self.look(node.value, Use.ELEMENT)
        else:
            self._look_at_value(node.value, node.targets[0])
        for target in node.targets:
            self.target(target)

    def _look_at_value(self, value: ast.expr, target: ast.expr) -> None:
        if isinstance(value, ast.Lambda) and isinstance(target, ast.Name) and len(self.scopes) == 1:
            self.look_lambda(value, target.id)
        else:
            self.look(value, Use.OBJECT)

    def _run_augassign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.load(node.target.id, node.lineno, Use.OBJECT)
        self.look(node.value, Use.COPY)
        self.target(node.target)

    def _run_annassign(self, node: ast.AnnAssign) -> None:
        if self.scopes[-1].kind != "function":  # a local variable's annotation is never evaluated
            self._annotation(node.annotation)
        if node.value is not None:
            self._look_at_value(node.value, node.target)
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.target(node.target)

    def _run_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete(target)

    def _delete(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.load(target.id, target.lineno, Use.LOOK)
            self.unbind(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._delete(element)
        else:
            self.target(target)

    def _run_return(self, node: ast.Return) -> None:
        self.look(node.value, Use.OBJECT)
        self.flow.dead = True

    def _run_raise(self, node: ast.Raise) -> None:
        self.look(node.exc, Use.OBJECT)
        self.look(node.cause, Use.OBJECT)
        self.flow.dead = True

    def _run_break(self, _node: ast.Break) -> None:
        self._loops[-1].breaks.append(self.flow.fork())
        self.flow.dead = True

    def _run_continue(self, _node: ast.Continue) -> None:
        self.flow.dead = True

    def _run_assert(self, node: ast.Assert) -> None:
        self.look(node.test, Use.LOOK)
        with self._maybe():
            self.look(node.msg, Use.LOOK)

    def _run_import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._imports(alias.name, node.lineno)
            self.bind(imported_as(alias, node))

    def _run_importfrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level == 0:
            self._imports(module, node.lineno)
        for alias in node.names:
            if alias.name == "*":
                self.found.stars.add(module)
                self.found.binds_unknown = True
            else:
                self.found.modules.add(f"{module}.{alias.name}")
                self.bind(imported_as(alias, node))

    def _imports(self, module: str, line: int) -> None:
        if not self._import_guards:
            self.found.imports.setdefault(module.partition(".")[0], line)
        self.found.modules.add(module)

    # --- ways through the code -------------------------------------------------------------------------------

    def _run_if(self, node: ast.If) -> None:
        self.look(node.test, Use.LOOK)
        with self._maybe() as then:
            self.run(node.body)
        with self._maybe() as otherwise:
            self.run(node.orelse)
        self.flow.join([then, otherwise])

    def _run_while(self, node: ast.While) -> None:
        self.look(node.test, Use.LOOK)
        always = isinstance(node.test, ast.Constant) and bool(node.test.value)
        self._run_loop(node, ends=not always)

    def _run_for(self, node: ast.For | ast.AsyncFor) -> None:
        self.look(node.iter, Use.ELEMENT)
        self._run_loop(node, ends=True)

    _run_asyncfor = _run_for

    def _run_loop(self, node: ast.For | ast.AsyncFor | ast.While, *, ends: bool) -> None:
        loop = Loop(bound_in(node.body).names)
        self._loops.append(loop)
        with self.branch():
            if not isinstance(node, ast.While):
                self.target(node.target)
            self.run(node.body)
        self._loops.pop()
        with self._maybe() as end:
            self.run(node.orelse)
        self.flow.join([*loop.breaks, *([end] if ends else [])])

    def _run_with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.look(item.context_expr, Use.OBJECT)
            if item.optional_vars is not None:
                self.target(item.optional_vars)
        if any(_suppresses(item.context_expr) for item in node.items):
            with self._maybe(), self.doubtful():
                self.run(node.body)
        else:
            self.run(node.body)

    _run_asyncwith = _run_with

    def _run_try(self, node: ast.Try) -> None:
        with self.branch() as tried:
            self._run_guarded(node.body, node.handlers)
            self.run(node.orelse)
        ways = [tried, *map(self._run_handler, node.handlers)]
        with self._maybe() as finished:
            self.run(node.finalbody)
        self.flow.join(ways)
        self.flow.settled |= finished.settled
        self.flow.dead |= finished.dead

    _run_trystar = _run_try

    def _run_guarded(self, body: list[ast.stmt], handlers: list[ast.ExceptHandler]) -> None:
        caught = {name for handler in handlers for name in caught_by(handler)}
        guards = bool(caught & IMPORT_ERRORS)
        self._import_guards += guards
        with self.doubtful() if caught & NAME_ERRORS else nullcontext():
            self.run(body)
        self._import_guards -= guards

    def _run_handler(self, handler: ast.ExceptHandler) -> Flow:
        with self._maybe() as flow:
            self.look(handler.type, Use.LOOK)
            if handler.name:
                self.unbind(handler.name)  # it is gone at the end of the handler; until then it is settled all the same
            self.run(handler.body)
        return flow

    def _run_match(self, node: ast.Match) -> None:
        captures = any(any(pattern_names(case.pattern)) for case in node.cases)
        self.look(node.subject, Use.OBJECT if captures else Use.LOOK)
        ways = [self._run_case(case) for case in node.cases]
        if not any(case.guard is None and _is_irrefutable(case.pattern) for case in node.cases):
            ways.append(self.flow.fork())
        self.flow.join(ways)

    def _run_case(self, case: ast.match_case) -> Flow:
        with self._maybe() as flow:
            for part in ast.walk(case.pattern):
                if isinstance(part, ast.MatchValue):
                    self.look(part.value, Use.LOOK)
                elif isinstance(part, ast.MatchClass):
                    self.look(part.cls, Use.LOOK)
                elif isinstance(part, ast.MatchMapping):
                    self.look_at_all(part.keys, Use.LOOK)
            for name in pattern_names(case.pattern):
                self.bind(name)
            self.look(case.guard, Use.LOOK)
            self.run(case.body)
        return flow


def _suppresses(context: ast.expr) -> bool:
    function = context.func if isinstance(context, ast.Call) else None
    return getattr(function, "id", getattr(function, "attr", "")) == "suppress"


def caught_by(handler: ast.ExceptHandler) -> set[str]:
    """Names of the exceptions that a handler catches; a bare `except` catches all."""
    if handler.type is None:
        return {"BaseException"}
    return {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}


def _is_irrefutable(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None
