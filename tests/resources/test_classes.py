"""The eight classes: which endpoint each of them makes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from official import assert_valid

import flash_jupyter
from flash_jupyter.errors import OptionError
from flash_jupyter.resources import classes
from flash_jupyter.resources.endpoint import create_body
from flash_jupyter.resources.enums import CpuInstanceType
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.template import PodTemplate
from flash_jupyter.resources.volume import NetworkVolume

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone.utc)
PY = (3, 11)

# class, type, live, image of a live one with GPU hardware or its default CPU
KINDS: list[tuple[type[Resource], str, bool, str]] = [
    (classes.LiveServerless, "QUEUE", True, "runpod/flash:py3.11-latest"),
    (classes.CpuLiveServerless, "QUEUE", True, "runpod/flash-cpu:py3.11-latest"),
    (classes.ServerlessEndpoint, "QUEUE", False, "me/mine:1"),
    (classes.CpuServerlessEndpoint, "QUEUE", False, "me/mine:1"),
    (classes.LiveLoadBalancer, "LOAD_BALANCER", True, "runpod/flash-lb:py3.11-latest"),
    (classes.CpuLiveLoadBalancer, "LOAD_BALANCER", True, "runpod/flash-lb-cpu:py3.11-latest"),
    (classes.LoadBalancerSlsResource, "LOAD_BALANCER", False, "me/mine:1"),
    (classes.CpuLoadBalancerSlsResource, "LOAD_BALANCER", False, "me/mine:1"),
]


def made(kind: type[Resource], **values: Any) -> Resource:
    return kind(name="n", **({} if kind.is_live else {"imageName": "me/mine:1"}), **values)


@pytest.mark.parametrize(("kind", "type_", "live", "image"), KINDS, ids=[k[0].__name__ for k in KINDS])
def test_a_class_makes_its_kind_of_endpoint(kind: type[Resource], type_: str, live: bool, image: str) -> None:
    resource = made(kind)
    spec = resource.spec(owner="ann", python=PY)
    assert (spec.name, spec.type, spec.image) == ("n", type_, image)
    assert (resource.is_live, resource.is_load_balanced) == (live, type_ == "LOAD_BALANCER")
    assert (spec.cpus, spec.gpus) == ((("cpu3g-2-8",), ()) if kind.is_cpu_class else ((), ("any",)))
    assert resource.label == f"{kind.__name__} n"


@pytest.mark.parametrize("kind", [k[0] for k in KINDS], ids=lambda kind: kind.__name__)
def test_all_are_public(kind: type[Resource]) -> None:
    assert getattr(flash_jupyter, kind.__name__) is kind


ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("nothing more", {}),
    ("workers", {"workersMin": 1, "workersMax": 2}),
    ("a count of requests", {"scalerType": "REQUEST_COUNT", "scalerValue": 2}),
    ("a time limit", {"executionTimeoutMs": 60_000}),
    ("variables", {"env": {"A": "1"}}),
    ("a volume", {"networkVolumeId": "agv6w2qcg7"}),
    ("a place", {"datacenter": "EU-RO-1"}),
    ("locations", {"locations": "EU-RO-1"}),
    ("no flashboot", {"flashboot": False}),
    ("a stored template", {"template": "30zmvf89kd"}),
    ("a container", {"template": PodTemplate(containerDiskInGb=10, dockerArgs="-v", ports="80/http", env={"B": "2"})}),
    ("a private image", {"template": PodTemplate(containerRegistryAuthId="reg1")}),
]


@pytest.mark.parametrize("kind", [k[0] for k in KINDS], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("values", [a[1] for a in ARGUMENTS], ids=[a[0] for a in ARGUMENTS])
def test_bodies_are_what_the_official_document_takes(kind: type[Resource], values: dict[str, Any]) -> None:
    body = create_body(made(kind, **values).spec(owner="ann", python=PY), now=NOW)
    assert_valid("CreateEndpointRequest", body)
    # prose of the document, which its schema can't say: one of the two, and no idle time beside a count of requests
    assert ("gpu" in body) != ("cpu" in body)
    counted_queue = body["type"] == "QUEUE" and body["scaling"]["type"] == "REQUEST_COUNT"
    assert ("idleTimeout" in body["workers"]) != counted_queue


def test_a_whole_body() -> None:
    resource = classes.LiveServerless(
        name="trainer",
        gpus=["NVIDIA A40"],
        gpuCount=2,
        workersMin=1,
        workersMax=5,
        idleTimeout=300,
        executionTimeoutMs=60_000,
        scalerValue=7,
        networkVolumeId="agv6w2qcg7",
        env={"A": "1", "B": "1"},
        template=PodTemplate(containerDiskInGb=30, env={"B": "2", "C": "3"}),
        flashboot=False,
        datacenter=["US-KS-2"],
        cudaVersions=["12.8"],
        python_version="3.11",
    )
    assert create_body(resource.spec(owner="ann", python=PY), now=NOW) == {
        "name": "trainer",
        "type": "QUEUE",
        "image": "runpod/flash:py3.11-latest",
        "disk": 30,
        "env": {
            "A": "1",
            "B": "1",
            "C": "3",
            "FLASH_JUPYTER_OWNER": "ann",
            "FLASH_JUPYTER_CREATED": "2026-11-22T10:00:00Z",
            "FLASH_JUPYTER_EXPIRES": "2026-11-23T10:00:00Z",
        },
        "gpu": {
            "pools": ["AMPERE_48"],
            "excludedTypes": ["NVIDIA RTX A6000"],
            "count": 2,
            "allowedCudaVersions": ["12.8"],
        },
        "workers": {"min": 1, "max": 5, "idleTimeout": 300},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 7},
        "timeout": 60_000,
        "flashboot": "OFF",
        "dataCenterIds": ["US-KS-2"],
        "networkVolumes": ["agv6w2qcg7"],
    }


def test_two_ways_to_a_cpu_endpoint() -> None:
    chosen = [CpuInstanceType.CPU5C_4_8]
    one = classes.CpuLiveServerless(name="n", instanceIds=chosen).spec(owner="ann", python=PY)
    other = classes.LiveServerless(name="n", instanceIds=chosen).spec(owner="ann", python=PY)
    assert one == other
    assert one.image == "runpod/flash-cpu:py3.11-latest"


def test_a_stored_template_brings_its_image_and_disk() -> None:
    spec = classes.ServerlessEndpoint(name="n", template="30zmvf89kd").spec(owner="ann", python=PY)
    body = create_body(spec, now=NOW)
    assert body["templateId"] == "30zmvf89kd"
    assert not {"image", "disk"} & set(body)
    assert_valid("CreateEndpointRequest", body)


def test_the_image_of_a_template() -> None:
    resource = classes.ServerlessEndpoint(name="n", template=PodTemplate(imageName="me/mine:2"))
    assert resource.spec(owner="ann", python=PY).image == "me/mine:2"


def test_a_live_class_without_a_name_shares_the_endpoint_of_cells() -> None:
    assert classes.LiveServerless().spec(owner="ann", python=PY).name == "flash-any-py311-ann"
    assert classes.LiveServerless(gpus="ADA_24", gpuCount=2, networkVolume=NetworkVolume(name="m")).spec(
        owner="ann", python=PY
    ).name == ("flash-ada-24-x2-py311-m-ann")


def test_functions_can_not_travel_to_another_python_but_an_image_with_its_own_code_may_have_any() -> None:
    with pytest.raises(OptionError) as caught:
        classes.LiveServerless(name="n", python_version="3.12").spec(owner="ann", python=PY)
    assert str(caught.value) == (
        "python_version=3.12: functions travel as code of Python 3.11, which 3.12 can't run\n"
        "  → use Python 3.12 here, or leave python_version= away"
    )
    assert made(classes.ServerlessEndpoint, python_version="3.12").spec(owner="ann", python=PY).python is None
