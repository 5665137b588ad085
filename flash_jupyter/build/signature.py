"""What a function's signature says of its input, as a JSON schema."""

from __future__ import annotations

import ast
from typing import Any

from flash_jupyter.build.interface import schema_of_default
from flash_jupyter.build.manifest import Method

_NAMES = {
    "bool": "boolean",
    "int": "integer",
    "float": "number",
    "str": "string",
    "list": "array",
    "List": "array",
    "tuple": "array",
    "dict": "object",
    "Dict": "object",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def parameters(node: ast.AST) -> tuple[str, ...]:
    """Return the names that a caller may give; none of a class."""
    if not isinstance(node, Function):
        return ()
    return tuple(each.arg for each in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs])


def input_schema(node: Function) -> dict[str, Any]:
    """Return the JSON schema of the input, as annotations and defaults tell it.

    >>> schema = input_schema(ast.parse("def f(x: int, y=0.5, *, z: list[int]): ...").body[0])
    >>> schema["required"], schema["properties"]["y"], schema["properties"]["z"]
    (['x', 'z'], {'type': 'number', 'default': 0.5}, {'type': 'array'})
    """
    args = node.args
    plain = [*args.posonlyargs, *args.args]
    defaults: dict[str, ast.expr | None] = dict.fromkeys(each.arg for each in plain)
    defaults |= {each.arg: value for each, value in zip(plain[::-1], args.defaults[::-1], strict=False)}
    defaults |= {each.arg: value for each, value in zip(args.kwonlyargs, args.kw_defaults, strict=True)}
    described = {each.arg: _describe(each.annotation, defaults[each.arg]) for each in [*plain, *args.kwonlyargs]}
    return {
        "type": "object",
        "properties": described,
        "required": [name for name, default in defaults.items() if default is None],
        "additionalProperties": args.kwarg is not None,
    }


def method_of(node: Function) -> Method:
    """Describe a method as its callers see it, without the object that it belongs to.

    >>> found = method_of(ast.parse("def add(self, item, count=1): ...").body[0])
    >>> found.parameters, found.input_schema["required"]
    (['item', 'count'], ['item'])
    """
    is_static = any(getattr(each, "id", "") == "staticmethod" for each in node.decorator_list)
    own = () if is_static else parameters(node)[:1]
    schema = input_schema(node)
    schema["properties"] = {name: each for name, each in schema["properties"].items() if name not in own}
    schema["required"] = [name for name in schema["required"] if name not in own]
    names = [name for name in parameters(node) if name not in own]
    return Method(name=node.name, doc=ast.get_docstring(node), parameters=names, input_schema=schema)


def _describe(annotation: ast.expr | None, default: ast.expr | None) -> dict[str, Any]:
    outer = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    named = _NAMES.get(getattr(outer, "id", getattr(outer, "attr", "")))
    said = {"type": named} if named else {}
    if default is None:
        return said
    try:
        found = schema_of_default(ast.unparse(default))
    except (ValueError, TypeError):  # it has to be computed
        return said
    if "default" not in found or annotation is None:
        return found or said
    return {**(said if found["default"] is not None else {}), "default": found["default"]}
