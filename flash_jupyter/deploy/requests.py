"""From a call of a deployed function to what is sent; on the calling thread, nothing is sent here.

Our own handlers take the pickled form (`worker/handler.py`): any value of Python travels, and comes back as it is. A
handler of a released client takes the arguments by name as JSON, and so does a route.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cloudpickle

from flash_jupyter import limits
from flash_jupyter.build.manifest import Function
from flash_jupyter.capsule.blame import blame
from flash_jupyter.errors import PayloadTooLargeError, SerializationError
from flash_jupyter.session.payload import prepare_payload
from flash_jupyter.session.prepare import encode
from flash_jupyter.transport.routes import request_of


@dataclass(frozen=True)
class JobRequest:
    """The body of a job; `is_pickled` says in which form its answer comes."""

    body: bytes = field(repr=False)
    is_pickled: bool


@dataclass(frozen=True)
class RouteRequest:
    """A request to a load balancer."""

    method: str
    path: str
    query: Mapping[str, Any] = field(repr=False)
    content: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Instance:
    """An object of a deployed class: its id, and what its constructor gets."""

    id: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def job_request(function: Function, arguments: Mapping[str, Any]) -> JobRequest:
    """Call a function of our handler; raises `SerializationError` and `PayloadTooLargeError`."""
    request = {"function_name": function.name, "execution_type": "function"}
    return _pickled({**request, "kwargs": packed(arguments)}, arguments)


def method_request(function: Function, instance: Instance, method: str, arguments: Mapping[str, Any]) -> JobRequest:
    """Call a method of an object, which is made where a worker does not have it."""
    request = {
        "class_name": function.name,
        "execution_type": "class",
        "instance_id": instance.id,
        "create_new_instance": False,
        "constructor_args": list(packed(dict(enumerate(instance.args))).values()),
        "constructor_kwargs": packed(instance.kwargs),
        "method_name": method,
        "kwargs": packed(arguments),
    }
    return _pickled(request, {**instance.kwargs, **arguments})


def plain_request(arguments: Mapping[str, Any]) -> JobRequest:
    """Call the one function of a handler that is not ours; raises as `prepare_payload` does."""
    return JobRequest(prepare_payload(arguments, run="", timeout_s=None).body(), is_pickled=False)


def route_request(function: Function, arguments: Mapping[str, Any]) -> RouteRequest:
    """Call a route; raises `SerializationError` for what JSON can't hold."""
    method = (function.http_method or "POST").upper()
    path, query, content = request_of(method, function.http_path or "/", dict(arguments))
    return RouteRequest(method, path, query, content)


def _pickled(request: Mapping[str, Any], arguments: Mapping[str, Any]) -> JobRequest:
    body = encode(request, None)
    if len(body) > limits.RUN_PAYLOAD_BYTES:
        raise PayloadTooLargeError(
            {name: len(value) for name, value in packed(arguments).items()},
            size_bytes=len(body),
            limit_bytes=limits.RUN_PAYLOAD_BYTES,
            what="what the call needs",
            fix="pass where it can be loaded from, as a URL or a path on a volume",
        )
    return JobRequest(body, is_pickled=True)


def packed(values: Mapping[Any, Any]) -> dict[Any, str]:
    """Pickle each value for a FunctionRequest; raises `SerializationError` which says what can't be."""
    return {name: _pack(name, value) for name, value in values.items()}


def _pack(name: Any, value: Any) -> str:
    try:
        return base64.b64encode(cloudpickle.dumps(value)).decode()
    except Exception as error:  # an object's own code
        found = blame(f"argument {name}", value, cloudpickle.dumps, error)
        raise SerializationError(
            found.name,
            found.path,
            found.culprit,
            reason=found.reason,
            fix="pass what it is made from",
        ) from None
