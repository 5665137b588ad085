"""Artifacts made by hand, and their way onto an embedded Runpod as the released client goes it (flash-wire.md 7.1)."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from graphql_documents import DOCUMENTS

CPU: dict[str, Any] = {
    "instanceIds": ["cpu3g-2-8"],
    "workersMax": 1,
    "template": {"imageName": "runpod/flash-cpu:latest", "name": "one", "containerDiskInGb": 20},
}
Ask = Callable[..., Any]


def archive(path: Path, files: dict[str, str]) -> Path:
    """Write a gzipped tar of texts, `./` before their names as the released builds have it."""
    with tarfile.open(path, "w:gz") as made:
        for name, text in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(text.encode())
            made.addfile(member, io.BytesIO(text.encode()))
    return path


def asking(client: httpx.Client) -> Ask:
    """Return what sends a GraphQL operation and gives the value of its root field."""

    def ask(operation: str, **variables: Any) -> Any:
        answer = client.post("/graphql", json={"query": DOCUMENTS[operation], "variables": variables})
        body = answer.json()
        assert "errors" not in body, body
        (value,) = body["data"].values()
        return value

    return ask


def upload(client: httpx.Client, app: str, artifact: Path) -> str:
    """Make an app with one environment that runs an artifact; returns the environment's id."""
    ask = asking(client)
    app_id = ask("createFlashApp", input={"name": app})["id"]
    environment = str(ask("createFlashEnvironment", input={"flashAppId": app_id, "name": "production"})["id"])
    put_build(client, app, environment, artifact)
    return environment


def put_build(client: httpx.Client, app: str, environment: str, artifact: Path) -> None:
    """Let an environment of an app run another artifact."""
    ask = asking(client)
    app_id = ask("getFlashAppByName", flashAppName=app)["id"]
    size = artifact.stat().st_size
    place = ask("PrepareArtifactUpload", input={"flashAppId": app_id, "tarballSize": size})
    put = client.put(place["uploadUrl"], content=artifact.read_bytes(), headers={"Content-Type": "application/gzip"})
    assert put.status_code == 200, put.text
    done = {"flashAppId": app_id, "objectKey": place["objectKey"], "manifest": {}}
    build = ask("FinalizeArtifactUpload", input=done)["id"]
    ask("deployBuildToEnvironment", input={"flashEnvironmentId": environment, "flashBuildId": build})


def deploy(client: httpx.Client, environment: str, name: str, *, kind: str = "QB", env: dict[str, str]) -> str:
    """Make an endpoint in an environment, for one resource of its artifact; returns its id."""
    pairs = [{"key": key, "value": value} for key, value in {"FLASH_RESOURCE_NAME": name, **env}.items()]
    template = {**CPU["template"], "env": pairs}
    body = {**CPU, "name": name, "type": kind, "flashEnvironmentId": environment, "template": template}
    scaler = {"scalerType": "REQUEST_COUNT" if kind == "LB" else "QUEUE_DELAY", "scalerValue": 4}
    return str(asking(client)("saveEndpoint", input={**body, **scaler})["id"])
