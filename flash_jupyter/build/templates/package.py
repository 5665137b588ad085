"""The part of flash_jupyter that a bundle brings: what the modules of a project import, as it is on a worker."""

from __future__ import annotations

from flash_jupyter._version import __version__
from flash_jupyter.capsule.nested import NestedOutput as JobOutput
from flash_jupyter.errors import (
    FlashError,
    FlashRuntimeError,
    GraphQLError,
    GraphQLMutationError,
    GraphQLQueryError,
    InstanceLostError,
    ManifestError,
    ManifestServiceUnavailableError,
    RemoteExecutionError,
    SerializationError,
)
from flash_jupyter.resources.enums import CpuInstanceType, DataCenter, GpuGroup, GpuType
from flash_jupyter.worker.decorated import remote
from flash_jupyter.worker.described import (
    CpuLiveLoadBalancer,
    CpuLiveServerless,
    CpuLoadBalancerSlsResource,
    CpuServerlessEndpoint,
    LiveLoadBalancer,
    LiveServerless,
    LoadBalancerSlsResource,
    NetworkVolume,
    PodTemplate,
    ServerlessEndpoint,
)

__all__ = [
    "CpuInstanceType",
    "CpuLiveLoadBalancer",
    "CpuLiveServerless",
    "CpuLoadBalancerSlsResource",
    "CpuServerlessEndpoint",
    "DataCenter",
    "FlashError",
    "FlashRuntimeError",
    "GpuGroup",
    "GpuType",
    "GraphQLError",
    "GraphQLMutationError",
    "GraphQLQueryError",
    "InstanceLostError",
    "JobOutput",
    "LiveLoadBalancer",
    "LiveServerless",
    "LoadBalancerSlsResource",
    "ManifestError",
    "ManifestServiceUnavailableError",
    "NetworkVolume",
    "PodTemplate",
    "RemoteExecutionError",
    "SerializationError",
    "ServerlessEndpoint",
    "__version__",
    "remote",
]
