"""The control plane against the official OpenAPI document; `openapi-v2-implemented.json` is the part of it that the embedded
Runpod implements, unchanged."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from emulated import RealServer
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="schemathesis before 4.32, which is the last for Python 3.10, does not generate this document's bodies",
)
DOCUMENT = Path(__file__).parents[1] / "contract" / "openapi-v2-implemented.json"


def _document() -> dict[str, Any]:
    """The document says `format: uri` of templates with `{job_id}`, which its own examples are not: that is left out."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    for url in document["components"]["schemas"]["QueueBasedRequestUrls"]["properties"].values():
        del url["format"]
    return document


#: streams do not end; they are tested in test_logs_api.py
SCHEMA = schemathesis.openapi.from_dict(_document()).exclude(path_regex="/logs$")
#: a valid body may still break a rule that the document states in prose, such as an unknown GPU pool: 400 and 404 are right
PROSE = [positive_data_acceptance]
COMMON = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    server = RealServer(tmp_path_factory.mktemp("local"), "--control-rate", "1000000")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def ids(server: RealServer) -> dict[str, str]:
    """One of each resource that exists, by the first part of its path."""
    template = {"name": "one", "image": "python:3.11-slim", "serverless": True}
    volume = {"name": "one", "size": 10, "dataCenter": "EU-RO-1"}
    return {
        "/v2/serverless": server.endpoint(),
        "/v2/templates": server.client.post("/v2/templates", json=template).json()["id"],
        "/v2/catalog/gpus": "NVIDIA L4",
        "/v2/catalog/cpus": "cpu3c",
        "/v2/catalog/datacenters": "EU-RO-1",
        "/v2/network-volumes": server.client.post("/v2/network-volumes", json=volume).json()["id"],
    }


def conforms(case: schemathesis.Case, server: RealServer, ids: dict[str, str], *, known: bool) -> None:
    """Send a case, as it is or for a resource that exists, and check the answer by the document."""
    if known and case.method != "DELETE" and "id" in case.path_parameters:
        case.path_parameters["id"] = next(known_id for path, known_id in ids.items() if case.path.startswith(path))
    headers = {"Authorization": f"Bearer {server.info['api_key']}"}
    case.call_and_validate(base_url=server.info["url"], headers=headers, excluded_checks=PROSE)


@SCHEMA.parametrize()
@settings(COMMON, max_examples=1)
def test_the_control_plane_conforms(case: schemathesis.Case, server: RealServer, ids: dict[str, str]) -> None:
    conforms(case, server, ids, known=True)


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True], ids=["any", "a known one"])
@SCHEMA.parametrize()
@settings(COMMON, max_examples=100)
def test_the_control_plane_conforms_in_many_cases(
    case: schemathesis.Case, server: RealServer, ids: dict[str, str], known: bool
) -> None:
    conforms(case, server, ids, known=known)
