"""What a `flash:test` cell or an example calls: under the names of the notebook's functions, those of the bundle.

This runs in the kernel of the scratch copy. A handler cell's name is a function; `@remote` functions and classes are
awaited or called with `.remote` or `.map`, as in the notebook.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import cloudpickle
import httpx

from flash_jupyter.build.asking import Served, plain_input
from flash_jupyter.build.manifest import Function
from flash_jupyter.build.recorded import Recorder
from flash_jupyter.decorator.calling import unwrapped_arguments
from flash_jupyter.decorator.output import JobOutput, unwrapped
from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.states import JobState
from flash_jupyter.transport.routes import arguments_by_name, request_of

TIMEOUT_S = 600.0
_LOOK_S = 0.1
#: of what was raised
SHOWN_CHARACTERS = 300
#: what the handler says of a result that is not JSON (`worker/handler.py`): it is asked for in the pickled form then
NOT_JSON = "which JSON can't hold"


class Asker:
    """Asks previewed resources, a context; `called` collects the names of the functions that it asked for, each with
    why none of its requests was answered, empty where one was.

    `recorder` has all requests, those of Python callers in the form of JSON, which a handler takes too.
    """

    def __init__(self, api_key: str) -> None:
        headers = {"Authorization": f"Bearer {api_key}"}
        self._client = httpx.Client(headers=headers, timeout=TIMEOUT_S, trust_env=False)
        self.called: dict[str, str] = {}
        self.recorder = Recorder()

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def plain(self, function: Function, served: Served, arguments: Mapping[str, Any]) -> Any:
        """Ask as anybody would, with JSON; in the pickled form where the result is none.

        Raises `RemoteExecutionError` for what the function raised.
        """
        sent = plain_input(function, served, arguments)
        try:
            return self._ask(function, sent, lambda: self._job(served, sent))
        except RemoteExecutionError as failure:
            if NOT_JSON not in failure.remote_message:
                raise
            return self.pickled(function, served, (), arguments)

    def pickled(
        self,
        function: Function,
        served: Served,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        method: Method | None = None,
    ) -> Any:
        """Ask as Python callers do, with a FunctionRequest; raises `RemoteExecutionError`."""

        def ask() -> Any:
            answer = self._job(served, _function_request(function, args, kwargs, method, _pack))
            if not isinstance(answer, Mapping) or not answer.get("success"):
                raise _raised(answer)
            return cloudpickle.loads(base64.b64decode(answer["result"]))

        plain = {**_function_request(function, args, kwargs, method, unwrapped), "serialization_format": "json"}
        instance = plain.pop("instance_id", "")  # who asks again makes an object of their own
        return self._ask(function, plain, ask, instance=instance)

    def route(self, function: Function, served: Served, arguments: dict[str, Any]) -> Any:
        """Ask a load balancer's route; raises `RemoteExecutionError` for an answer of 400 and more."""
        path, query, content = request_of(function.verb, function.http_path or "/", arguments)
        sent = {"Content-Type": "application/json"} if content is not None else {}

        def ask() -> Any:
            answer = self._client.request(function.verb, served.url + path, params=query, content=content, headers=sent)
            if answer.status_code >= 400:
                raise RemoteExecutionError(f"HTTP {answer.status_code}", answer.text)
            return answer.json()

        return self._ask(function, arguments, ask)

    def _ask(self, function: Function, sent: Any, ask: Callable[[], Any], *, instance: str = "") -> Any:
        """Ask, and note whether it was answered: who awaits a job that failed is not stopped by that."""
        try:
            answer = self.recorder.ask(function.name, sent, ask, instance=instance)
        except Exception as failure:
            raised = " ".join(str(failure if isinstance(failure, RemoteExecutionError) else repr(failure)).split())
            self.called.setdefault(function.name, f"every request to it raised {raised[:SHOWN_CHARACTERS]}")
            raise
        self.called[function.name] = ""
        return answer

    def _job(self, served: Served, job_input: Mapping[str, Any]) -> Any:
        answer = self._client.post(f"{served.url}/runsync", json={"input": job_input})
        job, deadline = _read(answer), time.monotonic() + TIMEOUT_S
        while not JobState.parse(job["status"]).is_final:
            if time.monotonic() > deadline:
                raise RemoteExecutionError("TimeoutError", f"no answer of {served.name} for {TIMEOUT_S:.0f} s")
            time.sleep(_LOOK_S)
            job = _read(self._client.get(f"{served.url}/status/{job['id']}"))
        if job["status"] != JobState.COMPLETED.value:
            raise _failed(job)
        return job.get("output")


@dataclass(frozen=True)
class Method:
    """A method of an object, which its first call makes of its constructor's arguments."""

    name: str
    instance_id: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


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


def _function_request(
    function: Function,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    method: Method | None,
    pack: Callable[[Any], Any],
) -> dict[str, Any]:
    def named(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: pack(value) for name, value in values.items()}

    kind = "class" if function.is_class else "function"
    call = {"args": list(map(pack, args)), "kwargs": named(kwargs)}
    request = {f"{kind}_name": function.name, "execution_type": kind, **call}
    if method is None:
        return request
    made = {"constructor_args": list(map(pack, method.args)), "constructor_kwargs": named(method.kwargs)}
    place = {"instance_id": method.instance_id, "create_new_instance": False, "method_name": method.name}
    return {**request, **made, **place}


def _pack(value: Any) -> str:
    return base64.b64encode(cloudpickle.dumps(unwrapped(value))).decode()


def _read(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code >= 400:
        raise RemoteExecutionError(f"HTTP {answer.status_code}", answer.text)
    job: dict[str, Any] = answer.json()
    return job


def _failed(job: Mapping[str, Any]) -> RemoteExecutionError:
    """The error of a job that failed: the SDK's JSON, or a text."""
    text = job.get("error") or job["status"]
    try:
        told = json.loads(text)
        name = str(told["error_type"]).removeprefix("<class '").removesuffix("'>")
        return RemoteExecutionError(name.rpartition(".")[2], str(told["error_message"]))
    except (TypeError, ValueError, KeyError):
        return RemoteExecutionError("FAILED", str(text))


def _raised(answer: Any) -> RemoteExecutionError:
    """The error of a FunctionResponse."""
    if not isinstance(answer, Mapping):
        return RemoteExecutionError("TypeError", f"the worker answered {type(answer).__name__}, no FunctionResponse")
    last = (str(answer.get("traceback") or "").strip().splitlines() or [""])[-1]
    return RemoteExecutionError(last.partition(":")[0] or "Exception", str(answer.get("error")))
