"""Run notebook cells on Runpod serverless GPUs; what a cell reads travels with it.

`%load_ext flash_jupyter` adds `%%remote`, `%remote` and `%flash`; `@remote` does the same for functions and classes.
Importing this module must stay quick: everything is imported where it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flash_jupyter._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from flash_jupyter.decorator.client import EndpointJob
    from flash_jupyter.decorator.declare import remote
    from flash_jupyter.decorator.endpoint import Endpoint
    from flash_jupyter.decorator.output import JobOutput
    from flash_jupyter.deploy.client import app
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
    from flash_jupyter.resources.classes import (
        CpuLiveLoadBalancer,
        CpuLiveServerless,
        CpuLoadBalancerSlsResource,
        CpuServerlessEndpoint,
        LiveLoadBalancer,
        LiveServerless,
        LoadBalancerSlsResource,
        ServerlessEndpoint,
    )
    from flash_jupyter.resources.enums import (
        CpuInstanceType,
        CudaVersion,
        DataCenter,
        GpuGroup,
        GpuType,
        ServerlessScalerType,
    )
    from flash_jupyter.resources.template import PodTemplate
    from flash_jupyter.resources.volume import NetworkVolume

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
    "app",
    "load_ipython_extension",
    "remote",
    "unload_ipython_extension",
]

#: module -> the public names that are taken from it when they are first used
_LAZY = {
    "decorator.client": ("EndpointJob",),
    "decorator.declare": ("remote",),
    "decorator.endpoint": ("Endpoint",),
    "decorator.output": ("JobOutput",),
    "deploy.client": ("app",),
    "errors": (
        "FlashError",
        "FlashRuntimeError",
        "GraphQLError",
        "GraphQLMutationError",
        "GraphQLQueryError",
        "InstanceLostError",
        "ManifestError",
        "ManifestServiceUnavailableError",
        "RemoteExecutionError",
        "SerializationError",
    ),
    "resources.classes": (
        "CpuLiveLoadBalancer",
        "CpuLiveServerless",
        "CpuLoadBalancerSlsResource",
        "CpuServerlessEndpoint",
        "LiveLoadBalancer",
        "LiveServerless",
        "LoadBalancerSlsResource",
        "ServerlessEndpoint",
    ),
    "resources.enums": (
        "CpuInstanceType",
        "CudaVersion",
        "DataCenter",
        "GpuGroup",
        "GpuType",
        "ServerlessScalerType",
    ),
    "resources.template": ("PodTemplate",),
    "resources.volume": ("NetworkVolume",),
}


def __getattr__(name: str) -> Any:
    for module, names in _LAZY.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics to a shell: `%load_ext flash_jupyter`."""
    from flash_jupyter.magics.extension import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take away everything that loading added: `%unload_ext flash_jupyter`."""
    from flash_jupyter.magics.extension import unload

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Say to Jupyter's server what it may load; the file in `server/jupyter-config` enables it."""
    from flash_jupyter.server.app import FlashServer

    return [{"module": "flash_jupyter.server.app", "app": FlashServer}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Say to JupyterLab where the built extension is, for `jupyter labextension develop`."""
    return [{"src": "labextension", "dest": "flash-jupyter"}]
