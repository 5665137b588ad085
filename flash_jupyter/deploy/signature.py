"""What a manifest says of a function's parameters, as Python has it; calls are checked by it before they are sent."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from flash_jupyter.build.manifest import Function, Method
from flash_jupyter.decorator.raising import at_the_call, bound

_TYPES = {
    "boolean": bool,
    "integer": int,
    "number": float,
    "string": str,
    "array": list,
    "object": dict,
}


class _Unsaid:
    """A default that only the worker knows."""

    def __repr__(self) -> str:
        return "..."


UNSAID = _Unsaid()


def signature_of(described: Function | Method) -> inspect.Signature | None:
    """Return the signature; None where the manifest says nothing of the parameters, as those of released clients.

    >>> schema = {"properties": {"text": {"type": "string"}, "top": {"default": 3}}, "required": ["text"]}
    >>> print(signature_of(Function(name="score", module="m", input_schema=schema)))
    (text: str, top=3)
    """
    schema = described.input_schema
    if schema is None:
        return None
    properties, required = schema.get("properties", {}), set(schema.get("required", ()))
    said = described.parameters or []
    order = [*said, *(name for name in properties if name not in said)]
    # without `parameters`, those with a default may stand before the others
    names = sorted((name for name in order if name in properties), key=lambda name: name not in required)
    kinds = inspect.Parameter
    parameters = [_parameter(name, properties[name], is_required=name in required) for name in names]
    if schema.get("additionalProperties", False):
        parameters.append(kinds("more", kinds.VAR_KEYWORD))
    returns = getattr(described, "output_schema", None) or {}
    return inspect.Signature(parameters, return_annotation=_type_of(returns))


def _parameter(name: str, schema: Mapping[str, Any], *, is_required: bool) -> inspect.Parameter:
    default = inspect.Parameter.empty if is_required else schema.get("default", UNSAID)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(name, kind, default=default, annotation=_type_of(schema))


def _type_of(schema: Mapping[str, Any]) -> Any:
    if schema.get("type") == "null":
        return None
    return _TYPES.get(str(schema.get("type")), inspect.Signature.empty)


def bind(
    label: str, signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Name the arguments of a call as the parameters; raises `TypeError` where they do not fit.

    >>> schema = {"properties": {"text": {}, "top": {"default": 3}}, "required": ["text"]}
    >>> signature = signature_of(Function(name="score", module="m", input_schema=schema))
    >>> bind("score", signature, ("tea",), {})
    {'text': 'tea'}
    """
    if signature is None:
        if args:
            said = f"{label}() takes its arguments by name: its manifest does not say their order"
            raise at_the_call(TypeError(said))
        return kwargs
    return bound(label, signature, (args, kwargs))
