"""The mothership of a build: asked for with `--mothership`, or described in the project's `mothership.py`.

It serves the project's FastAPI app, where main.py, app.py or server.py makes one, else a route for each function. It
may have no worker while nobody asks (`workersMin` 0): one that is kept ready costs money, and is the user's to want.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from flash_jupyter.build.evaluate import Evaluator, Place, Unreadable
from flash_jupyter.build.project import Group, Project
from flash_jupyter.build.text import read_text
from flash_jupyter.errors import BuildError, OptionError
from flash_jupyter.resources import model
from flash_jupyter.resources.classes import CpuLiveLoadBalancer

NAME = "mothership"
FILE = f"{NAME}.py"
#: where a project has its app, in this order (flash-wire.md 6.1, 8.1)
APP_FILES = ("main.py", "app.py", "server.py")


def with_mothership(project: Project, groups: tuple[Group, ...], *, is_asked: bool) -> tuple[Group, ...]:
    """Return the groups, and behind them the mothership where somebody wants one.

    Raises `BuildError` for a description that can't be read, and for a name that another resource has.
    """
    described = _described(project.files)
    if described is None and not is_asked:
        return groups
    resource = described or CpuLiveLoadBalancer(name=NAME, workersMin=0, workersMax=1)
    name = resource.name or NAME
    if any(each.name == name for each in groups):
        raise BuildError(f"a resource is called {name}, as the mothership is", fix="give the resource another name=")
    return (*groups, Group(name, resource.model_copy(update={"name": name}), (), app_of(project.files)))


def unserved_app(files: Mapping[str, bytes], groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Say that the project's own app stays away, where it has one and no mothership serves it."""
    app = app_of(files)
    if not app or any(each.main is not None for each in groups):
        return ()
    name = f"{app.partition(':')[0]}.py"
    return (f"the app of {name} is not served: --mothership gives it an endpoint of its own",)


def mothership_fields(main: str | None) -> dict[str, Any]:
    """Return what the manifest's entry of a mothership has beside the others' (flash-wire.md 6.2).

    >>> mothership_fields("main:app")
    {'is_mothership': True, 'makes_remote_calls': True, 'main_file': 'main.py', 'app_variable': 'app'}
    """
    if main is None:
        return {}
    module, _, variable = main.partition(":")
    named = {"main_file": f"{module}.py", "app_variable": variable} if main else {}
    return {"is_mothership": True, "makes_remote_calls": True, **named}


def app_of(files: Mapping[str, bytes]) -> str:
    r"""Return where a project makes its FastAPI app, as `module:variable`; empty where it makes none.

    >>> app_of({"main.py": b"from fastapi import FastAPI\napi = FastAPI()"})
    'main:api'
    """
    for name in APP_FILES:
        for node in _body(files.get(name, b"")):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                made = node.value.func
                if isinstance(targets[0], ast.Name) and getattr(made, "id", getattr(made, "attr", "")) == "FastAPI":
                    return f"{name.removesuffix('.py')}:{targets[0].id}"
    return ""


def _body(content: bytes) -> list[ast.stmt]:
    try:
        return ast.parse(content).body
    except (SyntaxError, ValueError):  # who reads the project has said so
        return []


def _described(files: Mapping[str, bytes]) -> model.Resource | None:
    """What `mothership = CpuLiveLoadBalancer(...)` of `mothership.py` says; None without such a file."""
    if FILE not in files:
        return None
    text = read_text(FILE, ast.parse(files[FILE]), module=NAME, package="")
    found = text.bindings(NAME)
    value = getattr(found[-1].statement.node, "value", None) if found else None
    if value is None:
        raise BuildError(f"{FILE} has no `{NAME}`", fix=f'write {NAME} = CpuLiveLoadBalancer(name="{NAME}")')
    try:
        place = Place(text, found[-1].statement, found[-1].statement.number)
        resource: Any = Evaluator(lambda _module: None).value(value, place)
    except Unreadable as stop:
        raise BuildError(f"{stop.where}: {stop.why}", fix=stop.fix) from None
    except OptionError as error:
        raise BuildError(f"{FILE}: {error.message}", fix=error.fix) from None
    if not isinstance(resource, model.Resource) or not (resource.is_load_balanced and resource.is_live):
        raise BuildError(
            f"{FILE}: a mothership is a CpuLiveLoadBalancer or a LiveLoadBalancer, not {type(resource).__name__}",
            fix=f'write {NAME} = CpuLiveLoadBalancer(name="{NAME}")',
        )
    return resource
