"""Checking a JSON value against a schema: the few words of JSON Schema that the control plane's requests use.

Not a library, because those take longer to load than the rest of the server, and the first cell waits for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from flash_jupyter.emulator.problems import invalid

Schema = Mapping[str, Any]

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def errors(value: Any, schema: Schema, path: str = "$") -> Iterator[str]:
    """Yield one line for each thing that is wrong; an object's unknown properties are always wrong.

    >>> list(errors({"a": 0, "b": 1}, {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}))
    ['$.a: 0 is less than 1', "$: additional properties 'b' not allowed"]
    """
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is_a(value, kind) for kind in kinds):
        yield f"{path}: must be {' or '.join(kinds)}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: must be one of {', '.join(schema['enum'])}"
    elif isinstance(value, dict):
        yield from _object_errors(value, schema, path)
    elif isinstance(value, list):
        yield from _array_errors(value, schema, path)
    elif isinstance(value, str):
        yield from _text_errors(value, schema, path)
    elif not isinstance(value, bool | None):
        yield from _number_errors(value, schema, path)


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    if kind == "number" and isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, _TYPES[kind])


def _object_errors(value: dict[str, Any], schema: Schema, path: str) -> Iterator[str]:
    if "values" in schema:  # a map with free names
        for name, member in value.items():
            yield from errors(member, schema["values"], f"{path}.{name}")
        return
    properties = schema.get("properties")
    if properties is None:
        return
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}: missing property {name!r}"
    for name, member in value.items():
        if name in properties:
            yield from errors(member, properties[name], f"{path}.{name}")
        else:
            yield f"{path}: additional properties {name!r} not allowed"


def _array_errors(value: list[Any], schema: Schema, path: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: needs {schema['minItems']} items or more"
    if schema.get("uniqueItems") and any(item in value[:index] for index, item in enumerate(value)):
        yield f"{path}: items must be unique"
    for index, item in enumerate(value):
        yield from errors(item, schema["items"], f"{path}[{index}]")


def _text_errors(value: str, schema: Schema, path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: must not be empty"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} does not match {schema['pattern']}"


def _number_errors(value: float, schema: Schema, path: str) -> Iterator[str]:
    if value < schema.get("minimum", value):
        yield f"{path}: {value} is less than {schema['minimum']}"
    if value > schema.get("maximum", value):
        yield f"{path}: {value} is more than {schema['maximum']}"


def checked(value: Any, schema: Schema) -> dict[str, Any]:
    """Return an object that has no error; raises `Problem` 422 with one line an error."""
    found = list(errors(value, schema))
    if found:
        raise invalid(found)
    fine: dict[str, Any] = value
    return fine
