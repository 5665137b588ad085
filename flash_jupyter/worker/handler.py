"""The handler of a deployed queue resource: which function a job means, and how its input and answer are written.

Two kinds of callers (D10). Plain ones send JSON, `{"input": {"x": 1}}`: the keys are the function's arguments, and the
answer is what it returns, as JSON; where a resource serves several functions, `function` names one, and `method` a
method of a class. Python ones send a FunctionRequest without code (flash-wire.md 4.1) and get a FunctionResponse. Of
one with an `error` the SDK's worker lets the job fail, and keeps nothing else of it: who says `failure_format` gets a
`failure` instead, with the whole report: of what was raised its type, its arguments and its attributes travel, and not
the exception, for many a class can't be made of its `args`. Who says a `run` gets what is printed (`prints.py`).
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import os
import traceback
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import dropwhile
from pathlib import Path
from typing import Any

import cloudpickle

from flash_jupyter.worker.prints import telling

#: what released clients send where there are no arguments (flash-wire.md 3.4)
EMPTY = "__empty"

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]


class BadInput(ValueError):
    """The job's input does not fit: the text says what would."""


def create_handler(registry: Mapping[str, Any]) -> Handler:
    """Return the handler of the functions and classes in `registry`, name -> object, for the `runpod` SDK's worker.

    Plain callers: an exception of the function is raised, so that the job FAILs. Python callers: it is in the response.
    """
    instances = Instances()

    async def handler(job: Mapping[str, Any]) -> Any:
        given = job.get("input")
        if not isinstance(given, Mapping):
            raise BadInput(f"the input must be an object with the arguments, not {type(given).__name__}")
        if is_function_request(given):
            return await telling(given.get("run"), _answer_python(registry, instances, given))
        return _as_json(await _answer_plain(registry, instances, given))

    return handler


