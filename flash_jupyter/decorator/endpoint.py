"""`Endpoint(...)`, the one name that runpod-flash 1.21 has for everything: a decorator, a load balancer, a client."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from pydantic import PrivateAttr

from flash_jupyter.decorator import client
from flash_jupyter.decorator.client import EndpointJob
from flash_jupyter.decorator.declare import remote
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.unified import EndpointDescription


class Endpoint(EndpointDescription, init=False):
    """An endpoint on Runpod: for a function or class of yours, for routes of yours, or of somebody's image.

        @Endpoint(name="trainer", gpu=GpuGroup.AMPERE_80, workers=(0, 3), dependencies=["torch"])
        async def train(batch): ...             # what `remote` makes of it: await train(batch)

        api = Endpoint(name="shop", cpu="cpu3c-2-4", workers=(1, 3))

        @api.post("/price")                     # get, post, put, delete, patch
        async def price(item: str): ...

        old = Endpoint(id="4m7x2k9q")           # one that exists
        job = await old.run({"prompt": "tea"})  # await job.wait(); job.output, job.error, job.done
        vllm = Endpoint(name="vllm", image="vllm/vllm-openai:latest", gpu="ADA_24")
        models = await vllm.get("/v1/models")   # made at the first request

    A function of an endpoint without `name=` names it.
    """

    #: what stands on it: (method, path) -> name of the route's function; ("", "") -> of a function or class
    _uses: dict[tuple[str, str], str] = PrivateAttr(default_factory=dict)

    def __call__(self, decorated: Any, /) -> Any:
        """Run a function or a class on it; raises `OptionError` for what can't be."""
        if self.is_client:
            said = "id" if self.id else "image"
            raise OptionError(
                f"Endpoint({said}=...) runs other code, and has no place for {_name_of(decorated)}",
                fix="decorate with Endpoint(name=...) without id= and image=",
            )
        if any(self._uses.keys() - {_WHOLE}):
            raise _both(self)
        name = _name_of(decorated)
        self._uses[_WHOLE] = name
        return self._remote(self.name or name)(decorated)

    def get(self, path: str, data: Any = None, **options: Any) -> Any:
        """Make a function a GET route of `path`; a client sends a GET request (`timeout=` in seconds)."""
        return self._route_or_request("GET", path, data, options)

    def post(self, path: str, data: Any = None, **options: Any) -> Any:
        """Make a function a POST route of `path`; a client sends a POST request with `data` as JSON."""
        return self._route_or_request("POST", path, data, options)

    def put(self, path: str, data: Any = None, **options: Any) -> Any:
        """Make a function a PUT route of `path`; a client sends a PUT request with `data` as JSON."""
        return self._route_or_request("PUT", path, data, options)

    def delete(self, path: str, data: Any = None, **options: Any) -> Any:
        """Make a function a DELETE route of `path`; a client sends a DELETE request."""
        return self._route_or_request("DELETE", path, data, options)

    def patch(self, path: str, data: Any = None, **options: Any) -> Any:
        """Make a function a PATCH route of `path`; a client sends a PATCH request with `data` as JSON."""
        return self._route_or_request("PATCH", path, data, options)

    async def run(self, input_data: Any, *, webhook: str | None = None) -> EndpointJob:
        """Put a job into its queue and return at once; the platform posts its end to the URL `webhook`."""
        self._check_client("run")
        order = {"input": input_data, **({} if webhook is None else {"webhook": webhook})}
        return EndpointJob(await client.ask(self, lambda endpoint: endpoint.submit(order)))

    async def runsync(self, input_data: Any, timeout: float = client.TIMEOUT_S) -> EndpointJob:
        """Put a job into its queue and wait at most `timeout` seconds; returns the job, which may still run then."""
        self._check_client("runsync")
        started, order = time.monotonic(), {"input": input_data}
        job = EndpointJob(await client.ask(self, lambda endpoint: endpoint.submit(order, wait_s=timeout)))
        with contextlib.suppress(TimeoutError):
            await job.wait(max(timeout - (time.monotonic() - started), 0.0))
        return job

    async def cancel(self, job_id: str) -> EndpointJob:
        """Stop a job of its queue."""
        self._check_client("cancel")
        return EndpointJob(await client.ask(self, lambda endpoint: endpoint.cancel(job_id)))

    def _route_or_request(self, method: str, path: str, data: Any, options: dict[str, Any]) -> Any:
        if self.is_client:
            return client.request(self, method, path, data, options)
        if data is not None or options:
            raise OptionError(
                f"Endpoint(name=...).{method.lower()}({path!r}, ...) makes a route, and takes the path only",
                fix="write id= or image= for an endpoint that is asked as it is",
            )
        return self._route(method, path)

    def _route(self, method: str, path: str) -> Callable[[Any], Any]:
        if self.name is None:
            raise OptionError("an Endpoint with routes needs name=", fix='write Endpoint(name="shop", ...)')
        if _WHOLE in self._uses:
            raise _both(self)

        def decorate(function: Any) -> Any:
            other = self._uses.get((method, path))
            if other is not None:
                raise OptionError(
                    f"{method} {path} of {self.name} is a route of {other} already", fix="give one another path"
                )
            made = self._remote(self.name, method=method, path=path)(function)
            self._uses[method, path] = _name_of(function)
            return made

        return decorate

    def _remote(self, name: str | None, **route: str) -> Any:
        untyped: Any = remote
        return untyped(
            self.resource(is_load_balanced=bool(route), name=name),
            dependencies=self.dependencies,
            system_dependencies=self.system_dependencies,
            accelerate_downloads=self.accelerate_downloads,
            **route,
        )

    def _check_client(self, verb: str) -> None:
        if not self.is_client:
            raise OptionError(
                f"{verb}() asks an endpoint that is there, and Endpoint(name=...) has functions of yours",
                fix="call the function, or name the endpoint: Endpoint(id=...)",
            )


_WHOLE = ("", "")


def _name_of(decorated: Any) -> str:
    return str(getattr(decorated, "__name__", type(decorated).__name__))


def _both(endpoint: Endpoint) -> OptionError:
    return OptionError(
        f"Endpoint(name={endpoint.name!r}) has routes, or stands above a function: it can't be both",
        fix="make a second Endpoint with another name=",
    )
