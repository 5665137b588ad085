"""`deps=`: what the kernel's environment lacks is installed once a set; what does not exist is said by name."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey

#: small, pure, and not in anybody's environment
PACKAGE = "cowsay"


def test_a_dependency_is_installed_once(desk: Any) -> None:
    notebook = desk.open()
    cell = f"%%remote deps={PACKAGE}\nimport {PACKAGE}\nmade_at = {PACKAGE}.__file__\nmade_at"
    first = notebook.ok(cell)
    assert PACKAGE in str(first.result)
    overlays = sorted(path.name for path in (desk.home / "cache").rglob(f"{PACKAGE}-*.dist-info"))
    stamps = [path.stat().st_mtime_ns for path in (desk.home / "cache").rglob(f"{PACKAGE}/__init__.py")]
    assert len(overlays) == len(stamps) == 1
    notebook.ok("%flash undeploy --all --yes")
    second = notebook.ok(cell)
    assert second.result == first.result
    assert [path.stat().st_mtime_ns for path in (desk.home / "cache").rglob(f"{PACKAGE}/__init__.py")] == stamps
    assert notebook.run(f"import {PACKAGE}").ename == "ModuleNotFoundError", "the kernel's environment stays as it was"


def test_a_dependency_that_is_here_installs_nothing(desk: Any) -> None:
    notebook = desk.open()
    notebook.ok("%%remote deps=scikit-learn,numpy>=1\nimport sklearn")
    assert list((desk.home / "cache").rglob("*.dist-info")) == []


def test_a_dependency_that_does_not_exist(notebook: Any) -> None:
    notebook.ok("kept = 1")
    cell = notebook.run("%%remote deps=surely-no-such-package-x1\nkept")
    assert cell.traceback.partition("\n")[2] == (
        "DependencyError             Traceback on the worker (most recent call last)\n"
        "DependencyError: could not install surely-no-such-package-x1\n"
        "error: No solution found when resolving dependencies\n"
        "  cause: Because surely-no-such-package-x1 was not found in the package registry and you require"
        " surely-no-such-package-x1, we can conclude that your requirements are unsatisfiable.\n"
        "  → check the name and the version in deps="
    )
    assert notebook.ok("%%remote\nkept").result == "1"
