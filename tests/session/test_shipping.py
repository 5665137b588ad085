"""The text that travels, and what the worker's answer may look like."""

from __future__ import annotations

import ast
import collections
from typing import Any

import pytest

from flash_jupyter.errors import ProtocolError
from flash_jupyter.session import shipping


def test_no_two_shipped_modules_define_the_same_name() -> None:
    """They are joined into one module, so the second would silently replace the first."""
    defined: collections.Counter[str] = collections.Counter()
    for folder, file in shipping.SHIPPED:
        tree = ast.parse(shipping._read(folder, file))
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                defined[node.name] += 1
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                defined.update(target.id for target in targets if isinstance(target, ast.Name))
    assert [name for name, count in defined.items() if count > 1] == []


def test_the_text_needs_nothing_but_the_standard_library_and_cloudpickle() -> None:
    import sys

    tree = ast.parse(shipping.driver_text())
    imported = {alias.name.split(".")[0] for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    imported |= {(node.module or "").split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported - set(sys.stdlib_module_names) == {"cloudpickle"}


def test_the_request_fits_beside_a_capsule() -> None:
    assert len(shipping.function_code()) < 64 * 1024


BROKEN: list[tuple[str, Any, str]] = [
    ("nothing", None, "not a FunctionResponse"),
    ("a plain dictionary", {"x": 1}, "not a FunctionResponse"),
    ("a failure", {"success": False, "error": "boom"}, "could not run the cell: boom"),
    (
        "a failure with its text in the wrong field",
        {"success": False, "result": "boom"},
        "could not run the cell: boom",
    ),
    ("half a result", {"success": True, "result": "gAV"}, "can't be read"),
    ("no result", {"success": True, "result": None}, "can't be read"),
    ("another type", {"success": True, "result": "gARLAS4="}, "is int, not a capsule"),
]


@pytest.mark.parametrize(("output", "message"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_answers_that_are_none(output: Any, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        shipping.read_response(output)
