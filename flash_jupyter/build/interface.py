"""The interface of a handler cell: outside names are its inputs, what it binds or its last expression its output (D10).

The JSON schema of both goes into the manifest, as that of a function's input does, which its signature says.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field
from typing import Any

from flash_jupyter.build.cells import Cell
from flash_jupyter.build.manifest import Method
from flash_jupyter.build.pieces import Kind, Piece, kind_of
from flash_jupyter.build.slice import Slice
from flash_jupyter.capture.names import analyse
from flash_jupyter.errors import BuildError

#: functions that show something and return nothing
SHOWING = frozenset({"print", "display"})

_TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    tuple: "array",
    dict: "object",
}
_NAMES = {"List": "array", "Dict": "object", **{kind.__name__: name for kind, name in _TYPES.items()}}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Interface:
    """What a handler takes and gives.

    `inputs` in the order in which they are read, those without a default first; `defaults` is the Python text of each
    default. `outputs` are names, None where the last expression is the output.
    """

    name: str
    inputs: tuple[str, ...]
    defaults: dict[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] | None = ()
    is_async: bool = False

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON schema of the inputs."""
        return {
            "type": "object",
            "properties": {name: schema_of_default(self.defaults.get(name)) for name in self.inputs},
            "required": [name for name in self.inputs if name not in self.defaults],
            "additionalProperties": False,
        }

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON schema of the output; the empty one, which holds for everything, for an expression."""
        if self.outputs is None:
            return {}
        if not self.outputs:
            return {"type": "null"}
        return {"type": "object", "properties": {name: {} for name in self.outputs}, "required": list(self.outputs)}


def read_interface(found: Slice) -> Interface:
    """Return the interface of a handler cell.

    Raises `BuildError` for a cell that can't become a function.
    """
    cell = found.handler
    _refuse_stars(cell)
    name = cell.mark.name or "handler"
    _refuse_clash(name, found)
    defaults = {name: _default_text(name, piece) for name, piece in found.defaults.items()}
    inputs = sorted(found.inputs, key=lambda name: name in defaults)
    return Interface(
        name=name,
        inputs=tuple(inputs),
        defaults=defaults,
        outputs=_outputs(cell),
        is_async=_awaits(cell.plain.tree),
    )


def _outputs(cell: Cell) -> tuple[str, ...] | None:
    """The names that a cell surely binds to values, in the order of their first binding; None for an expression."""
    body = cell.plain.tree.body
    if body and _is_output(body[-1]) and not cell.plain.text.rstrip().endswith(";"):
        return None
    names = analyse(cell.plain.text)
    code = {name for node in body if kind_of(node) is Kind.DEFINITION for name in analyse(ast.unparse(node)).binds}
    bound = [name for name in _in_order(cell.plain.tree) if name in names.binds and not name.startswith("_")]
    maybe = analyse(f"{cell.plain.text}\n({', '.join([*bound, ''])})").reads if bound else {}
    return tuple(name for name in bound if name not in code and (name not in maybe or name in names.reads))


def _is_output(last: ast.stmt) -> bool:
    """Whether the last statement is an expression with a value: what only shows something has none."""
    if not isinstance(last, ast.Expr):
        return False
    call = last.value
    return not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SHOWING)


def _in_order(tree: ast.Module) -> list[str]:
    """Every name that is assigned to, once, as the text has them; what a loop or a `with` binds is in its service."""
    stored = [
        node
        for statement in ast.walk(tree)
        for target in _targets(statement)
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return list(dict.fromkeys(node.id for node in sorted(stored, key=lambda node: (node.lineno, node.col_offset))))


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)) else []


def _awaits(tree: ast.Module) -> bool:
    """Whether the cell itself awaits; functions which it defines are another matter."""
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return False


def _default_text(name: str, piece: Piece) -> str:
    """The Python text of the literal to which a statement binds `name`: as it was written, where that is one line."""
    value = _bound_value(name, piece.node)
    written = ast.get_source_segment(piece.cell.plain.text, value) or ""
    return written if written and "\n" not in written else ast.unparse(value)


def _bound_value(name: str, node: ast.stmt) -> ast.expr:
    assert isinstance(node, (ast.Assign, ast.AnnAssign))
    assert node.value is not None
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Name) and target.id == name:
            return node.value
        if isinstance(target, ast.Tuple) and isinstance(node.value, (ast.Tuple, ast.List)):
            for element, value in zip(target.elts, node.value.elts, strict=False):
                if isinstance(element, ast.Name) and element.id == name:
                    return value
    raise AssertionError(f"{name} is bound by this statement")


def schema_of_default(text: str | None) -> dict[str, Any]:
    """Describe an input by its default; what JSON can't hold has no description.

    >>> schema_of_default("0.5"), schema_of_default("b'x'"), schema_of_default(None)
    ({'type': 'number', 'default': 0.5}, {}, {})
    """
    if text is None:
        return {}
    value = ast.literal_eval(text)
    if value is None:
        return {"default": None}
    try:
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return {}
    return {"type": _TYPES[type(value)], "default": plain} if type(value) in _TYPES else {}


def _refuse_clash(name: str, found: Slice) -> None:
    """A function of the handler's name would take the place of what the cell needs under that name."""
    makers = [piece.cell for piece in found.pieces if name in piece.names.binds]
    if makers or name in found.inputs:
        what = f"{makers[-1]} makes `{name}` too, which it needs" if makers else f"`{name}` is one of its inputs too"
        raise BuildError(
            f"{found.handler} is the handler `{name}`, and {what}",
            fix="give the handler another name: flash:handler:NAME",
        )


def _refuse_stars(cell: Cell) -> None:
    stars = analyse(cell.plain.text).stars
    if stars:
        raise BuildError(
            f"{cell} is a handler, and a function can't hold `from {min(stars)} import *`",
            fix="import what it needs of it by name",
        )


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
