"""The resource classes on a worker of a deployed bundle, and `Endpoint`: they hold what was said, and check nothing.

The build has checked it already, and the endpoint is there; the real ones would bring pydantic's models to each worker.
What stands below an `Endpoint(...)` is what `remote` makes of it there. A client needs a key, and a worker has none
(D12), so it says so when it is asked.
"""

from __future__ import annotations

import importlib
from typing import Any, NoReturn

from flash_jupyter.errors import FlashError


class Description:
    """What the user said, under the names that the user gave."""

    def __init__(self, **said: Any) -> None:
        self.__dict__.update(said)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"{name} of this {type(self).__name__} was not given, and defaults are not known here")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


class LiveServerless(Description):
    """A queue endpoint that runs functions."""


class CpuLiveServerless(LiveServerless):
    """The same on CPUs."""


class ServerlessEndpoint(Description):
    """A queue endpoint of an image with its own handler."""


class CpuServerlessEndpoint(ServerlessEndpoint):
    """The same on CPUs."""


class LiveLoadBalancer(Description):
    """HTTP routes that run functions."""


class CpuLiveLoadBalancer(LiveLoadBalancer):
    """The same on CPUs."""


class LoadBalancerSlsResource(Description):
    """HTTP routes of an image with its own server."""


class CpuLoadBalancerSlsResource(LoadBalancerSlsResource):
    """The same on CPUs."""


class NetworkVolume(Description):
    """A network volume."""


class PodTemplate(Description):
    """The container of an endpoint."""


PACKAGE = "flash_jupyter"


class Endpoint:
    """A decorator, and routes; its arguments are under their own names."""

    def __init__(self, name: str | None = None, /, **said: Any) -> None:
        self.__dict__.update(said)
        self.name = name if name is not None else said.get("name")
        self._is_client = bool(said.get("id") or said.get("image"))

    def __call__(self, decorated: Any, /) -> Any:
        """Do as `remote` does: the one of this bundle, which may call other resources."""
        return _remote()()(decorated)

    def get(self, path: str, *_args: Any, **_options: Any) -> Any:
        """Make a function a route."""
        if self._is_client:
            self.refuse()
        return _remote()(path=path)

    post = put = delete = patch = get

    async def run(self, *_args: Any, **_options: Any) -> NoReturn:
        """Refuse to ask."""
        self.refuse()

    runsync = cancel = run

    def refuse(self) -> NoReturn:
        """Say why an endpoint can't be asked here."""
        raise FlashError(
            "Endpoint(id=...) and Endpoint(image=...) need a key, which a deployed worker has not",
            fix="ask the endpoint over HTTP, with a restricted key that is stored as a Runpod secret",
        )


class EndpointJob:
    """A job of an endpoint that is asked as it is; there is none here."""


def _remote() -> Any:
    return importlib.import_module(PACKAGE).remote
