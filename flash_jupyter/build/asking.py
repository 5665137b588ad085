"""How anybody asks a previewed resource: URLs, and the line for a terminal. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from flash_jupyter.build.manifest import Function, Resource

#: stands for an input that has no default
PLACEHOLDER = "..."
#: how a function that is not called with its defaults gets a request
SHOW_IT = "give it an example in its docstring, or call it in a flash:test cell"
_IN_PATH = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True)
class Served:
    """A resource that a preview runs. `url` is its base: `/runsync` of a queue, the routes of a load balancer."""

    name: str
    endpoint_id: str
    url: str
    resource: Resource

    @property
    def functions(self) -> list[Function]:
        """What it serves."""
        return self.resource.functions


def plain_input(function: Function, served: Served, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input of a job that asks for a function with plain values (`worker/handler.py`)."""
    found = dict(arguments)
    if function.is_class and len(function.class_methods) > 1:
        found = {"method": function.class_methods[0], **found}
    return {"function": function.name, **found} if len(served.functions) > 1 else found


def defaults(function: Function) -> dict[str, Any]:
    """Return the inputs that have a default in the schema."""
    properties: Mapping[str, Any] = (function.input_schema or {}).get("properties", {})
    return {name: schema["default"] for name, schema in properties.items() if "default" in schema}


def required(function: Function) -> list[str]:
    """Return the inputs without which it can't be called."""
    return list((function.input_schema or {}).get("required", []))


def no_default_call(function: Function) -> str:
    """Return why a function can't be asked with its defaults, empty where nothing in the manifest speaks against it."""
    if function.is_class:
        return f"a class has no default call; {SHOW_IT}"
    if missing := required(function):
        have = "has" if len(missing) == 1 else "have"
        return f"{', '.join(missing)} {have} no literal default; {SHOW_IT}"
    return ""


def inputs_of(function: Function) -> list[str]:
    """Return the names of its inputs."""
    return list((function.input_schema or {}).get("properties", {}))


def url_of(function: Function, served: Served) -> str:
    """Return where a function is asked."""
    return f"{served.url}{function.http_path}" if served.resource.is_load_balanced else f"{served.url}/runsync"


def curl(function: Function, served: Served) -> str:
    """Return the line that asks for a function; the key is `$RUNPOD_API_KEY`, which `flash local env` prints."""
    arguments: dict[str, Any] = {**dict.fromkeys(required(function), PLACEHOLDER), **defaults(function)}
    if not served.resource.is_load_balanced:
        return _line([], f"{served.url}/runsync", {"input": plain_input(function, served, arguments)})
    path = _IN_PATH.sub(lambda match: _taken(arguments, match[1]), function.http_path or "/")
    if function.verb == "GET":
        query = str(httpx.QueryParams({name: value for name, value in arguments.items() if value is not None}))
        return _line([], f"{served.url}{path}{'?' if query else ''}{query}", None)
    return _line([] if function.verb == "POST" else ["-X", function.verb], f"{served.url}{path}", arguments)


def _taken(arguments: dict[str, Any], name: str) -> str:
    """The part of a path for an argument, which is no other part of the request then."""
    return quote(str(arguments.pop(name, PLACEHOLDER)), safe="")


def _line(words: list[str], url: str, body: Any) -> str:
    line = shlex.join(["curl", *words, "-s", url]) + ' -H "Authorization: Bearer $RUNPOD_API_KEY"'
    if body is None:
        return line
    return f"{line} -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
