"""What a manifest wants arrives: every part of a configuration, and the labels of a deployed endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.build.manifest import Manifest, Resource, make_manifest
from flash_jupyter.deploy.fields import save_input
from flash_jupyter.deploy.wanted import Place, check_variables, missing_variables, needs_key, wanted_of
from flash_jupyter.errors import DeployError, ManifestError

PLACE = Place("shop", "production", "env1")
PRINT = "ab" * 32
FULL = {
    "name": "scorer",
    "gpus": ["AMPERE_80", "NVIDIA A40"],
    "gpuCount": 2,
    "workersMin": 1,
    "workersMax": 4,
    "idleTimeout": 90,
    "executionTimeoutMs": 120_000,
    "scalerType": "QUEUE_DELAY",
    "scalerValue": 7,
    "networkVolumeId": "vol1",
    "flashboot": False,
    "datacenter": ["EU-RO-1"],
    "cudaVersions": ["12.8"],
    "env": {"MODE": "x"},
    "template": {
        "containerDiskInGb": 30,
        "dockerArgs": "--fast",
        "ports": "80/http",
        "containerRegistryAuthId": "reg1",
    },
}


def manifest(kind: str = "LiveServerless", **fields: Any) -> Manifest:
    image = {"imageName": "runpod/flash:py3.11-latest"}
    return make_manifest(
        "shop", "3.11", {"scorer": Resource.model_validate({"resource_type": kind, **image, **fields})}, PRINT
    )


def saved(made: Manifest) -> dict[str, Any]:
    wanted = wanted_of(made, PLACE, owner="ann", runtime_secret="key")["scorer"]
    body = save_input("scorer", wanted.fields, wanted.env, "t")
    return {**body, "template": {**body["template"], "env": {e["key"]: e["value"] for e in body["template"]["env"]}}}


def test_the_whole_configuration_of_a_resource_arrives() -> None:
    assert saved(manifest(config=FULL)) == {
        "name": "scorer",
        "type": "QB",
        "gpuIds": "AMPERE_80,AMPERE_48,-NVIDIA RTX A6000",
        "gpuCount": 2,
        "allowedCudaVersions": "12.8",
        "workersMin": 1,
        "workersMax": 4,
        "idleTimeout": 90,
        "executionTimeoutMs": 120_000,
        "scalerType": "QUEUE_DELAY",
        "scalerValue": 7,
        "flashBootType": "OFF",
        "locations": "EU-RO-1",
        "networkVolumeId": "vol1",
        "template": {
            "name": "t",
            "imageName": "runpod/flash:py3.11-latest",
            "containerDiskInGb": 30,
            "dockerArgs": "--fast",
            "ports": "80/http",
            "containerRegistryAuthId": "reg1",
            "env": {
                "MODE": "x",
                "FLASH_APP": "shop",
                "FLASH_ENV": "production",
                "FLASH_ENVIRONMENT_ID": "env1",
                "FLASH_RESOURCE_NAME": "scorer",
                "_FLASH_SOURCE_FINGERPRINT": PRINT,
            },
        },
    }


@pytest.mark.parametrize(
    ("made", "field", "value"),
    [
        pytest.param(manifest("CpuLiveServerless"), "instanceIds", ["cpu3g-2-8"], id="the CPU of a Cpu class"),
        pytest.param(
            manifest(config={"name": "scorer", "instanceIds": ["cpu5c-4-8"]}), "instanceIds", ["cpu5c-4-8"], id="a CPU"
        ),
        pytest.param(
            manifest("LiveLoadBalancer", is_load_balanced=True),
            "scalerType",
            "REQUEST_COUNT",
            id="routes scale on requests",
        ),
        pytest.param(
            manifest("LiveServerless", workersMax=2, gpuIds="AMPERE_80"), "gpuIds", "AMPERE_80", id="another's manifest"
        ),
        pytest.param(
            manifest("CpuServerlessEndpoint", imageName="me/mine:1"),
            "type",
            "QB",
            id="a class with an image of its own",
        ),
        pytest.param(
            manifest("CpuLoadBalancerSlsResource", imageName="me/mine:1", is_load_balanced=True),
            "type",
            "LB",
            id="the last class",
        ),
    ],
)
def test_every_class_is_deployed_as_it_is(made: Manifest, field: str, value: Any) -> None:
    assert saved(made)[field] == value


@pytest.mark.parametrize(
    ("made", "variables"),
    [
        pytest.param(manifest(), {}, id="a queue that calls nobody"),
        pytest.param(
            manifest("LiveLoadBalancer", is_load_balanced=True), {"FLASH_ENDPOINT_TYPE": "lb"}, id="a load balancer"
        ),
        pytest.param(
            manifest(makes_remote_calls=True), {"RUNPOD_API_KEY": "{{ RUNPOD_SECRET_key }}"}, id="one that calls others"
        ),
        pytest.param(
            manifest(
                "CpuLiveLoadBalancer",
                is_load_balanced=True,
                is_mothership=True,
                main_file="main.py",
                app_variable="app",
            ),
            {
                "FLASH_ENDPOINT_TYPE": "lb",
                "FLASH_IS_MOTHERSHIP": "true",
                "FLASH_MAIN_FILE": "main.py",
                "FLASH_APP_VARIABLE": "app",
                "RUNPOD_API_KEY": "{{ RUNPOD_SECRET_key }}",
            },
            id="a coordinator",
        ),
    ],
)
def test_a_worker_finds_what_it_needs_and_a_key_only_by_the_name_of_a_secret(
    made: Manifest, variables: dict[str, str]
) -> None:
    always = {"FLASH_APP", "FLASH_ENV", "FLASH_ENVIRONMENT_ID", "FLASH_RESOURCE_NAME", "_FLASH_SOURCE_FINGERPRINT"}
    env = saved(made)["template"]["env"]
    assert {name: value for name, value in env.items() if name not in always} == variables
    assert needs_key(made) is ("RUNPOD_API_KEY" in variables)


def test_only_the_mothership_has_the_key_that_repairs() -> None:
    entries = {
        "mothership": Resource(resource_type="CpuLiveLoadBalancer", is_mothership=True, makes_remote_calls=True),
        "scorer": Resource(resource_type="CpuLiveServerless", makes_remote_calls=True),
    }
    made = make_manifest("p", "3.11", entries, "0" * 64)
    found = wanted_of(made, PLACE, owner="ann", runtime_secret="calls", repair_secret="mends")
    keys = {name: each.env.get("RUNPOD_API_KEY") for name, each in found.items()}
    assert keys == {"mothership": "{{ RUNPOD_SECRET_mends }}", "scorer": "{{ RUNPOD_SECRET_calls }}"}


def test_a_class_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ManifestError) as raised:
        wanted_of(manifest("Pod"), PLACE, owner="ann", runtime_secret="key")
    assert raised.value.message == "resource scorer is a Pod, which is no class of ours"


def reading(reads: list[str], **config: Any) -> Manifest:
    entry = Resource(resource_type="LiveServerless", environment_variables=reads, config=config)
    return make_manifest("p", "3.11", {"scorer": entry}, "0" * 64)


@pytest.mark.parametrize(
    ("made", "missing"),
    [
        pytest.param(reading(["MODEL"]), {"scorer": ["MODEL"]}, id="set by nobody"),
        pytest.param(reading(["MODEL"], env={"MODEL": "x"}), {}, id="set in env="),
        pytest.param(reading(["MODEL"], template={"env": {"MODEL": "x"}}), {}, id="set in a template"),
        pytest.param(reading(["MODEL"], template="tpl1"), {}, id="a stored template may have it"),
        pytest.param(reading(["HOME", "RUNPOD_POD_ID", "FLASH_ENV", "PORT"]), {}, id="a worker has it by itself"),
    ],
)
def test_a_variable_is_missing_where_neither_user_nor_platform_sets_it(
    made: Manifest, missing: dict[str, list[str]]
) -> None:
    assert missing_variables(made) == missing


def test_missing_variables_are_all_named_with_what_to_write() -> None:
    with pytest.raises(DeployError) as raised:
        check_variables(reading(["MODEL", "TOKEN"]))
    assert str(raised.value) == (
        "environment variables are missing: scorer reads MODEL, TOKEN; nothing was changed\n"
        "  → set them in env= of the resource, for a secret as {{ RUNPOD_SECRET_model }}, and build again"
    )
