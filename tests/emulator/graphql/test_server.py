"""A real server process: the artifact in a worker's hands, uploads that break off, and what survives `kill -9`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from asking import CPU
from emulated import RealServer, wait_for
from graphql_documents import DOCUMENTS

pytestmark = pytest.mark.journey

#: writes what it finds of the artifact to its log, and stays
LOOKS = (
    "import os, pathlib, sys, time\n"
    "home = pathlib.Path.home() / '.runpod' / 'artifact.tar.gz'\n"
    "told = os.environ.get('FLASH_BUILD_ARTIFACT_PATH')\n"
    "print('artifact', home.read_bytes() if home.is_file() else None, told == str(home), flush=True)\n"
    "time.sleep(60)\n"
)


def ask(server: RealServer, operation: str, **variables: Any) -> Any:
    answer = server.client.post("/graphql", json={"query": DOCUMENTS[operation], "variables": variables}).json()
    assert "errors" not in answer, answer
    (value,) = answer["data"].values()
    return value


def deployed(server: RealServer, app: str, environment: str, content: bytes) -> str:
    """Upload an artifact and make it the environment's; returns where it is downloaded from."""
    prepared = ask(server, "PrepareArtifactUpload", input={"flashAppId": app, "tarballSize": len(content)})
    assert httpx.put(prepared["uploadUrl"], content=content).status_code == 200
    sent = {"flashAppId": app, "objectKey": prepared["objectKey"], "manifest": {"resources": {}}}
    build = ask(server, "FinalizeArtifactUpload", input=sent)["id"]
    sent = {"flashEnvironmentId": environment, "flashBuildId": build}
    return str(ask(server, "deployBuildToEnvironment", input=sent)["activeArtifact"]["downloadUrl"])


@pytest.fixture
def app(server: RealServer) -> str:
    return str(ask(server, "createFlashApp", input={"name": "shop"})["id"])


@pytest.fixture
def environment(server: RealServer, app: str) -> str:
    return str(ask(server, "createFlashEnvironment", input={"flashAppId": app, "name": "production"})["id"])


def said(server: RealServer) -> list[str]:
    """What the workers have printed, in the order of their start."""
    logs = sorted((server.folder / "logs").glob("*.log"), key=lambda path: path.stat().st_ctime)
    return [text for text in (path.read_text().strip() for path in logs) if text]


def looking(environment: str | None) -> dict[str, Any]:
    template = {**CPU["template"], "dockerArgs": f'python -c "{LOOKS}"'}
    inside = {"flashEnvironmentId": environment} if environment else {}
    return {**CPU, **inside, "template": template, "workersMin": 1, "workersMax": 1}


def test_a_worker_of_an_environment_finds_the_artifact(server: RealServer, app: str, environment: str) -> None:
    deployed(server, app, environment, b"first")
    endpoint = ask(server, "saveEndpoint", input=looking(environment))
    assert wait_for(lambda: said(server)) == ["artifact b'first' True"]
    deployed(server, app, environment, b"second")
    sent = {"id": endpoint["id"], "template": {"env": [{"key": "_FLASH_SOURCE_FINGERPRINT", "value": "2"}]}}
    ask(server, "saveEndpoint", input=sent)
    wait_for(lambda: "artifact b'second' True" in said(server))


def test_a_worker_of_no_environment_finds_none(server: RealServer) -> None:
    ask(server, "saveEndpoint", input=looking(None))
    assert wait_for(lambda: said(server)) == ["artifact None False"]


def test_an_upload_that_breaks_off_leaves_nothing(server: RealServer, app: str) -> None:
    prepared = ask(server, "PrepareArtifactUpload", input={"flashAppId": app, "tarballSize": 1 << 20})
    url, folder = urlsplit(prepared["uploadUrl"]), server.folder / "artifacts"
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {1 << 20}\r\n\r\n"
    with socket.create_connection((url.hostname or "", url.port or 0)) as connection:
        connection.sendall(head.encode() + bytes(100_000))
        wait_for(lambda: folder.is_dir() and any(folder.iterdir()))
    wait_for(lambda: not any(folder.iterdir()))
    assert httpx.put(prepared["uploadUrl"], content=bytes(1 << 20)).status_code == 200


def test_everything_survives_kill_9(serve: Callable[..., RealServer]) -> None:
    server = serve()
    app = ask(server, "createFlashApp", input={"name": "shop"})["id"]
    environment = ask(server, "createFlashEnvironment", input={"flashAppId": app, "name": "production"})["id"]
    url = deployed(server, app, environment, b"artifact")
    endpoint = ask(server, "saveEndpoint", input={**CPU, "flashEnvironmentId": environment})
    login = ask(server, "createFlashAuthRequest")
    before = [
        ask(server, "getFlashApps"),
        ask(server, "getFlashEnvironment", flashEnvironmentId=environment),
        ask(server, "getTemplate", id=endpoint["templateId"]),
    ]
    server.kill()
    server.start()
    assert httpx.get(url).content == b"artifact"
    assert before == [
        ask(server, "getFlashApps"),
        ask(server, "getFlashEnvironment", flashEnvironmentId=environment),
        ask(server, "getTemplate", id=endpoint["templateId"]),
    ]
    assert ask(server, "saveEndpoint", input={"id": endpoint["id"]}) == endpoint
    assert ask(server, "flashAuthRequestStatus", flashAuthRequestId=login["id"]) == {**login, "apiKey": None}
