"""A group as the manifest has it: everything that was said under `config`, beside it what published workers read.

And the environment variables that its modules read (`os.environ["NAME"]`, `os.getenv("NAME")` without a default), and
secrets that stand in the environment or in a text instead: whoever has the artifact can read them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flash_jupyter.build.manifest import Resource
from flash_jupyter.build.mothership import mothership_fields
from flash_jupyter.build.project import Group, configuration
from flash_jupyter.build.shipped import handler_file
from flash_jupyter.build.target import named_image
from flash_jupyter.build.text import BundleTexts
from flash_jupyter.capture.secrets import secret_kind
from flash_jupyter.errors import BuildError
from flash_jupyter.resources import model
from flash_jupyter.resources.images import PUBLISHED_PYTHONS, Images, read_python, show_python
from flash_jupyter.resources.rules import SECRET
from flash_jupyter.resources.template import PodTemplate


def make_entry(
    group: Group, python: str, images: Images, files: Mapping[str, bytes], calls: tuple[str, ...] = ()
) -> Resource:
    """Return the manifest's entry of a group, for workers of this Python.

    `files` are the project's, `calls` the resources that it calls. Raises `BuildError` where its environment holds a
    secret: a manifest is stored with the build.
    """
    refuse_secrets(group)
    resource = group.resource
    variables = [export.config_variable for export in group.exports if export.config_variable]
    published = {
        "config_variable": variables[0] if variables else None,
        "system_dependencies": sorted({name for export in group.exports for name in export.system_dependencies})
        or None,
        "environment_variables": environment_variables({each.function.module for each in group.exports}, files) or None,
        **_published(resource),
    }
    return Resource(
        resource_type=type(resource).__name__,
        functions=[export.function for export in group.exports],
        is_load_balanced=resource.is_load_balanced,
        handler_file=handler_file(group.name),
        imageName=image_of(resource, python, images),
        target_python_version=python,
        config=configuration(resource),
        calls=list(calls) or None,
        **{"makes_remote_calls": True if calls else None, **mothership_fields(group.main)},
        **{name: value for name, value in published.items() if value is not None},
    )


def _published(resource: model.Resource) -> dict[str, Any]:
    """What released clients write, in their words (flash-wire.md 6.2)."""
    return {
        "gpuIds": None if resource.cpus else ",".join(resource.gpus) or "any",
        "instanceIds": list(resource.cpus) or None,
        "workersMin": resource.workers_min,
        "workersMax": resource.workers_max,
        "idleTimeout": resource.idle_timeout,
        "scalerType": resource.scaler_type,
        "scalerValue": resource.scaler_value,
        "locations": ",".join(resource.places) or None,
    }


def image_of(resource: model.Resource, python: str, images: Images) -> str | None:
    """Return the image whose workers unpack the bundle; None where a stored template names it."""
    named = named_image(resource)
    if named or isinstance(resource.template, str):
        return named or None
    return images.reference(
        cpu=bool(resource.cpus), load_balanced=resource.is_load_balanced, python=read_python(python)
    )


def choose_python(groups: tuple[Group, ...], wanted: str | None, here: tuple[int, int]) -> str:
    """Return the Python of the workers: what was asked for, else what a resource names, else this one.

    Raises `BuildError` for two, and for one that no image is published for.
    """
    named: dict[str, str] = {} if wanted is None else {wanted: "--python-version"}
    for group in groups:
        if group.resource.python_version:
            named.setdefault(group.resource.python_version, f"the resource {group.name}")
    if len(named) > 1:
        listed = ", ".join(f"{who} names {version}" for version, who in named.items())
        raise BuildError(f"a bundle is for one Python: {listed}", fix="name the same one everywhere")
    python, who = next(iter(named.items()), (show_python(here), "this Python"))
    if read_python(python) not in PUBLISHED_PYTHONS:
        first, last = show_python(PUBLISHED_PYTHONS[0]), show_python(PUBLISHED_PYTHONS[-1])
        raise BuildError(
            f"{who} is {python}, and no image is published for that; there are {first} to {last}"
            if not named
            else f"{who} names Python {python}, and no image is published for that; there are {first} to {last}",
            fix=f"build for another: --python-version {last}",
        )
    return python


def refuse_secrets(group: Group) -> None:
    """Raise `BuildError` for a variable of the endpoint that holds a secret; the platform's own are only names."""
    template = group.resource.template
    variables = {**(template.env if isinstance(template, PodTemplate) else {}), **group.resource.env}
    for name, value in variables.items():
        kind = None if SECRET.fullmatch(value.strip()) else secret_kind(value, name)
        if kind is not None:
            raise BuildError(
                f"env= of {group.name}: {name} holds {kind}, which would be stored with the bundle",
                fix=f"store it as a secret of Runpod and write {{{{ RUNPOD_SECRET_{name.lower()} }}}}",
            )


def environment_variables(modules: Iterable[str], files: Mapping[str, bytes]) -> list[str]:
    """Return the names, sorted; `modules` are dotted, `files` are those of the bundle.

    >>> files = {"a.py": b"import os, b", "b.py": b"import os; os.environ['TOKEN']; os.getenv('X', 1)"}
    >>> environment_variables(["a"], files)
    ['TOKEN']
    """
    return sorted({name for source, _ in BundleTexts(files).reached(modules) for name in _read_by(ast.parse(source))})


def _read_by(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=place, slice=ast.Constant(value=str(name)), ctx=ast.Load()) if _is(
                place, "environ"
            ):
                yield name
            case ast.Call(func=place, args=[ast.Constant(value=str(name))], keywords=[]) if _is(place, "getenv"):
                yield name


def _is(node: ast.expr, word: str) -> bool:
    """Whether this is `os.WORD`, or `WORD` alone."""
    match node:
        case ast.Attribute(value=ast.Name(id="os"), attr=name) | ast.Name(id=name):
            return name == word
    return False


def told_of_secrets(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Say where a module of the bundle holds what looks like a secret; its value is never said.

    >>> told_of_secrets({"churn.py": b"TOKEN = 'hf_" + b"a1B2" * 8 + b"'"})[0].partition(";")[0]
    'churn.py, line 1: TOKEN looks like a Hugging Face token'
    """
    return tuple(
        f"{path}, line {line}: {name or 'a text'} looks like {kind}; the bundle holds it in clear: read it from"
        " the environment, and let env= name a secret of Runpod for it"
        for path, content in sorted(files.items())
        if path.endswith(".py")
        for line, name, kind in _secrets(content)
    )


def _secrets(content: bytes) -> Iterator[tuple[int, str, str]]:
    """Give line, name and kind of each; a module that can't be read is told of elsewhere."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    named = [(value, name) for name, value in _named(tree)]
    seen = {value for value, _ in named}
    bare = [(node, "") for node in ast.walk(tree) if isinstance(node, ast.expr) and node not in seen]
    for node, name in (*named, *bare):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and (kind := secret_kind(text, name)):
            yield node.lineno, name, kind


def _named(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Give what has a name: `name = value`, `object.name = value`, `f(name=value)`, `{"name": value}`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield ast.unparse(target).rpartition(".")[2], node.value
        elif isinstance(node, ast.keyword):
            yield node.arg or "", node.value
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else "", value
