"""`@remote` and `@Endpoint(...)` functions and classes of a text, with their whole configuration; nothing is run."""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flash_jupyter.build.evaluate import Evaluator, Place, UnknownName, Unreadable
from flash_jupyter.build.interface import input_schema, method_of, parameters
from flash_jupyter.build.manifest import Function, Method
from flash_jupyter.build.project import Export
from flash_jupyter.build.text import Statement, Text
from flash_jupyter.build.unified import Use, endpoint_use
from flash_jupyter.decorator.declare import remote, target_of
from flash_jupyter.decorator.routes import check_route_of
from flash_jupyter.errors import BuildError, OptionError
from flash_jupyter.resources.classes import LiveServerless
from flash_jupyter.resources.model import Resource

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
#: what makes a definition remote: a call of `remote`, or `remote` itself, with its place; or an `Endpoint`
Said = tuple[ast.expr, Place] | Use

#: the arguments of `@remote`, in their order
ARGUMENTS = tuple(inspect.signature(remote).parameters)


@dataclass(frozen=True)
class Declared:
    """A definition below `@remote`. `function` has its name, kind and route; its module is for the caller to say."""

    statement: Statement
    where: str
    function: Function
    resource: Resource
    dependencies: tuple[str, ...] = ()
    system_dependencies: tuple[str, ...] = ()
    config_variable: str | None = None

    def export(self) -> Export:
        """Return it as a part of a project."""
        packages = self.dependencies, self.system_dependencies
        return Export(self.function, self.resource, self.where, *packages, config_variable=self.config_variable)


def declared(text: Text, evaluator: Evaluator) -> Iterator[Declared]:
    """Yield what is to be served, in order; what says `local=True` is not.

    Raises `BuildError` for a configuration that is wrong, or that can't be read.
    """
    for statement in text.statements:
        try:
            yield from _declared(Place(text, statement, statement.number), evaluator)
        except UnknownName as stop:
            raise BuildError(f"{stop.where}: {stop.why}", fix=stop.fix) from None


def _declared(at: Place, evaluator: Evaluator) -> Iterator[Declared]:
    node = at.statement.node
    if isinstance(node, Definition):
        _refuse_inner(node, at, evaluator)
        for decorator in node.decorator_list:
            if (call := _said_by(decorator, at, evaluator)) is not None:
                yield from _declare(node, node.name, call, at, evaluator)
                return
    elif (applied := _applied(node, at, evaluator)) is not None:
        definition, name, call = applied
        yield from _declare(definition, name, call, at, evaluator)


def _said_by(decorator: ast.expr, at: Place, evaluator: Evaluator) -> Said | None:
    """What a decorator says: a call of `remote` with its place, an `Endpoint`, or nothing of ours."""
    call = evaluator.remote_call(decorator, at)
    if call is not None:
        return call
    try:
        return endpoint_use(decorator, at, evaluator)
    except UnknownName:
        raise
    except Unreadable as stop:
        raise BuildError(f"{stop.where}: {stop.why} (an Endpoint)", fix=stop.fix) from None
    except OptionError as error:
        raise BuildError(f"{at.where(decorator)}: {error.message}", fix=error.fix) from None


