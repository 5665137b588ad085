"""What is read and bound where: the part of the walk that knows Python's scopes, and no syntax.

A body that runs later (a function, a lambda, a method) is read once into a `Later`; it counts at the points where the
module-level code mentions its function, and in any case at the end. What such a body reads is never *required*: it may
be bound by then. What runs at once and reads a name that exists nowhere is an error.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flash_jupyter.capture.flow import Flow, Scope, bound_in, parameters
from flash_jupyter.capture.values import Use

BUILTINS = frozenset(dir(builtins)) | {"get_ipython", "display"}
#: every module and class body has these; they are never the notebook's data
IMPLICIT = frozenset(
    {"__annotations__", "__builtin__", "__builtins__", "__class__", "__conditional_annotations__", "__debug__"}
    | {"__dict__", "__doc__", "__loader__", "__module__", "__name__", "__package__", "__qualname__", "__spec__"}
)


@dataclass
class Later:
    """What a body that runs later reads from the module: (name, line, use)."""

    reads: list[tuple[str, int, Use]] = field(default_factory=list)
    counted: tuple[int, frozenset[str]] | None = None


@dataclass
class Findings:
    """What the walk has found so far; see `names.CellNames` for the meaning."""

    reads: dict[str, int] = field(default_factory=dict)
    required: dict[str, int] = field(default_factory=dict)
    builtins: dict[str, int] = field(default_factory=dict)
    uses: dict[str, Use] = field(default_factory=dict)
    binds: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    imports: dict[str, int] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    stars: set[str] = field(default_factory=set)
    binds_unknown: bool = False


class Reader:
    """Keeps scopes and flow, and counts what is read and bound in them; knows no syntax."""

    def __init__(self) -> None:
        self.found = Findings()
        self.scopes = [Scope("module", Flow())]
        self.pending: dict[str, list[Later]] = {}
        self.later: Later | None = None
        self.optional = 0
        self._counting: set[int] = set()
        self._versions = 0

    # --- names -----------------------------------------------------------------------------------------------

    @property
    def flow(self) -> Flow:
        """What is known in the innermost scope that binds names."""
        return self.scopes[-1].flow

    def load(self, name: str, line: int, use: Use) -> None:
        """Note that `name` is read here."""
        if name in IMPLICIT or self.flow.dead:
            return
        is_local, is_doubtful = self._find(name)
        if is_local:
            return
        if self.later is not None:
            self.later.reads.append((name, line, use))
        else:
            self.count(name, line, use, required=not (is_doubtful or self.optional))

    def _find(self, name: str) -> tuple[bool, bool]:
        """Return whether `name` is bound inside the module's code, and whether that is in doubt (a class body)."""
        innermost, is_doubtful = True, False
        for scope in reversed(self.scopes[1:]):
            if name in scope.globals:
                return False, is_doubtful
            if scope.kind == "class":
                if innermost and scope.flow.knows(name):
                    return True, False
                is_doubtful |= innermost and name in scope.flow.possible
            elif name in scope.locals:
                return True, False
            innermost &= scope.kind == "type parameters"
        return False, is_doubtful

    def count(self, name: str, line: int, use: Use, *, required: bool) -> None:
        """Count a read of the module's `name`, and what the functions of that name read."""
        module = self.scopes[0].flow
        if name in self.pending:
            self.count_all_later(name)
        if module.knows(name):
            return
        found = self.found
        if name in BUILTINS:
            found.builtins[name] = min(line, found.builtins.get(name, line))
        else:
            found.reads[name] = min(line, found.reads.get(name, line))
        found.uses[name] = max(use, found.uses.get(name, use))
        if required and name not in BUILTINS and name not in module.possible and not found.binds_unknown:
            found.required.setdefault(name, line)

    def count_later(self, later: Later) -> None:
        """Count what a body reads, now that it may run. More settled names than the last time bring nothing new."""
        settled = self.scopes[0].flow.settled
        if later.counted is not None:
            version, before = later.counted
            if version == self._versions and settled >= before:
                return
        if id(later) in self._counting:
            return
        later.counted = (self._versions, frozenset(settled))
        self._counting.add(id(later))
        for name, line, use in later.reads:
            self.count(name, line, use, required=False)
        self._counting.discard(id(later))

    def bind(self, name: str, *, certain: bool = True) -> None:
        """Note that `name` is bound here, in the innermost scope that is not a comprehension."""
        scope = self._binder()
        if scope.kind == "module" or name in scope.globals:
            self.found.binds.add(name)
            certain &= scope.kind == "module"
            scope = self.scopes[0]
        elif scope.kind == "function":
            return
        if certain:
            scope.flow.settle(name)
        else:
            scope.flow.possible.add(name)

    def unbind(self, name: str) -> None:
        """Note that `name` is deleted here: the outside's is gone too, so it is settled."""
        scope = self._binder()
        if scope.kind == "module" or name in scope.globals:
            self.found.deletes.add(name)
        if scope.kind != "function":
            scope.flow.settled.add(name)

    def _binder(self) -> Scope:
        return next(s for s in reversed(self.scopes) if s.kind not in {"comprehension", "type parameters"})

    @contextmanager
    def inside(self, scope: Scope) -> Iterator[None]:
        """Walk in an inner scope."""
        self.scopes.append(scope)
        try:
            yield
        finally:
            self.scopes.pop()

    @contextmanager
    def doubtful(self) -> Iterator[None]:
        """Walk where nothing is required: annotations, lazy bodies, code under `except NameError`."""
        self.optional += 1
        try:
            yield
        finally:
            self.optional -= 1

    @contextmanager
    def branch(self) -> Iterator[Flow]:
        """Walk a part that may not run; yields the flow at its end."""
        scope, before = self.scopes[-1], self.scopes[-1].flow
        scope.flow = before.fork()
        try:
            yield scope.flow
        finally:
            scope.flow = before

    # --- bodies that run later -------------------------------------------------------------------------------

    def run_later(
        self, owner: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, walk: Callable[[], None]
    ) -> None:
        """Read a function's body; `owner`: the module-level name through which it can be called ("": unknown)."""
        bound = bound_in(node.body if isinstance(node.body, list) else [node.body])
        arguments = {arg.arg for arg in parameters(node.args)}
        names = frozenset((bound.names | arguments) - bound.globals - bound.nonlocals)
        with self.inside(Scope("function", Flow(), names, frozenset(bound.globals))):
            if self.later is not None:
                walk()
                return
            later = self.later = Later()
            try:
                walk()
            finally:
                self.later = None
        self._versions += 1
        self.pending.setdefault(owner, []).append(later)
        if not owner:
            self.count_later(later)

    def count_all_later(self, *owners: str) -> None:
        """Count the bodies of these owners, or every body: by the end of the cell it may have run."""
        for owner in owners or list(self.pending):
            for later in self.pending.get(owner, ()):
                self.count_later(later)
