"""The query of a control plane request: words into values, checked against a schema."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request

from flash_jupyter.emulator.schema import Schema, checked


def query_values(request: Request, properties: dict[str, Schema]) -> dict[str, Any]:
    """Return the values of the parameters that are there; raises `Problem` 422. Unknown parameters are not looked at.

    Lists are separated by commas (`style: form, explode: false` of the REST v2 document).
    """
    given = {name: request.query_params[name] for name in properties if name in request.query_params}
    values = {name: _value(text, properties[name]["type"]) for name, text in given.items()}
    return checked(values, {"type": "object", "properties": properties})


def _value(text: str, kind: str) -> Any:
    """Return the value, or the text itself where it is none: the schema says so then.

    >>> _value("A,B", "array"), _value("12", "integer"), _value("twelve", "integer"), _value("true", "boolean")
    (['A', 'B'], 12, 'twelve', True)
    """
    if kind == "array":
        return text.split(",") if text else []
    if kind == "integer" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text
