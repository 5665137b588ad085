"""The eight classes of the SDK: thin names over the two models. What differs is written here and nowhere else."""

from __future__ import annotations

from typing import ClassVar

from flash_jupyter.resources.model import LoadBalancerResource, QueueResource


class LiveServerless(QueueResource, init=False):
    """A queue endpoint that runs your functions: on GPUs, or on CPUs with `instanceIds=`."""

    is_live: ClassVar[bool] = True


class CpuLiveServerless(LiveServerless, init=False):
    """A queue endpoint that runs your functions on CPUs."""

    is_cpu_class: ClassVar[bool] = True


class ServerlessEndpoint(QueueResource, init=False):
    """A queue endpoint of an image with its own handler: a call posts its arguments by name."""


class CpuServerlessEndpoint(ServerlessEndpoint, init=False):
    """A queue endpoint of an image with its own handler, on CPUs."""

    is_cpu_class: ClassVar[bool] = True


class LiveLoadBalancer(LoadBalancerResource, init=False):
    """HTTP routes that run your functions, on GPUs, or on CPUs with `instanceIds=`."""

    is_live: ClassVar[bool] = True


class CpuLiveLoadBalancer(LiveLoadBalancer, init=False):
    """HTTP routes that run your functions on CPUs."""

    is_cpu_class: ClassVar[bool] = True


class LoadBalancerSlsResource(LoadBalancerResource, init=False):
    """HTTP routes of an image with its own server."""


class CpuLoadBalancerSlsResource(LoadBalancerSlsResource, init=False):
    """HTTP routes of an image with its own server, on CPUs."""

    is_cpu_class: ClassVar[bool] = True
