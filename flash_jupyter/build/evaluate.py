"""What an expression is worth, as far as its text tells: literals, constants, names of hardware, descriptions.

A build runs nothing of the user's (design, section 6), so a configuration has to be read. Calls are of the SDK's own
classes and of a few builtins; everything else is `Unreadable`.
"""

from __future__ import annotations

import ast
import difflib
import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import flash_jupyter
from flash_jupyter.build.text import Binding, Statement, Text
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.arguments import Described

#: as which projects import the SDK that were written for the released client
RELEASED = "runpod_flash"
#: packages whose public names are those of the SDK
PACKAGES = frozenset({"flash_jupyter", RELEASED})
_BUILTINS: dict[str, Any] = {each.__name__: each for each in (bool, dict, float, int, list, set, str, tuple)}
_COLLECTIONS: dict[type[ast.AST], Callable[[list[Any]], Any]] = {ast.List: list, ast.Tuple: tuple, ast.Set: set}
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}


class Unreadable(Exception):
    """Only running the code would tell a value; `where` and `why` say what stands in the way, `fix` what helps."""

    def __init__(self, where: str, why: str, fix: str = "") -> None:
        super().__init__(f"{where}: {why}")
        self.where, self.why, self.fix = where, why, fix


class UnknownName(Unreadable):
    """A name of the SDK that it has not, or not here."""


@dataclass(frozen=True)
class Place:
    """Where an expression stands: names are those that are bound above it. `before` is the number of its statement."""

    text: Text
    statement: Statement
    before: float

    def where(self, node: ast.AST) -> str:
        """Name the place of a node."""
        return self.text.where(self.statement, node)


@dataclass(frozen=True)
class Module:
    """An imported module: of the SDK, or of the project (then with its `text`)."""

    name: str
    text: Text | None = None


#: the decorator itself
REMOTE = object()


