"""The import table of the design, section 3, and the sizes that keep modules readable; lazy imports count too."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import flash_jupyter

ROOT = Path(flash_jupyter.__file__).parent
MODULE_LINES, FUNCTION_LINES = 400, 50

VOCABULARY = {"errors", "own_type", "backend", "limits", "processes", "quantities", "states", "settings", "_version"}
SESSION_AND_BELOW = VOCABULARY | {"capsule", "resources", "wire", "capture", "transport", "session"}

#: part -> the parts of ours that it may import, itself not counted
ALLOWED: dict[str, set[str]] = {
    "_version": set(),
    "errors": set(),
    "limits": set(),
    "own_type": {"errors"},
    "backend": set(),
    "capsule": set(),
    "processes": set(),
    "quantities": {"errors"},
    "states": {"errors", "limits"},
    "settings": {"backend", "errors", "limits", "quantities"},
    "resources": VOCABULARY,
    "wire": VOCABULARY,
    "capture": VOCABULARY | {"capsule"},
    "transport": VOCABULARY | {"wire", "resources"},
    "worker": {"errors", "capsule"},
    # shipped with the bundles whose resources call others
    "runtime": VOCABULARY | {"wire", "capsule", "resources", "transport", "worker"},
    "session": SESSION_AND_BELOW - {"session"},
    # a `JobOutput` draws itself
    "decorator": SESSION_AND_BELOW | {"views"},
    "build": SESSION_AND_BELOW | {"decorator", "runtime"},
    # a deployed app draws itself
    "deploy": SESSION_AND_BELOW | {"decorator", "build", "runtime", "views"},
    # the development server serves what a build would bundle
    "develop": SESSION_AND_BELOW | {"decorator", "build", "worker"},
    # modules of a bundle, and not of the build
    "templates": {"_version", "errors", "capsule", "resources", "worker", "runtime"},
    # the text of a listing is that of the notebook's
    "cli": SESSION_AND_BELOW | {"decorator", "build", "deploy", "develop", "views"},
    "magics": SESSION_AND_BELOW | {"decorator", "build", "deploy", "develop", "cli", "views"},
    "server": SESSION_AND_BELOW | {"build", "deploy"},
    "views": VOCABULARY | {"wire"},
    "emulator": (VOCABULARY - {"settings"}) | {"worker"},
    # the package itself is a face: it imports lazily what a hook needs
    "__init__": SESSION_AND_BELOW | {"decorator", "deploy", "magics", "cli", "server"},
}
#: what the driver's modules may import: they travel as text, and run where nothing of ours is installed
SHIPPED = {"errors", "capsule"}

MODULES = sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT.parent))


def part_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return "templates" if relative.parts[:2] == ("build", "templates") else relative.parts[0].removesuffix(".py")


def imported_parts(tree: ast.AST, path: Path) -> Iterator[tuple[str, int]]:
    """Every part of ours that a module imports, at the top or inside a function, with its line."""
    package = ["flash_jupyter", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "flash_jupyter" and len(parts) > 1:
                yield parts[1], node.lineno


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_its_part_may(path: Path) -> None:
    part = part_of(path)
    wrong = [
        f"line {line}: {target}"
        for target, line in imported_parts(ast.parse(path.read_text()), path)
        if target not in ALLOWED[part] | {part} and not (target.startswith("__") or target in flash_jupyter.__all__)
    ]
    assert wrong == [], f"{part} may not import"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_and_its_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MODULE_LINES
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 - _docstring_lines(node) > FUNCTION_LINES
    ]
    assert long == []


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (first.end_lineno or first.lineno) - first.lineno + 1 if is_docstring else 0


def test_every_part_has_a_row_in_the_table() -> None:
    assert {part_of(path) for path in MODULES} <= set(ALLOWED)


def test_the_emulator_shares_no_model_of_an_answer_with_the_client() -> None:
    assert not ALLOWED["emulator"] & {"wire", "transport", "session", "settings"}


def test_what_travels_imports_only_what_travels() -> None:
    assert ALLOWED["worker"] == SHIPPED


def test_no_public_name_is_hidden_by_a_submodule() -> None:
    submodules = {module.name for module in pkgutil.iter_modules([str(ROOT)])}
    assert not submodules & set(flash_jupyter.__all__)


def test_public_names_are_sorted_and_exist() -> None:
    assert flash_jupyter.__all__ == sorted(flash_jupyter.__all__)
    assert all(hasattr(flash_jupyter, name) for name in flash_jupyter.__all__)


def test_only_settings_reads_the_environment() -> None:
    """`worker` and `runtime` run elsewhere; the embedded Runpod gets its settings as arguments, and hands an environment on."""
    readers = {
        name_of(path)
        for path in MODULES
        if part_of(path) not in {"settings", "worker", "runtime", "emulator"} and "os.environ" in _code_of(path)
    }
    assert readers == set()


def _code_of(path: Path) -> str:
    """The module without its docstrings and comments."""
    return ast.unparse(_Bare().visit(ast.parse(path.read_text())))


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        return ast.Expr(ast.Constant(0)) if isinstance(node.value, ast.Constant) else node


def test_every_module_can_be_imported_alone() -> None:
    """A cycle would show here: each is imported in the order of the file system."""
    for module in pkgutil.walk_packages([str(ROOT)], "flash_jupyter."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
