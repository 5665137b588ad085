"""What a published image does before it calls the code of a request, and what is in it (flash-wire.md 4.2, 4.5, 4.7).

On the embedded Runpod the interpreter is the machine's: what a request needs and it lacks goes into an overlay.
"""

from __future__ import annotations

import ast
import importlib.util
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from flash_jupyter.worker.install import install
from flash_jupyter.worker.modules import install_modules


def prepare(request: Mapping[str, Any]) -> None:
    """Make importable what a request brings (`modules`), asks for (`dependencies`), and may count on in the image.

    Raises `InstallError`, `FreshWorkerNeeded` or, for a path that leads out of its folder, `ValueError`.
    """
    code = request.get("function_code") or request.get("class_code") or ""
    wanted = [*(request.get("dependencies") or []), *lacking(code)]
    if wanted:
        install(wanted)
    install_modules(request.get("modules") or {})


@lru_cache(maxsize=64)
def lacking(code: str) -> tuple[str, ...]:
    """Return the packages which the code imports, every published image has, and this interpreter lacks.

    A client's own stubs count on them: the calls of one endpoint to another are sent with aiohttp.

    >>> lacking("import json, flash_jupyter")
    ()
    """
    missing = {name for name in _imports(code) if importlib.util.find_spec(name) is None}
    return tuple(sorted(_in_every_image()[name] for name in missing & _in_every_image().keys())) if missing else ()


def _imports(code: str) -> set[str]:
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except SyntaxError:  # told where it is executed
        return set()
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in found}


@lru_cache(maxsize=1)
def _in_every_image() -> dict[str, str]:
    """Module -> package, for what all published images have."""
    text = resources.files("flash_jupyter").joinpath("base_images.json").read_text("utf-8")
    packages = json.loads(text)["parts"]["worker"]["packages"]
    return {module: package for package, modules in packages.items() for module in modules}