class Evaluator:
    """Reads expressions; `find_text` gives the text of a module of the project, None for any other."""

    def __init__(self, find_text: Callable[[str], Text | None]) -> None:
        self._find_text = find_text
        self._open: list[tuple[str, int, str]] = []
        #: (label of the text, name) of every constant that configurations are made of
        self.used: set[tuple[str, str]] = set()

    def value(self, node: ast.expr, at: Place) -> Any:
        """Return what an expression is worth.

        Raises `Unreadable`, and `OptionError` where a description of the SDK refuses its arguments.
        """
        try:
            return self._value(node, at)
        except (TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise Unreadable(at.where(node), f"`{_short(node)}` fails: {type(error).__name__}: {error}") from None

    def is_remote(self, node: ast.expr, at: Place) -> bool:
        """Whether an expression is the decorator of the SDK, under whatever name."""
        used = set(self.used)
        try:
            found = self.value(node, at) is REMOTE
        except UnknownName:
            raise
        except Unreadable:
            found = False
        if not found:
            self.used = used
        return found

    def remote_call(self, node: ast.expr, at: Place) -> tuple[ast.expr, Place] | None:
        """Return what is written of the decorator where `node` is one: itself, or the call to which a name is bound."""
        if self.is_remote(node.func if isinstance(node, ast.Call) else node, at):
            return node, at
        if not isinstance(node, ast.Name):
            return None
        try:
            binding, text = self.find(node, at)
        except Unreadable:
            return None
        if binding is None or not isinstance(binding.value, ast.Call):
            return None
        above = Place(text, binding.statement, binding.statement.number)
        if not self.is_remote(binding.value.func, above):
            return None
        self.used.add((text.label, node.id))
        return binding.value, above

    def _value(self, node: ast.expr, at: Place) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._name(node, at)
            case ast.Attribute():
                return self._attribute(node, at)
            case ast.Call():
                return self._call(node, at)
            case ast.List() | ast.Tuple() | ast.Set():
                parts = [part for element in node.elts for part in self._element(element, at)]
                return _COLLECTIONS[type(node)](parts)
            case ast.Dict():
                return self._dict(node, at)
            case ast.JoinedStr():
                return "".join(str(self._value(part, at)) for part in node.values)
            case ast.FormattedValue():
                return self._formatted(node, at)
            case ast.UnaryOp(op=op) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self._value(node.operand, at))
            case ast.BinOp(op=op) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self._value(node.left, at), self._value(node.right, at))
            case ast.Subscript():
                return self._value(node.value, at)[self._value(node.slice, at)]
        raise self._unreadable(node, at)

    def _element(self, node: ast.expr, at: Place) -> Any:
        return self._value(node.value, at) if isinstance(node, ast.Starred) else [self._value(node, at)]

    def _dict(self, node: ast.Dict, at: Place) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            part = self._value(value, at)
            found |= part if key is None else {self._value(key, at): part}
        return found

    def _formatted(self, node: ast.FormattedValue, at: Place) -> str:
        value = self._value(node.value, at)
        how = f"!{chr(node.conversion)}" if node.conversion > 0 else ""
        spec = self._value(node.format_spec, at) if node.format_spec else ""
        return f"{{{how}:{spec}}}".format(value)

    def _name(self, node: ast.Name, at: Place) -> Any:
        binding, text = self.find(node, at)
        if binding is None:
            return _BUILTINS[node.id]
        return self._bound(binding, text, node, at)

    def find(self, node: ast.Name, at: Place) -> tuple[Binding | None, Text]:
        """Return what binds a name above a place, None for a builtin that we know; raises `Unreadable`."""
        bindings = at.text.bindings(node.id)
        above = [binding for binding in bindings if binding.statement.number < at.before]
        if above:
            return above[-1], at.text
        for star in at.text.stars:
            if star.partition(".")[0] in PACKAGES and node.id in flash_jupyter.__all__:
                return Binding(node.id, at.statement, imported=(star, node.id)), at.text
            if (text := self._find_text(star)) and text.bindings(node.id):
                return text.bindings(node.id)[-1], text
        if bindings:
            later = at.text.where(bindings[0].statement)
            raise Unreadable(at.where(node), f"`{node.id}` is used before it is defined, in {later}", "define it above")
        if node.id in _BUILTINS:
            return None, at.text
        raise Unreadable(at.where(node), f"`{node.id}` is defined nowhere", "define it above, or import it")

    def _bound(self, binding: Binding, text: Text, node: ast.expr, at: Place) -> Any:
        if binding.statement.is_doubtful and len(text.bindings(binding.name)) > 1 and not binding.imported:
            raise Unreadable(at.where(node), f"`{binding.name}` depends on a condition", "give it one value")
        key = (text.label, binding.statement.number, binding.name)
        if key in self._open:
            raise Unreadable(at.where(node), f"`{binding.name}` is defined by itself", "give it a value of its own")
        self._open.append(key)
        try:
            if binding.imported:
                return self._imported(*binding.imported, node, at)
            if binding.value is None:
                raise self._unreadable(node, at)
            self.used.add((text.label, binding.name))
            return self._value(binding.value, Place(text, binding.statement, binding.statement.number))
        finally:
            self._open.pop()

    def _imported(self, module: str, name: str | None, node: ast.expr, at: Place) -> Any:
        if module.partition(".")[0] in PACKAGES:
            return Module(module) if name is None else self._public(name, node, at)
        text = self._find_text(module)
        if name is None:
            return Module(module, text)
        if text is not None and text.bindings(name):
            return self._of_module(text, name, node, at)
        inner = self._find_text(f"{module}.{name}")
        if inner is None:
            raise self._unreadable(node, at)
        return Module(f"{module}.{name}", inner)

    def _of_module(self, text: Text, name: str, node: ast.expr, at: Place) -> Any:
        if not text.bindings(name):
            raise Unreadable(at.where(node), f"{text.label} defines no `{name}`", "define it there")
        return self._bound(text.bindings(name)[-1], text, node, at)

    def _public(self, name: str, node: ast.expr, at: Place) -> Any:
        if name == "remote":
            return REMOTE
        if name not in flash_jupyter.__all__:
            near = difflib.get_close_matches(name, flash_jupyter.__all__, n=1)
            raise UnknownName(
                at.where(node), f"flash_jupyter has no `{name}`", f"did you mean {near[0]}?" if near else ""
            )
        return getattr(flash_jupyter, name)

    def _attribute(self, node: ast.Attribute, at: Place) -> Any:
        base, name = self._value(node.value, at), node.attr
        if isinstance(base, Module):
            if base.text is not None and base.text.bindings(name):
                return self._of_module(base.text, name, node, at)
            if base.name.partition(".")[0] in PACKAGES:
                return self._public(name, node, at)
            inner = self._find_text(f"{base.name}.{name}")
            if inner is not None:
                return Module(f"{base.name}.{name}", inner)
            raise self._unreadable(node, at)
        if isinstance(base, type) and issubclass(base, Enum):
            return self._member(base, node, at)
        is_field = isinstance(base, Described) and name in type(base).model_fields
        if is_field or (isinstance(base, Enum) and name in ("name", "value")):
            return getattr(base, name)
        raise self._unreadable(node, at)

    def _member(self, kind: type[Enum], node: ast.Attribute, at: Place) -> Enum:
        if node.attr in kind.__members__:
            return kind[node.attr]
        near = difflib.get_close_matches(node.attr.upper(), kind.__members__, n=1)
        fix = f"did you mean {kind.__name__}.{near[0]}?" if near else f"use one of {', '.join(kind.__members__)}"
        raise Unreadable(at.where(node), f"{kind.__name__} has no {node.attr}", fix)

    def _call(self, node: ast.Call, at: Place) -> Any:
        called = self._value(node.func, at)
        known = isinstance(called, type) and (issubclass(called, (Described, Enum)) or called in _BUILTINS.values())
        if not known:
            raise self._unreadable(node, at)
        args = [part for each in node.args for part in self._element(each, at)]
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self._value(keyword.value, at)
            named |= value if keyword.arg is None else {keyword.arg: value}
        try:
            return called(*args, **named)
        except OptionError as error:
            raise Unreadable(at.where(node), error.message, error.fix) from None

    def _unreadable(self, node: ast.expr, at: Place) -> Unreadable:
        fix = "write plain values, constants of the module, and classes of flash_jupyter there"
        if {"environ", "getenv"} & {getattr(part, "attr", getattr(part, "id", "")) for part in ast.walk(node)}:
            fix = "write the value there; a secret is stored at Runpod and written {{ RUNPOD_SECRET_name }}"
        return Unreadable(at.where(node), f"`{_short(node)}` can't be read without running it", fix)


def _short(node: ast.AST, most: int = 60) -> str:
    text = ast.unparse(node)
    return text if len(text) <= most else f"{text[:most]}…"
