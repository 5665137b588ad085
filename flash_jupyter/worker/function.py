"""FunctionRequest in, FunctionResponse out: what the published flash images do with a job's input.

Source: reference/flash-wire.md 4.1 to 4.6. Unlike those images a class instance really outlives its request, and code
that asks for it (`__flash_jupyter_keep__ = True`) keeps its namespace.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import contextlib
import importlib.util
import inspect
import io
import json
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from importlib import resources
from types import CodeType
from typing import Any

import cloudpickle

from flash_jupyter.worker.install import FreshWorkerNeeded, InstallError, install
from flash_jupyter.worker.modules import install_modules

#: so much of what a function prints goes into its response, which may not be larger than 20 MB
STDOUT_CHARACTERS = 2_000_000

#: function_code -> its namespace, for code that sets `__flash_jupyter_keep__`
_kept: dict[str, dict[str, Any]] = {}
#: instance_id -> (instance, instance_info)
_instances: dict[str, tuple[Any, dict[str, Any]]] = {}


class RequestError(Exception):
    """The request can't be understood; the text is the response's `error`."""


def execute(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run one FunctionRequest and return its FunctionResponse; only `KeyboardInterrupt` gets through.

    `error` is `str(exception)`, a newline and the traceback, as the published images write it.
    """
    output = io.StringIO()
    try:
        prepare(request)
        if request.get("execution_type", "function") == "class":
            return _execute_class(request, output)
        return _execute_function(request, output)
    except KeyboardInterrupt:
        raise
    except (RequestError, InstallError) as error:
        return _response(False, error=str(error), stdout=output.getvalue())
    except FreshWorkerNeeded as error:
        text = f"this worker has imported another version of {error} already; the next request gets a fresh one"
        return {**_response(False, error=text, stdout=output.getvalue()), "refresh_worker": True}
    except BaseException as error:  # SystemExit too: the user's code ends its job, not the worker
        return _response(False, error=f"{error}\n{traceback.format_exc()}", stdout=output.getvalue())


def _execute_function(request: Mapping[str, Any], output: io.StringIO) -> dict[str, Any]:
    name, code = request.get("function_name"), request.get("function_code")
    if not name or not code:
        raise RequestError("a function request needs function_name and function_code")
    function = _namespace(code).get(name)
    if function is None:
        raise RequestError(f"function '{name}' is not defined by function_code")
    args, kwargs = _arguments(request, "args", "kwargs")
    if hasattr(function, "blocking"):  # our driver: it captures its output itself
        response = _result(function.blocking(*args, **kwargs), request, output)
        return {**response, "refresh_worker": True} if function.ends_worker() else response
    with _captured(output):
        value = _call(function, args, kwargs)
    return _result(value, request, output)


def _execute_class(request: Mapping[str, Any], output: io.StringIO) -> dict[str, Any]:
    name = request.get("class_name")
    if not name:
        raise RequestError("a class request needs class_name")
    method_name = request.get("method_name") or "__call__"
    with _captured(output):
        instance_id, instance, info = _instance(name, request)
        method = getattr(instance, method_name, None)
        if method is None:
            raise RequestError(f"Method '{method_name}' not found in class '{name}'")
        args, kwargs = _arguments(request, "args", "kwargs")
        value = _call(method, args, kwargs)
    info["method_calls"] += 1
    info["last_used"] = _now()
    return {**_result(value, request, output), "instance_id": instance_id, "instance_info": dict(info)}


def _instance(name: str, request: Mapping[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    wanted = request.get("instance_id")
    if wanted and not request.get("create_new_instance", True) and wanted in _instances:
        return (wanted, *_instances[wanted])
    code = request.get("class_code")
    if not code:
        raise RequestError("a class request needs class_code")
    cls = _namespace(code).get(name)
    if cls is None:
        raise RequestError(f"class '{name}' is not defined by class_code")
    args, kwargs = _arguments(request, "constructor_args", "constructor_kwargs")
    instance = cls(*args, **kwargs)
    instance_id = wanted or f"{name}_{id(instance):x}"
    info = {"class_name": name, "created_at": _now(), "method_calls": 0, "last_used": _now()}
    _instances[instance_id] = (instance, info)
    return instance_id, instance, info


@lru_cache(maxsize=64)
def _compiled(code: str) -> CodeType:
    return compile(code, "<function_code>", "exec", dont_inherit=True)


def _namespace(code: str) -> dict[str, Any]:
    """Execute the code in a fresh namespace, or return the kept one of identical code."""
    kept = _kept.get(code)
    if kept is not None:
        return kept
    namespace: dict[str, Any] = {"__name__": "flash_jupyter_function"}
    exec(_compiled(code), namespace)
    if namespace.get("__flash_jupyter_keep__") is True:
        _kept[code] = namespace
    return namespace


def _arguments(request: Mapping[str, Any], args: str, kwargs: str) -> tuple[list[Any], dict[str, Any]]:
    decode = _decoder(request)
    positional, named = request.get(args) or [], request.get(kwargs) or {}
    return [decode(value) for value in positional], {name: decode(value) for name, value in named.items()}


def _decoder(request: Mapping[str, Any]) -> Callable[[Any], Any]:
    if request.get("serialization_format", "cloudpickle") == "json":
        return lambda value: value
    return lambda value: cloudpickle.loads(base64.b64decode(value))


def _call(function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = function(*args, **kwargs)
    return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: Any) -> Any:
    return await value


def _result(value: Any, request: Mapping[str, Any], output: io.StringIO) -> dict[str, Any]:
    if request.get("serialization_format") == "json":
        json.dumps(value)  # raises here, where it becomes the request's error
        return _response(True, json_result=value, stdout=output.getvalue())
    dumps = pickle.dumps if type(value) is bytes else cloudpickle.dumps  # the same for bytes, which our driver returns
    pickled = base64.b64encode(dumps(value, protocol=cloudpickle.DEFAULT_PROTOCOL)).decode()
    return _response(True, result=pickled, stdout=output.getvalue())


def _response(
    success: bool, *, result: str | None = None, json_result: Any = None, error: str | None = None, stdout: str
) -> dict[str, Any]:
    return {
        "success": success,
        "result": result,
        "json_result": json_result,
        "error": error,
        "stdout": stdout,
        "instance_id": None,
        "instance_info": None,
    }


class _Tee(io.TextIOBase):
    """Writes to the container's own stream, and into the response up to a limit: the log has all of it."""

    def __init__(self, copy: io.StringIO, original: Any) -> None:
        self._copy, self._original = copy, original

    def write(self, text: str) -> int:
        room = STDOUT_CHARACTERS - self._copy.tell()
        if room > 0:
            self._copy.write(text if len(text) <= room else f"{text[:room]}\n[the rest is in the worker's log]\n")
        self._original.write(text)
        return len(text)

    def flush(self) -> None:
        self._original.flush()


@contextlib.contextmanager
def _captured(output: io.StringIO) -> Iterator[None]:
    with (
        contextlib.redirect_stdout(_Tee(output, sys.stdout)),
        contextlib.redirect_stderr(_Tee(output, sys.stderr)),
    ):
        yield


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()


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
