"""`flash_manifest.json`: what a bundle holds, for the workers that serve it and for who deploys it (flash-wire.md 6.2).

The old one lost most of a resource's configuration on its way to the platform (flash-wire.md 12, 14). Here a resource
carries all of it, under `config`, beside the fields that published workers read.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flash_jupyter.errors import ManifestError

FILE_NAME = "flash_manifest.json"
#: the JSON schema, for programs that are not ours
SCHEMA = Path(__file__).with_name("flash_manifest.schema.json")
#: routes that every load balancer answers itself, or never must
RESERVED_PATHS = ("/execute", "/ping")


class _Part(BaseModel):
    """Unknown fields are kept: other versions may have written them."""

    model_config = ConfigDict(extra="allow")


class Method(_Part):
    """A method of a class, or its constructor, `__init__`; `parameters` are in their order."""

    name: str
    doc: str | None = None
    parameters: list[str] | None = None
    input_schema: dict[str, Any] | None = None


class Function(_Part):
    """A function or class that a resource serves; `module` is where the bundle has it.

    `parameters` are in their order, which a table of JSON has not. `methods` describe those of `class_methods`.
    """

    name: str
    module: str
    is_async: bool = False
    is_class: bool = False
    class_methods: list[str] = []
    http_method: str | None = None
    http_path: str | None = None
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    doc: str | None = None
    parameters: list[str] | None = None
    methods: list[Method] | None = None

    @property
    def verb(self) -> str:
        """The method of HTTP that its route has."""
        return (self.http_method or "POST").upper()


class Resource(_Part):
    """An endpoint to be: its class, its functions, and everything that was asked for, under `config`."""

    resource_type: str
    functions: list[Function] = []
    is_load_balanced: bool = False
    handler_file: str | None = None
    imageName: str | None = None  # noqa: N815 - the field's published name
    target_python_version: str | None = None
    #: variables that the functions read without a default (`build/entries.py`)
    environment_variables: list[str] | None = None
    #: whether it calls what other resources serve, and these resources
    makes_remote_calls: bool | None = None
    calls: list[str] | None = None
    #: whether it tells of all others, and the app that it serves where the project has one (`build/mothership.py`)
    is_mothership: bool | None = None
    main_file: str | None = None
    app_variable: str | None = None
    config: dict[str, Any] = {}

    @property
    def calls_others(self) -> bool:
        """Whether its workers ask other resources, for which they need a key."""
        return bool(self.makes_remote_calls or self.is_mothership)


class Manifest(_Part):
    """A bundle's table of contents. It has no time of its own: the same sources make the same bytes."""

    version: Literal["1.0"] = "1.0"
    python_version: str
    project_name: str
    resources: dict[str, Resource] = {}
    function_registry: dict[str, str] = {}
    routes: dict[str, dict[str, str]] = {}
    source_fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$")
    #: of the sources alone (`build/existing.py`); the one above is of the whole bundle
    sources_fingerprint: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Manifest:
        """Two functions of one name could not be told apart by who calls them."""
        names = Counter(function.name for resource in self.resources.values() for function in resource.functions)
        twice = sorted(name for name, count in names.items() if count > 1)
        if twice:
            raise ValueError(f"two functions are called {twice[0]}")
        for name, place in self.function_registry.items():
            if place not in self.resources:
                raise ValueError(f"function {name} belongs to the resource {place}, which is not there")
        return self

    def text(self) -> str:
        """Return the file's text: fields without a value left out, keys of tables sorted."""
        data = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def make_manifest(
    project: str, python: str, resources: dict[str, Resource], fingerprint: str, *, sources: str | None = None
) -> Manifest:
    """Return the manifest of these resources.

    Raises `ManifestError` for two functions of one name, two of one route, and a route that is reserved.
    """
    registry = {function.name: name for name, resource in resources.items() for function in resource.functions}
    try:
        return Manifest(
            project_name=project,
            python_version=python,
            resources=resources,
            function_registry=registry,
            routes={name: routes for name, resource in resources.items() if (routes := _routes(name, resource))},
            source_fingerprint=fingerprint,
            sources_fingerprint=sources,
        )
    except ValidationError as error:
        raise ManifestError(_first(error), fix="give one of them another name") from None


def _routes(name: str, resource: Resource) -> dict[str, str]:
    found: dict[str, str] = {}
    for function in resource.functions:
        if function.http_path is None:
            continue
        route = f"{function.verb} {function.http_path}"
        if function.http_path in RESERVED_PATHS:
            raise ManifestError(
                f"{function.name} of {name} has the path {function.http_path}, which is reserved",
                fix="give it another path=",
            )
        if route in found:
            raise ManifestError(
                f"{found[route]} and {function.name} of {name} have the same route, {route}",
                fix="give one of them another path=",
            )
        found[route] = function.name
    return found


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; raises `ManifestError` for what is none."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ManifestError(f"there is no {path}", fix="build it: flash build") from None
    except ValidationError as error:
        raise ManifestError(f"{path} is not a manifest: {_first(error)}", fix="build it again: flash build") from None


def schema_text() -> str:
    """Return what stands in `SCHEMA`, from the model."""
    return json.dumps(Manifest.model_json_schema(), sort_keys=True, ensure_ascii=False) + "\n"


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    found = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in found["loc"])
    what = found["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where else what


if __name__ == "__main__":
    print(schema_text(), end="")  # noqa: T201 - this is a program
