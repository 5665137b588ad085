"""Asking an in-process embedded Runpod over GraphQL, as the released clients do."""

from __future__ import annotations

from typing import Any

from emulated import Api
from graphql_documents import DOCUMENTS

GPU: dict[str, Any] = {
    "executionTimeoutMs": 0,
    "gpuCount": 1,
    "idleTimeout": 60,
    "minCudaVersion": "12.8",
    "name": "live-w1",
    "scalerType": "QUEUE_DELAY",
    "scalerValue": 4,
    "type": "QB",
    "workersMax": 1,
    "workersMin": 0,
    "workersPFBTarget": 0,
    "allowedCudaVersions": "",
    "gpuIds": "ADA_24",
    "template": {"imageName": "runpod/flash:latest", "name": "one", "containerDiskInGb": 64, "env": []},
    "flashBootType": "FLASHBOOT",
}
CPU: dict[str, Any] = {
    "name": "cpu-w",
    "instanceIds": ["cpu3g-2-8"],
    "template": {"imageName": "runpod/flash-cpu:latest", "name": "one", "containerDiskInGb": 20},
}


def answer(api: Api, operation: str, **variables: Any) -> dict[str, Any]:
    """Send an operation; returns the whole body of an answer with status 200."""
    response = api.post("/graphql", json={"query": DOCUMENTS[operation], "variables": variables})
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    body: dict[str, Any] = response.json()
    return body


def ask(api: Api, operation: str, **variables: Any) -> Any:
    """Send an operation; returns what its root field says, when there is no error."""
    body = answer(api, operation, **variables)
    assert set(body) == {"data"}, body
    (value,) = body["data"].values()
    return value


def error(api: Api, operation: str, **variables: Any) -> str:
    """Send an operation that is refused; returns the message. The field's key is there, and null."""
    body = answer(api, operation, **variables)
    assert list(body["data"].values()) == [None]
    (message,) = [error["message"] for error in body["errors"]]
    return str(message)


def save(api: Api, **changes: Any) -> dict[str, Any]:
    """Save an endpoint; returns the answer's whole selection."""
    saved: dict[str, Any] = ask(api, "saveEndpoint", input=changes)
    return saved
