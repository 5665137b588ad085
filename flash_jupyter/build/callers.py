"""What a `flash:test` cell or an example calls: under the names of the notebook's functions, those of the bundle.

This runs in the kernel of the scratch copy. A handler cell's name is a function; `@remote` functions and classes are
awaited or called with `.remote` or `.map`, as in the notebook.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from types import SimpleNamespace
from typing import Any

from flash_jupyter.build.asker import Asker, Method
from flash_jupyter.build.asking import Served
from flash_jupyter.build.manifest import Function
from flash_jupyter.decorator.calling import unwrapped_arguments
from flash_jupyter.decorator.output import JobOutput
from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.transport.routes import arguments_by_name


class HandlerCaller:
    """A handler cell as a function; its inputs are given by name."""

    def __init__(self, asker: Asker, function: Function, served: Served) -> None:
        self._ask = partial(_ask_handler, asker, function, served)
        self._is_async = function.is_async

    def __call__(self, **inputs: Any) -> Any:
        """Ask the bundle; what awaits in the notebook is awaited here."""
        return asyncio.to_thread(self._ask, inputs) if self._is_async else self._ask(inputs)


class RemoteCaller:
    """A remote function, a route, or a method: awaited, or called with `.remote` or `.map`.

    What else there is of it, `.local` for one, is that of the notebook's own.
    """

    def __init__(self, ask: Callable[..., Any], original: Any = None) -> None:
        self._ask, self._original = ask, original

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Ask the bundle."""
        return await asyncio.to_thread(self._ask, *args, **kwargs)

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Ask the bundle, and wait."""
        return self._ask(*args, **kwargs)

    def map(self, *iterables: Iterable[Any], **_concurrency: Any) -> list[Any]:
        """Ask the bundle for every element, one after the other."""
        return [self._ask(*each) for each in zip(*iterables, strict=False)]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._original, name)


class ClassCaller:
    """A remote class: its instances live in the worker of the bundle."""

    def __init__(self, asker: Asker, function: Function, served: Served, original: Any) -> None:
        self._asker, self._function, self._served, self._original = asker, function, served, original

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._original, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return an instance, which is made by its first call."""
        instance_id = uuid.uuid4().hex

        def ask(method: Method, *args: Any, **kwargs: Any) -> JobOutput[Any]:
            given = unwrapped_arguments((args, kwargs))
            return _outcome(lambda: self._asker.pickled(self._function, self._served, *given, method))

        made = unwrapped_arguments((args, kwargs))
        methods = {name: Method(name, instance_id, *made) for name in self._function.class_methods}
        return SimpleNamespace(**{name: RemoteCaller(partial(ask, method)) for name, method in methods.items()})


def caller_of(function: Function, served: Served, asker: Asker, original: Any) -> Any:
    """Return what stands for a function in a test cell or an example.

    `original` is the notebook's or the project's; None for a handler cell, and where its module can't be imported here.
    """
    if function.output_schema is not None and not function.is_class:
        return HandlerCaller(asker, function, served)
    if function.is_class:
        return ClassCaller(asker, function, served, original)

    def ask_route(*args: Any, **kwargs: Any) -> Any:
        given = unwrapped_arguments((args, kwargs))
        if original is not None:
            return asker.route(function, served, arguments_by_name(original, given))
        return asker.route(
            function, served, {**dict(zip(function.parameters or (), given[0], strict=False)), **given[1]}
        )

    def ask(*args: Any, **kwargs: Any) -> JobOutput[Any]:
        given = unwrapped_arguments((args, kwargs))
        return _outcome(lambda: asker.pickled(function, served, *given))

    return RemoteCaller(ask_route if served.resource.is_load_balanced else ask, original)


def _ask_handler(asker: Asker, function: Function, served: Served, inputs: dict[str, Any]) -> Any:
    """Values that JSON holds go as JSON, as a caller over HTTP would send them."""
    if served.resource.is_load_balanced:
        return asker.route(function, served, inputs)
    try:
        json.dumps(inputs)
    except (TypeError, ValueError):
        return asker.pickled(function, served, (), inputs)
    return asker.plain(function, served, inputs)


def _outcome(ask: Callable[[], Any]) -> JobOutput[Any]:
    try:
        return JobOutput("preview", "COMPLETED", output=ask())
    except RemoteExecutionError as failure:
        return JobOutput("preview", "FAILED", error=failure.message, failure=failure)