def _applied(node: ast.stmt, at: Place, evaluator: Evaluator) -> tuple[Definition, str, Said] | None:
    """Read `train = remote(...)(train_here)`, which is a decorator without its sign."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=decorator, args=[ast.Name() as given])):
            call = _said_by(decorator, at, evaluator)
            if call is None:
                return None
            try:
                binding, _ = evaluator.find(given, at)
            except Unreadable as stop:
                raise BuildError(f"{stop.where}: {stop.why}", fix=stop.fix) from None
            if binding is not None and isinstance(binding.statement.node, Definition):
                return binding.statement.node, name, call
    return None


def _declare(node: Definition, name: str, call: Said, at: Place, evaluator: Evaluator) -> Iterator[Declared]:
    where = at.text.where(at.statement)
    try:
        given = call.arguments(node.name) if isinstance(call, Use) else _arguments(*call, evaluator)
        method, path = given.pop("method", None), given.pop("path", None)
        target = target_of(**given, is_route=bool(method or path))
        resource = target.resource if target.resource is not None else LiveServerless()
        function = _function(node, name, at.text)
        _check_kind(node, resource)
        if resource.is_load_balanced:
            route = check_route_of(name, parameters(node), target.describe(), method, path)
            function = function.model_copy(update={"http_method": route[0], "http_path": route[1]})
    except Unreadable as stop:
        raise BuildError(f"{stop.where}: {stop.why} (configuration of `{name}`)", fix=stop.fix) from None
    except OptionError as error:
        raise BuildError(f"{where}: {error.message}", fix=error.fix) from None
    if not target.local:
        variable = call.variable if isinstance(call, Use) else _variable(call[0])
        packages = target.dependencies, target.system_dependencies
        yield Declared(at.statement, where, function, resource, *packages, config_variable=variable)


def _arguments(decorator: ast.expr, at: Place, evaluator: Evaluator) -> dict[str, Any]:
    """The arguments of `@remote` by name; raises `Unreadable`, and `OptionError` for those that it has not."""
    if not isinstance(decorator, ast.Call):
        return {}
    nodes = dict(zip(ARGUMENTS, decorator.args, strict=False))
    if len(decorator.args) > len(ARGUMENTS):
        raise OptionError("@remote has too many arguments", fix=f"it takes {', '.join(ARGUMENTS)}")
    given: dict[str, Any] = {name: evaluator.value(node, at) for name, node in nodes.items()}
    for keyword in decorator.keywords:
        value = evaluator.value(keyword.value, at)
        for name, each in (value if keyword.arg is None else {keyword.arg: value}).items():
            if name not in ARGUMENTS or name in given:
                raise _wrong_argument(name, is_twice=name in given)
            given[name] = each
    return given


def _wrong_argument(name: str, *, is_twice: bool) -> OptionError:
    if is_twice:
        return OptionError(f"@remote: {name}= is given twice", fix="keep one of the two")
    if name in ("gpu", "cpu", "gpus", "name", "workers"):
        fix = 'describe the endpoint: @remote(LiveServerless(name="trainer")), or write @Endpoint(name="trainer")'
        return OptionError(f"@remote has no argument {name}=", fix=fix)
    near = difflib.get_close_matches({"deps": "dependencies"}.get(name, name), ARGUMENTS, n=1)
    fix = f"did you mean {near[0]}=?" if near else f"it takes {', '.join(ARGUMENTS)}"
    return OptionError(f"@remote has no argument {name}=", fix=fix)


def _check_kind(node: Definition, resource: Resource) -> None:
    """What `@remote` refuses when it decorates: a class behind routes or in a foreign image, a generator function."""
    if isinstance(node, ast.ClassDef):
        if resource.is_load_balanced:
            fix = "decorate a function, or use a queue endpoint, e.g. LiveServerless"
            raise OptionError(f"{resource.label} has routes, and no place for {node.name!r}", fix=fix)
        if not resource.is_live:
            raise OptionError(
                f"class {node.name} can't live on {resource.label}: its image runs a handler of its own",
                fix="use LiveServerless or CpuLiveServerless for classes",
            )
    elif any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in _own_nodes(node)):
        raise OptionError(
            f"{node.name} is a generator function, whose values can't come home one by one",
            fix="return them together, as in return list(...), or call a function for each with .map",
        )


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's body without those of the functions in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            yield child
            yield from _own_nodes(child)


def _function(node: Definition, name: str, text: Text) -> Function:
    function = Function(name=name, module=text.module, doc=ast.get_docstring(node))
    if isinstance(node, ast.ClassDef):
        methods = _methods(node, text)
        public = [each for each in methods if not each.startswith("_")]
        more: dict[str, Any] = {"is_class": True, "class_methods": public, "methods": list(methods.values())}
    else:
        more = {"input_schema": input_schema(node), "parameters": list(parameters(node))}
        more["is_async"] = isinstance(node, ast.AsyncFunctionDef)
    return function.model_copy(update=more)


def _methods(node: ast.ClassDef, text: Text, seen: frozenset[str] = frozenset()) -> dict[str, Method]:
    """The constructor and the public methods of a class, those of its bases in the same text before its own."""
    found: dict[str, Method] = {}
    for base in node.bases:
        name = getattr(base, "id", "")
        for binding in text.bindings(name)[-1:]:
            if isinstance(binding.statement.node, ast.ClassDef) and name not in seen:
                found |= _methods(binding.statement.node, text, seen | {node.name})
    own = [each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return found | {each.name: method_of(each) for each in own if each.name == "__init__" or each.name[0] != "_"}


def _variable(decorator: ast.expr) -> str | None:
    """The name under which the configuration is known, where it has one."""
    if not isinstance(decorator, ast.Call):
        return None
    named = [keyword.value for keyword in decorator.keywords if keyword.arg == ARGUMENTS[0]]
    given = next(iter([*decorator.args[:1], *named]), None)
    return getattr(given, "id", None) or getattr(given, "attr", None)


def _refuse_inner(node: Definition, at: Place, evaluator: Evaluator) -> None:
    """A remote function inside of a function or a class could not be imported by who serves it."""
    late = Place(at.text, at.statement, float("inf"))
    for inner in ast.walk(node):
        if inner is node or not isinstance(inner, Definition):
            continue
        if any(_said_by(decorator, late, evaluator) for decorator in inner.decorator_list):
            raise BuildError(
                f"{at.where(inner)}: `{inner.name}` is remote inside of `{node.name}`, where nobody can import it",
                fix=f"move `{inner.name}` to the top of the {'notebook' if at.statement.cell else 'file'}",
            )
