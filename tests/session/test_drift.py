"""Our bodies and the embedded Runpod's answers: what was made or changed is found unchanged at the next look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest
from emulated import Api

from flash_jupyter.resources.classes import CpuLiveServerless, LiveServerless, ServerlessEndpoint
from flash_jupyter.resources.drift import patch_body
from flash_jupyter.resources.endpoint import create_body
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.template import PodTemplate
from flash_jupyter.wire.control import Endpoint

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)

CHANGES: list[tuple[str, Resource, Resource, set[str]]] = [
    (
        "a GPU endpoint, all over",
        LiveServerless(name="n", gpus="A40", cudaVersions=["12.8"], env={"A": "1"}, datacenter="US-KS-2"),
        LiveServerless(
            name="n", gpus="ADA_24", scalerType="REQUEST_COUNT", workersMin=5, workersMax=6, env={"B": "1"},
            datacenter=["US-IL-1"], flashboot=False, executionTimeoutMs=60_000,
        ),
        {"gpu", "scaling", "workers", "env", "dataCenterIds", "flashboot", "timeout"},
    ),
    (
        "a smaller CPU, with its smaller disk",
        LiveServerless(name="n", instanceIds=["cpu5c-8-16"], template=PodTemplate(dockerArgs="-v", ports="80/http")),
        CpuLiveServerless(name="n", instanceIds=["cpu3c-2-4"], idleTimeout=5),
        {"cpu", "disk", "workers"},
    ),
    (
        "an image of one's own, back to a queue's delay",
        ServerlessEndpoint(name="n", imageName="me/mine:1", scalerType="REQUEST_COUNT"),
        ServerlessEndpoint(
            name="n", imageName="me/mine:2", scalerType="QUEUE_DELAY", idleTimeout=7,
            template=PodTemplate(containerDiskInGb=99),
        ),
        {"image", "scaling", "workers", "disk"},
    ),
]  # fmt: skip


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with Api(tmp_path) as running:
        yield running


@pytest.mark.parametrize(("first", "then", "changed"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_change_is_sent_once(api: Api, first: Resource, then: Resource, changed: set[str]) -> None:
    spec, wanted = first.spec(owner="ann", python=(3, 11)), then.spec(owner="ann", python=(3, 11))
    made = endpoint_of(api.post("/v2/serverless", json=create_body(spec, now=NOW)))
    assert patch_body(spec, made.model_dump(by_alias=True)) == {}
    patch = patch_body(wanted, made.model_dump(by_alias=True))
    assert set(patch) == changed
    after = endpoint_of(api.request("PATCH", f"/v2/serverless/{made.id}", json=patch))
    assert patch_body(wanted, after.model_dump(by_alias=True)) == {}


def endpoint_of(response: httpx.Response) -> Endpoint:
    assert response.status_code in {200, 201}, response.text
    return Endpoint.model_validate(response.json())
