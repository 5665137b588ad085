"""Where the workers of load balancing endpoints listen: free ports of this machine.

On the platform each worker is alone in its container, and all may use port 80. Here they share one machine, so `PORT`
and `PORT_HEALTH` are chosen for them, whatever the endpoint's own variables say.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """`PORT` and `PORT_HEALTH` of a worker."""

    serve: int
    health: int


def free_port() -> int:
    """Return a port that nobody uses now. A worker who finds it taken all the same ends, and the next gets another."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def wants_health_port(env: Mapping[str, str]) -> bool:
    """Whether an endpoint's variables ask for a port of its own for health checks; the default is `PORT`.

    >>> wants_health_port({"PORT": "8000"}), wants_health_port({"PORT": "8000", "PORT_HEALTH": "8001"})
    (False, True)
    """
    return env.get("PORT_HEALTH", env.get("PORT", "80")) != env.get("PORT", "80")


def health_path(env: Mapping[str, str]) -> str:
    """Return the path of an endpoint's health check: `HEALTH_CHECK_PATH` (REST v2 document, `EndpointType`).

    >>> health_path({}), health_path({"HEALTH_CHECK_PATH": "ready"})
    ('/ping', '/ready')
    """
    return "/" + env.get("HEALTH_CHECK_PATH", "/ping").lstrip("/")
