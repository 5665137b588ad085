"""What a bundle brings of ours: the handler files, from templates, and what these import of this package, unchanged.

`handler_<resource>.py` is a template, which is a module that linters see, with the values of its resource.

Only `flash_jupyter/__init__.py` is another: its names are what they are on a worker. Where resources call each other
its `remote` is that of `runtime`, which brings the client along, and the client the packages of `CLIENT`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from flash_jupyter.build.project import Group

PACKAGE = "flash_jupyter"
ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "build" / "templates"
#: what a bundle begins with: the handler files, and the package's own names
BEGINNINGS = ("queue_handler.py", "balancer_handler.py", "package.py")
#: what the client imports, and not every image has
CLIENT = frozenset({"httptools", "httpx", "pydantic"})
#: where `remote` is for a bundle alone, and for one whose resources call each other
_ALONE, _CALLING = f"{PACKAGE}.worker.decorated import remote\n", f"{PACKAGE}.runtime.remote import remote\n"


def shipped_files(*, with_calls: bool = False, with_mothership: bool = False) -> dict[str, bytes]:
    """Return path in the bundle -> content; `with_calls` where resources call each other."""
    initial = (TEMPLATES / "package.py").read_text("utf-8")
    assert _ALONE in initial
    text = initial.replace(_ALONE, _CALLING) if with_calls else initial
    found = {f"{PACKAGE}/__init__.py": text.encode()}
    waiting = [module for name in BEGINNINGS for module in imported(TEMPLATES / name)]
    waiting += [f"{PACKAGE}.runtime.remote"] if with_calls else []
    waiting += imported(TEMPLATES / "mothership_handler.py") if with_mothership else []
    while waiting:
        module = waiting.pop()
        for path in _files_of(module):
            name = path.relative_to(ROOT.parent).as_posix()
            if name not in found:
                found[name] = path.read_bytes()
                waiting += imported(path)
    return found


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of ours that a file imports, also inside of functions; not what only type checkers read."""
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        waiting += ast.iter_child_nodes(node)


def _files_of(module: str) -> Iterator[Path]:
    """Yield the file of a module and those of the packages around it; nothing for a name that is no module."""
    parts = module.split(".")[1:]
    for depth in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:depth])
        if (place / "__init__.py").is_file():
            yield place / "__init__.py"
        elif place.with_suffix(".py").is_file():
            yield place.with_suffix(".py")


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
    values["ROUTES"] = {f"{function.verb} {function.http_path}": function.name for function in functions}
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
