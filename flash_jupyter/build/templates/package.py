"""The part of flash_jupyter that a bundle brings: what the modules of a project import, as it is on a worker."""

from __future__ import annotations

from flash_jupyter._version import __version__
from flash_jupyter.capsule.kinds import NestedOutput as JobOutput
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
from flash_jupyter.resources.enums import (
    CpuInstanceType,
    CudaVersion,
    DataCenter,
    GpuGroup,
    GpuType,
    ServerlessScalerType,
)
from flash_jupyter.worker.decorated import remote
from flash_jupyter.worker.described import (
    CpuLiveLoadBalancer,
    CpuLiveServerless,
    CpuLoadBalancerSlsResource,
    CpuServerlessEndpoint,
    Endpoint,
    EndpointJob,
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
    "CudaVersion",
    "DataCenter",
    "Endpoint",
    "EndpointJob",
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
    "ServerlessScalerType",
    "__version__",
    "remote",
]