class Instances:
    """Objects that outlive a job, by id; one that several jobs ask for at once is made once."""

    def __init__(self) -> None:
        self._made: dict[str, asyncio.Task[Any]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._made

    def __len__(self) -> int:
        return len(self._made)

    async def get(self, name: str, make: Callable[[], Any], *, anew: bool = False) -> Any:
        """Return the object, made in a thread where it is not there; one that could not be made is tried again."""
        if anew or name not in self._made:
            self._made[name] = asyncio.ensure_future(asyncio.to_thread(make))
        task = self._made[name]
        try:
            return await asyncio.shield(task)
        except Exception:
            if self._made.get(name) is task:
                del self._made[name]
            raise


def is_function_request(given: Mapping[str, Any]) -> bool:
    """Whether an input is a FunctionRequest: released clients always send `execution_type`.

    >>> is_function_request({"function_name": "add", "execution_type": "function", "args": []})
    True
    >>> is_function_request({"function_name": "a plain argument of this name"})
    False
    """
    return given.get("execution_type") in ("function", "class") and ("function_name" in given or "class_name" in given)


def timeout_of(job: Mapping[str, Any]) -> float | None:
    """Return how many seconds the caller of a job waits for it, where it is a Python caller who says so.

    >>> timeout_of({"input": {"execution_type": "function", "function_name": "f", "timeout_s": 3}})
    3.0
    """
    given = job.get("input")
    said = given.get("timeout_s") if isinstance(given, Mapping) and is_function_request(given) else None
    return float(said) if isinstance(said, (int, float)) else None


async def _answer_plain(registry: Mapping[str, Any], instances: Instances, given: Mapping[str, Any]) -> Any:
    arguments = {name: value for name, value in given.items() if name != EMPTY}
    name = next(iter(registry)) if len(registry) == 1 else _take(arguments, "function", registry)
    found = registry.get(name)
    if found is None:
        raise BadInput(f"there is no function {name!r} here; there are {_listed(registry)}")
    if not inspect.isclass(found):
        return await _call(found, (), arguments)
    methods = public_methods(found)
    method = methods[0] if len(methods) == 1 else _take(arguments, "method", methods)
    if method not in methods:
        raise BadInput(f"{name} has no method {method!r}; it has {_listed(methods)}")
    return await _call(getattr(await instances.get(name, found), method), (), arguments)


def public_methods(cls: type) -> list[str]:
    """Return the methods that callers may name, in the order of the class's text.

    >>> class Reader:
    ...     def read(self): ...
    ...     def _scan(self): ...
    >>> public_methods(Reader)
    ['read']
    """
    names = [name for each in reversed(cls.__mro__) for name in vars(each) if not name.startswith("_")]
    return [name for name in dict.fromkeys(names) if callable(getattr(cls, name))]


async def _answer_python(
    registry: Mapping[str, Any], instances: Instances, request: Mapping[str, Any]
) -> dict[str, Any]:
    try:
        decode = _plain if request.get("serialization_format") == "json" else _unpickled
        target, extra = await _target(registry, instances, request, decode)
        args = [decode(value) for value in request.get("args") or ()]
        named = {name: decode(value) for name, value in (request.get("kwargs") or {}).items()}
        value = await _call(target, args, named)
        if decode is _plain:
            return {"success": True, "json_result": _as_json(value), **extra}
        return {"success": True, "result": base64.b64encode(cloudpickle.dumps(value)).decode(), **extra}
    except Exception as error:
        said = {"error": str(error) or type(error).__name__, **describe(error)}
        said = {"failure": said} if request.get("failure_format") == "report" else said
        return {**said, "success": False}


async def _target(
    registry: Mapping[str, Any],
    instances: Instances,
    request: Mapping[str, Any],
    decode: Callable[[Any], Any],
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return what a FunctionRequest means, and what the response says beside the result."""
    is_class = request["execution_type"] == "class"
    name = str(request.get("class_name" if is_class else "function_name"))
    found = registry.get(name)
    if found is None:
        raise BadInput(
            f"there is no {'class' if is_class else 'function'} {name!r} here; there are {_listed(registry)}"
        )
    if not is_class:
        return found, {}
    instance_id = str(request.get("instance_id") or f"{name}_{len(instances)}")
    args = [decode(value) for value in request.get("constructor_args") or ()]
    named = {key: decode(value) for key, value in (request.get("constructor_kwargs") or {}).items()}
    make, anew = partial(found, *args, **named), bool(request.get("create_new_instance", True))
    instance = await instances.get(instance_id, make, anew=anew)
    method = str(request.get("method_name") or "__call__")
    if not hasattr(instance, method):
        raise BadInput(f"Method '{method}' not found in class '{name}'")
    return getattr(instance, method), {"instance_id": instance_id}


async def _call(function: Callable[..., Any], args: Any, named: Mapping[str, Any]) -> Any:
    """Call it with arguments that fit; one that is not async runs in a thread, so that others go on meanwhile."""
    try:
        inspect.signature(function).bind(*args, **named)
    except TypeError as error:
        raise BadInput(f"{getattr(function, '__name__', 'the function')}: {error}") from None
    if inspect.iscoroutinefunction(function):
        return await function(*args, **named)
    value = await _in_thread(function, *args, **named)
    return await value if inspect.isawaitable(value) else value


async def _in_thread(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Run it in a thread, which nobody can stop: a cancelled job goes on here until the platform ends this worker."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **named))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise


def _take(arguments: dict[str, Any], key: str, known: Any) -> str:
    if key not in arguments:
        raise BadInput(f"the input needs {key!r}: one of {_listed(known)}")
    return str(arguments.pop(key))


def _as_json(value: Any) -> Any:
    """Return the value if JSON holds it; raises `BadInput` which says what it is."""
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"the result is a {type(value).__name__}, which JSON can't hold ({error}); "
            "return numbers, texts, lists and dicts, or call it from Python"
        ) from None
    return value


def _plain(value: Any) -> Any:
    return value


def _unpickled(value: str) -> Any:
    try:
        return cloudpickle.loads(base64.b64decode(value))
    except Exception as error:  # unpickling runs the classes' own code
        raise BadInput(f"an argument can't be unpickled here: {type(error).__name__}: {error}") from error


def _listed(names: Any) -> str:
    return ", ".join(names)


#: files of ours, which are nothing to the user
OURS = str(Path(__file__).parents[1])
#: of Python itself: between us and the user's function stand those of its threads
PYTHON = str(Path(os.__file__).parent)
#: of a larger exception only the text travels
LARGEST_BYTES = 1 << 20


def describe(error: BaseException) -> dict[str, Any]:
    """Return `traceback` as text, `report` as `RemoteExecutionError` has it, `exception` as pickled parts."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"traceback": text, "report": _report(error), **_pickled(error)}


def _report(error: BaseException) -> dict[str, Any]:
    """The exception, and in its `chain` what it was raised from, or while handling, the nearest first."""
    chain, seen = list[dict[str, Any]](), [error]
    while (before := _before(seen[-1])) is not None and all(before is not each for each in seen):
        said = _one(before)
        how = "cause" if before is seen[-1].__cause__ else "context"
        chain.append({**said, "text": ": ".join(filter(None, (said["type"], said["message"]))), "how": how})
        seen.append(before)
    return {**_one(error), "chain": chain}


def _before(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _one(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    frames = [
        {"filename": frame.filename, "line": frame.lineno, "name": frame.name, "text": frame.line or ""}
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(OURS)
    ]
    own = list(dropwhile(_is_pythons, frames)) or frames
    return {"type": name, "message": str(error), "said": str(error), "frames": own}


def _is_pythons(frame: dict[str, Any]) -> bool:
    return str(frame["filename"]).startswith(PYTHON) and "site-packages" not in str(frame["filename"])


def _pickled(error: BaseException) -> dict[str, str]:
    kind = getattr(type(error), "remote_type", None) or type(error)  # what came from a third resource is passed on
    for parts in ((kind, error.args, vars(error)), (kind, error.args, {})):
        try:
            content = cloudpickle.dumps(parts)
        except Exception:  # pickling runs the code of what the exception holds
            continue
        if len(content) <= LARGEST_BYTES:
            return {"exception": base64.b64encode(content).decode()}
    return {}
