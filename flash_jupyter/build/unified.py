"""`Endpoint(...)` above a definition: itself, a variable that holds one, or a route of one; nothing is run.

It comes to what `@remote` would say: a queue for a function or a class, a load balancer for routes.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from flash_jupyter.build.evaluate import Evaluator, Place, UnknownName, Unreadable
from flash_jupyter.decorator.routes import METHODS
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.unified import EndpointDescription

_VERBS = {method.lower() for method in METHODS}


@dataclass(frozen=True)
class Use:
    """An endpoint above a definition; `method` and `path` of a route, `variable` is what holds the endpoint."""

    endpoint: EndpointDescription
    method: str | None = None
    path: str | None = None
    variable: str | None = None

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments of `remote` that say the same for a function of this name; raises `OptionError`."""
        endpoint = self.endpoint
        if endpoint.is_client:
            said = "id" if endpoint.id else "image"
            raise OptionError(
                f"Endpoint({said}=...) runs other code, and has no place for {name}",
                fix="decorate with Endpoint(name=...) without id= and image=",
            )
        if self.method and endpoint.name is None:
            raise OptionError("an Endpoint with routes needs name=", fix='write Endpoint(name="shop", ...)')
        return {
            "resource_config": endpoint.resource(is_load_balanced=bool(self.method), name=name),
            "dependencies": endpoint.dependencies,
            "system_dependencies": endpoint.system_dependencies,
            "accelerate_downloads": endpoint.accelerate_downloads,
            **({"method": self.method, "path": self.path} if self.method else {}),
        }


def endpoint_use(node: ast.expr, at: Place, evaluator: Evaluator) -> Use | None:
    """Return how an endpoint of the SDK is used by a decorator; None for any other decorator.

    Raises `Unreadable` where it is one and its arguments can't be read.
    """
    match node:
        case ast.Call(func=ast.Attribute(value=base, attr=verb), args=args) if verb in _VERBS:
            endpoint = _endpoint(base, at, evaluator)
            if endpoint is None:
                return None
            path = _path(node, args, at, evaluator)
            return Use(endpoint, verb.upper(), path, _variable(base))
        case ast.Call() | ast.Name() | ast.Attribute():
            endpoint = _endpoint(node, at, evaluator)
            return None if endpoint is None else Use(endpoint, variable=_variable(node))
    return None


def _endpoint(node: ast.expr, at: Place, evaluator: Evaluator) -> EndpointDescription | None:
    used = set(evaluator.used)
    try:
        found = evaluator.value(node, at)
    except UnknownName:
        raise
    except Unreadable:
        if _is_made(node, at, evaluator):
            raise
        found = None
    if isinstance(found, EndpointDescription):
        return found
    evaluator.used = used
    return None


def _is_made(node: ast.expr, at: Place, evaluator: Evaluator) -> bool:
    """Whether an expression that can't be read calls `Endpoint`, or is a name of what does."""
    if isinstance(node, ast.Name):
        try:
            binding, text = evaluator.find(node, at)
        except Unreadable:
            return False
        if binding is None or binding.value is None:
            return False
        return _is_made(binding.value, Place(text, binding.statement, binding.statement.number), evaluator)
    if not isinstance(node, ast.Call):
        return False
    try:
        kind = evaluator.value(node.func, at)
    except Unreadable:
        return False
    return isinstance(kind, type) and issubclass(kind, EndpointDescription)


def _path(node: ast.Call, args: list[ast.expr], at: Place, evaluator: Evaluator) -> str:
    """The path of a route, which is all that a route says."""
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    given = [*args, *([named.pop("path")] if "path" in named and not args else [])]
    if len(given) != 1 or named:
        raise OptionError("a route of an Endpoint takes its path only", fix='write @api.post("/price")')
    return str(evaluator.value(given[0], at))


def _variable(node: ast.expr) -> str | None:
    """The name under which the endpoint is known, where it has one."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
