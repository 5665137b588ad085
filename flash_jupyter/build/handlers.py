"""The text of `handler_<resource>.py`: a template, which is a module that linters see, with this resource's values."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping

from flash_jupyter.build.grouping import Group
from flash_jupyter.build.shipped import TEMPLATES


def handler_file(name: str) -> str:
    """Return the name of a resource's handler file, whose stem is a module that servers import.

    >>> handler_file("shop.gpu")
    'handler_shop_gpu.py'
    """
    return f"handler_{name.replace('.', '_')}.py"


def write_handler_file(group: Group, packages: str = "") -> str:
    """Return the text of a group's handler file; `packages` is a folder of the bundle that only this resource reads."""
    if group.main is not None:
        template = (TEMPLATES / "mothership_handler.py").read_text("utf-8")
        return fill(template, {"PACKAGES": packages, "MAIN": group.main})
    functions = [export.function for export in group.exports]
    values: dict[str, object] = {
        "PACKAGES": packages,
        "FUNCTIONS": {function.name: f"{function.module}:{function.name}" for function in functions},
    }
    if not group.resource.is_load_balanced:
        values["MAX_CONCURRENCY"] = getattr(group.resource, "max_concurrency", 1)
        return fill((TEMPLATES / "queue_handler.py").read_text("utf-8"), values)
    values["ROUTES"] = {
        f"{(function.http_method or 'POST').upper()} {function.http_path}": function.name for function in functions
    }
    return fill((TEMPLATES / "balancer_handler.py").read_text("utf-8"), values)


def fill(template: str, values: Mapping[str, object]) -> str:
    r"""Give the annotated names of a template other values.

    >>> fill("#: name -> place\nPLACES: dict[str, str] = {}\n", {"PLACES": {"f": "m:f"}})
    '#: name -> place\nPLACES: dict[str, str] = {\n    "f": "m:f",\n}\n'
    """
    text = template
    for name, value in values.items():
        found = re.findall(rf"(?m)^{name}: .+ = .+$", text)
        assert len(found) == 1, f"the template has {name} {len(found)} times"
        text = text.replace(found[0], f"{found[0].rpartition(' = ')[0]} = {_text(value)}")
    ast.parse(text)
    return text


def _text(value: object) -> str:
    """Write a value as Python, in double quotes: a text of JSON is one of Python."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value)
    return "{\n" + "".join(f"    {json.dumps(key)}: {json.dumps(each)},\n" for key, each in value.items()) + "}"
