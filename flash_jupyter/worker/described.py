"""The resource classes on a worker of a deployed bundle: they hold what was said, and check nothing.

The build has checked it already, and the endpoint is there; the real ones would bring pydantic's models to each worker.
"""

from __future__ import annotations

from typing import Any


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
