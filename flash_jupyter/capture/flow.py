"""Scopes, and what is known of their names at a point of the code.

Python's rules, in one place: a function's names are fixed when it is compiled, a class body and a module bind theirs
line by line, a comprehension has a scope of its own, and a class scope is not seen from the functions inside it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["module", "class", "function", "comprehension", "type parameters"]

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Flow:
    """What is known of a scope's names at one point of its code.

    `settled`: bound or deleted on every way to this point, so that the outside is not seen any more. `possible`: bound
    on some way. `dead`: no way leads here (after `raise`, `break`...).
    """

    settled: set[str] = field(default_factory=set)
    possible: set[str] = field(default_factory=set)
    dead: bool = False

    def fork(self) -> Flow:
        """Start a branch; `possible` is shared, because it only grows."""
        return Flow(set(self.settled), self.possible, self.dead)

    def join(self, branches: Iterable[Flow]) -> None:
        """Go on where these branches meet."""
        alive = [branch for branch in branches if not branch.dead]
        self.dead = not alive
        if alive:
            self.settled = set.intersection(*(branch.settled for branch in alive))

    def knows(self, name: str) -> bool:
        """Whether `name` can't mean the outside's here."""
        return self.dead or name in self.settled

    def settle(self, name: str) -> None:
        """From here on `name` is this scope's own."""
        self.settled.add(name)
        self.possible.add(name)


@dataclass
class Scope:
    """One scope of the code; `locals`: the fixed names of a function or comprehension, `globals`: those it declares."""

    kind: Kind
    flow: Flow
    locals: frozenset[str] = frozenset()
    globals: frozenset[str] = frozenset()


@dataclass
class Bound:
    """The names that a block binds, and those that it declares `global` or `nonlocal`."""

    names: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)


def bound_in(body: Iterable[ast.AST]) -> Bound:
    r"""Find the names that a function's or class's body binds itself, nested scopes left out.

    >>> sorted(bound_in(ast.parse("a = 1\nfor b in c: import d.e\nf: int").body).names)
    ['a', 'b', 'd', 'f']
    """
    bound = Bound()
    for node in body:
        _collect(node, bound)
    return bound


def parameters(args: ast.arguments) -> list[ast.arg]:
    """All parameters of a function, `*args` and `**kwargs` included."""
    stars = [arg for arg in (args.vararg, args.kwarg) if arg]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *stars]


def pattern_names(pattern: ast.AST) -> Iterator[str]:
    """Yield the names that a `case` pattern binds."""
    for node in ast.walk(pattern):
        name = node.rest if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
        if isinstance(node, ast.pattern) and isinstance(name, str):
            yield name


def _collect(node: ast.AST, bound: Bound) -> None:
    if isinstance(node, COMPREHENSIONS):
        bound.names.update(n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
        return
    bound.names.update(_names_bound_by(node))
    if isinstance(node, ast.Global):
        bound.globals.update(node.names)
    elif isinstance(node, ast.Nonlocal):
        bound.nonlocals.update(node.names)
    for child in _same_scope(node):
        _collect(child, bound)


def _names_bound_by(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.Name):
        return () if isinstance(node.ctx, ast.Load) else (node.id,)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (node.name,)
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [imported_as(alias, node) for alias in node.names if alias.name != "*"]
    if isinstance(node, ast.ExceptHandler):
        return (node.name,) if node.name else ()
    if isinstance(node, ast.match_case):
        return pattern_names(node.pattern)
    return ()


def imported_as(alias: ast.alias, statement: ast.Import | ast.ImportFrom) -> str:
    """The name which an import binds: `import a.b` binds `a`, `from a import b` binds `b`."""
    if alias.asname:
        return alias.asname
    return alias.name.partition(".")[0] if isinstance(statement, ast.Import) else alias.name


def _same_scope(node: ast.AST) -> Iterable[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    if isinstance(node, ast.Lambda):
        return [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    return ast.iter_child_nodes(node)
