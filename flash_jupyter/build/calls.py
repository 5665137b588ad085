"""Which resources call which: the exported functions that the code of a resource reaches, from its text alone.

What a resource serves itself runs there, so it is followed; what another one serves is a call. A worker that waits for
an answer gives none, so resources that call each other in a circle may wait for ever: that is an error of the build.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from flash_jupyter.build.project import Export, Group
from flash_jupyter.build.text import Binding, BundleTexts, Text
from flash_jupyter.capture.modules import absolute
from flash_jupyter.capture.names import analyse
from flash_jupyter.errors import BuildError

_REMOTE = re.compile(r"\b(remote|Endpoint)\b|\.(get|post|put|delete|patch)\(")


@dataclass(frozen=True)
class CallSite:
    """A call of `called`, which another resource serves, on the way of `caller`; `where` is its place in the bundle."""

    caller: Export
    called: Export
    where: str


def calls_between(groups: Iterable[Group], files: Mapping[str, bytes]) -> dict[str, dict[str, CallSite]]:
    """Return resource -> the resources that it calls -> the first place where it does.

    Raises `BuildError` for a circle, with its places.
    """
    groups = tuple(groups)
    texts, reads = BundleTexts(files), _Reads()
    resource_of = {export.function.name: group.name for group in groups for export in group.exports}
    exports = {export.function.name: export for group in groups for export in group.exports}
    found: dict[str, dict[str, CallSite]] = {}
    for group in groups:
        for export in group.exports:
            for called, where in _Reach(texts, reads, exports, group.name, resource_of).from_export(export):
                place = resource_of[called.function.name]
                found.setdefault(group.name, {}).setdefault(place, CallSite(export, called, where))
    _refuse_circles(found)
    return found


class _Reads:
    """The names that statements read from outside, worked out once for each."""

    def __init__(self) -> None:
        self._known: dict[ast.stmt, tuple[str, ...]] = {}

    def of(self, node: ast.stmt) -> tuple[str, ...]:
        """Return the names that a statement reads."""
        if node not in self._known:
            try:
                names = analyse(ast.unparse(node))
                self._known[node] = (*names.reads, *names.builtins)  # a module may have a `help` of its own
            except SyntaxError:  # `return` outside of a function, in a file that nobody could import
                self._known[node] = ()
        return self._known[node]


@dataclass
class _Reach:
    """What the functions of one resource reach."""

    texts: BundleTexts
    reads: _Reads
    exports: Mapping[str, Export]
    own: str
    resource_of: Mapping[str, str]
    seen: set[tuple[str, str]] = field(default_factory=set)

    def from_export(self, export: Export) -> Iterator[tuple[Export, str]]:
        """Yield what other resources serve, and where it is named."""
        function = export.function
        yield from self._name(function.module, function.name, export.where)

    def _name(self, module: str, name: str, where: str) -> Iterator[tuple[Export, str]]:
        text = self.texts.text(module)
        if text is None or (module, name) in self.seen:
            return
        self.seen.add((module, name))
        bindings = text.bindings(name)
        for binding in bindings:
            if binding.imported is not None:
                imported, member = binding.imported
                yield from self._name(imported, member, where) if member is not None else ()
            elif (export := self._served(binding, text)) and self.resource_of[export.function.name] != self.own:
                yield export, where
            else:
                yield from self._node(binding.statement.node, text)
        if not bindings:
            for star in text.stars:
                yield from self._name(star, name, where)

    def _served(self, binding: Binding, text: Text) -> Export | None:
        """The export that a binding is: by its module, or in a notebook's other module by its decorator."""
        export = self.exports.get(binding.name)
        if export is None or export.function.module == text.module:
            return export
        decorators = getattr(binding.statement.node, "decorator_list", ())
        return export if any(_REMOTE.search(ast.unparse(each)) for each in decorators) else None

    def _node(self, node: ast.stmt, text: Text) -> Iterator[tuple[Export, str]]:
        """Follow what one statement reads: names, members of modules, and what it imports itself."""
        for name in self.reads.of(node):
            yield from self._name(text.module, name, f"{text.label}, line {_line_of(node, name)}")
        inner = dict(_imported_inside(node))
        for part in ast.walk(node):
            if isinstance(part, ast.ImportFrom):
                for alias in part.names:
                    where = f"{text.label}, line {part.lineno}"
                    yield from self._name(absolute(part, text.package), alias.name, where)
            elif isinstance(part, ast.Attribute) and (words := _dotted(part)):
                yield from self._member(words, text, inner, f"{text.label}, line {part.lineno}")

    def _member(
        self, words: list[str], text: Text, inner: Mapping[str, str], where: str
    ) -> Iterator[tuple[Export, str]]:
        """Follow `module.name`, where the first word is a module."""
        modules = [inner[words[0]]] if words[0] in inner else []
        imported = (binding.imported for binding in text.bindings(words[0]))
        modules += [".".join(filter(None, each)) for each in imported if each is not None]
        for module in modules:
            path = [*module.split("."), *words[1:]]
            for length in range(len(path) - 1, 0, -1):
                if self.texts.text(".".join(path[:length])) is not None:
                    yield from self._name(".".join(path[:length]), path[length], where)
                    break


def _imported_inside(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield the names that `import` binds inside of a statement, and the modules that they are."""
    for each in ast.walk(node):
        for alias in each.names if isinstance(each, ast.Import) else ():
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)


def _line_of(node: ast.stmt, name: str) -> int:
    named = (each.lineno for each in ast.walk(node) if isinstance(each, ast.Name) and each.id == name)
    return min(named, default=node.lineno)


def _dotted(node: ast.expr) -> list[str]:
    """The words of `a.b.c`; none for what does not begin with a name."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (words := _dotted(node.value)):
        return [*words, node.attr]
    return []


def _refuse_circles(found: Mapping[str, Mapping[str, CallSite]]) -> None:
    for start in found:
        circle = _circle(found, [start])
        if circle:
            told = "".join(_told(one, other, found[one][other]) for one, other in pairwise(circle))
            raise BuildError(
                f"resources call each other in a circle, where each may wait for the other for ever:{told}",
                fix="give these functions one resource, or return to the caller instead of calling back",
            )


def _told(one: str, other: str, site: CallSite) -> str:
    caller, called = site.caller.function.name, site.called.function.name
    return f"\n    {caller} of {one} calls {called} of {other}: {site.where}"


def _circle(found: Mapping[str, Mapping[str, Any]], way: list[str]) -> list[str]:
    """A way that ends where it began; empty for none."""
    for other in found.get(way[-1], ()):
        if other == way[0]:
            return [*way, other]
        if other not in way and (circle := _circle(found, [*way, other])):
            return circle
    return []
