"""Requests to a bundle that is tried: in JSON, in the pickled form of Python callers, to routes; each is recorded."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cloudpickle
import httpx

from flash_jupyter.build.asking import Served, plain_input
from flash_jupyter.build.manifest import Function
from flash_jupyter.build.recorded import Recorder
from flash_jupyter.decorator.output import unwrapped
from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.states import JobState
from flash_jupyter.transport.routes import request_of

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
