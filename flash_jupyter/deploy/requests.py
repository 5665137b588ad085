"""From a call of a deployed function to what is sent; on the calling thread, nothing is sent here.

Our own handlers take the pickled form (`worker/handler.py`): any value of Python travels, and comes back as it is. A
handler of a released client takes the arguments by name as JSON, and so does a route.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flash_jupyter.build.manifest import Function
from flash_jupyter.runtime.request import Call, Instance, job_body
from flash_jupyter.session.calls import new_run
from flash_jupyter.session.prepare import prepare_payload
from flash_jupyter.transport.routes import request_of


@dataclass(frozen=True)
class JobRequest:
    """What a job sends; `run` marks what it prints, `is_pickled` says in which form its answer comes."""

    content: bytes = field(repr=False)
    is_pickled: bool
    run: str
    timeout_s: int | None = None

    def body(self, *, with_driver: bool = True) -> bytes:  # noqa: ARG002 - what is deployed has no driver
        """Return the body of the request; a deployed handler needs no driver."""
        return self.content


@dataclass(frozen=True)
class RouteRequest:
    """A request to a load balancer."""

    method: str
    path: str
    query: Mapping[str, Any] = field(repr=False)
    content: bytes | None = field(repr=False)


def job_request(function: Function, arguments: Mapping[str, Any], instance: Instance | None = None) -> JobRequest:
    """Call a function of our handler, or a method of an object, which is made where a worker does not have it.

    Raises `SerializationError` and `PayloadTooLargeError`.
    """
    call = Call("", function.name, None, ((), dict(arguments)), instance=instance, run=new_run())
    return JobRequest(job_body(call), is_pickled=True, run=call.run)


def plain_request(arguments: Mapping[str, Any]) -> JobRequest:
    """Call the one function of a handler that is not ours; raises as `prepare_payload` does."""
    payload = prepare_payload(arguments, run=new_run(), timeout_s=None)
    return JobRequest(payload.body(), is_pickled=False, run=payload.run)


def route_request(function: Function, arguments: Mapping[str, Any]) -> RouteRequest:
    """Call a route; raises `SerializationError` for what JSON can't hold."""
    path, query, content = request_of(function.verb, function.http_path or "/", dict(arguments))
    return RouteRequest(function.verb, path, query, content)
