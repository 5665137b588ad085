"""What an app's functions and classes are here: called with Python values, they run where they are deployed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from flash_jupyter.build.asking import curl, url_of
from flash_jupyter.build.manifest import Function, Method
from flash_jupyter.decorator.drawing import draw_in_notebook
from flash_jupyter.decorator.output import unwrapped
from flash_jupyter.deploy.answers import read_refusal
from flash_jupyter.deploy.lookup import Live, Whereabouts, nearest
from flash_jupyter.deploy.ongoing import Call, JobCall, Resource, RouteCall
from flash_jupyter.deploy.requests import job_request, plain_request, route_request
from flash_jupyter.deploy.signature import bind, signature_of
from flash_jupyter.errors import ApiError, FlashError, NotFoundError
from flash_jupyter.runtime.request import Arguments, Instance

#: makes a call of its arguments
Begin = Callable[[tuple[Any, ...], dict[str, Any]], Call]


class UnknownFunctionError(NotFoundError, AttributeError):
    """The app serves no function of this name; `hasattr` says so too."""


class DeployedCallable:
    """Something deployed that can be called: it waits and returns the value; `aio` is the same for coroutines."""

    def __init__(self, label: str, described: Function | Method, begin: Begin) -> None:
        self._label, self._begin = label, begin
        self.__name__ = self.__qualname__ = label.rpartition(".")[2]
        self.__doc__ = described.doc
        if (signature := signature_of(described)) is not None:
            self.__signature__ = signature

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run it where it is deployed, and return its value; prints appear meanwhile, an interrupt cancels the job.

        Raises `RemoteExecutionError` for what it raised, which is its own type too, `JobError`s, `ApiError`s, and
        `CostLimitError` before anything is sent. What a route prints, and a function of a handler that is not ours, is
        in the log of its worker only: nothing says there whose it is.
        """
        call = self._begin(args, kwargs)
        with self._telling():
            return call.wait()

    async def aio(self, /, *args: Any, **kwargs: Any) -> Any:
        """Do the same in a coroutine; cancelling the awaiting task cancels the job."""
        call = self._begin(args, kwargs)
        with self._telling():
            return await call.join()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Raise what a call raises as its caller is to see it."""
        try:
            yield
        except ApiError as failure:
            refusal = read_refusal(failure, self._label)
            draw_in_notebook(refusal)
            raise refusal.with_traceback(None) from None
        except FlashError as failure:
            draw_in_notebook(failure)
            raise failure.with_traceback(None) from failure.__cause__  # its text says all, our frames nothing


class DeployedFunction(DeployedCallable):
    """A deployed function or route: `app.score(text="tea")`, `await app.score.aio(text="tea")`."""

    def __init__(self, whereabouts: Whereabouts, function: Function, live: Live) -> None:
        super().__init__(function.name, function, self._start)
        self._whereabouts, self._function, self._live = whereabouts, function, live

    @property
    def url(self) -> str:
        """Where anybody may ask it, with a key; `curl` has the whole line."""
        live = self._there()
        assert live.served is not None
        return url_of(self._function, live.served)

    @property
    def curl(self) -> str:
        """The line for a terminal that asks it with its defaults; the key is `$RUNPOD_API_KEY`."""
        live = self._there()
        assert live.served is not None
        return curl(self._function, live.served)

    def _there(self) -> Live:
        _, live = self._whereabouts.deployment.find(self._function.name)
        if live.endpoint is None:
            raise NotFoundError(
                f"the resource {live.name} has no endpoint", fix="send the build again: flash deploy send ENV"
            )
        return live

    def _start(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        arguments = _arguments(self._label, self._function, args, kwargs)
        to = Resource(self._whereabouts, self._live.name)
        if self._live.resource.is_load_balanced:
            return RouteCall(to, route_request(self._function, arguments), self._label)
        request = job_request(self._function, arguments) if self._live.is_ours else plain_request(arguments)
        return JobCall(to, request, self._label, tuple(arguments))

    def __repr__(self) -> str:
        signature = getattr(self, "__signature__", "(...)")
        return f"<deployed function {self._label}{signature} of {self._whereabouts}>"


class DeployedClass:
    """A deployed class: `basket = app.Basket()` describes an object, and a worker makes it at its first call.

    It lives in the worker that made it: with several workers each has its own, and it ends with its worker.
    """

    def __init__(self, whereabouts: Whereabouts, function: Function, live: Live) -> None:
        self._whereabouts, self._function, self._live = whereabouts, function, live
        self.__name__ = self.__qualname__ = function.name
        self.__doc__ = function.doc
        constructor = next((each for each in (function.methods or ()) if each.name == "__init__"), None)
        if constructor is not None and (signature := signature_of(constructor)) is not None:
            self.__signature__ = signature

    def __call__(self, /, *args: Any, **kwargs: Any) -> DeployedInstance:
        """Describe an object; nothing is sent yet. Raises `TypeError` for arguments that do not fit."""
        if (signature := getattr(self, "__signature__", None)) is not None:
            args, kwargs = (), bind(self.__name__, signature, args, kwargs)
        return DeployedInstance(self._whereabouts, self._function, self._live, (args, kwargs))

    def __repr__(self) -> str:
        return f"<deployed class {self.__name__} of {self._whereabouts}>"


class DeployedInstance:
    """An object of a deployed class; it has the methods of its class, and nothing else."""

    def __init__(self, whereabouts: Whereabouts, function: Function, live: Live, arguments: Arguments) -> None:
        self._whereabouts, self._function, self._live, self._made_of = whereabouts, function, live, arguments
        self._id = f"{function.name}-{secrets.token_hex(4)}"

    def __getattr__(self, name: str) -> DeployedCallable:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._function.class_methods:
            raise UnknownFunctionError(
                f"class {self._function.name} has no method {name}", fix=nearest(name, self._function.class_methods)
            )
        method = next((each for each in (self._function.methods or ()) if each.name == name), Method(name=name))
        label = f"{self._function.name}.{name}"
        return DeployedCallable(label, method, partial(self._start, label, method))

    def __dir__(self) -> list[str]:
        return list(self._function.class_methods)

    def __repr__(self) -> str:
        return f"<{self._id} of {self._whereabouts}>"

    def _start(self, label: str, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        arguments = _arguments(label, method, args, kwargs)
        request = job_request(self._function, arguments, Instance(self._id, method.name, self._made_of))
        return JobCall(Resource(self._whereabouts, self._live.name), request, label, tuple(arguments))


def _arguments(
    label: str, described: Function | Method, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    given = {name: unwrapped(value) for name, value in kwargs.items()}
    return bind(label, signature_of(described), tuple(map(unwrapped, args)), given)
