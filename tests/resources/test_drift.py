"""What is sent when an endpoint exists: only what the user said, and only where it differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from contract import example
from official import assert_valid

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.classes import (
    CpuLiveServerless,
    LiveLoadBalancer,
    LiveServerless,
    LoadBalancerSlsResource,
    ServerlessEndpoint,
)
from flash_jupyter.resources.drift import check_change, patch_body
from flash_jupyter.resources.endpoint import EndpointSpec, create_body, endpoint_spec
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.options import make_options
from flash_jupyter.resources.template import PodTemplate

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone.utc)
PY = (3, 11)

Values = dict[str, Any]


def cell(**values: Any) -> EndpointSpec:
    return endpoint_spec(make_options(**values), owner="ann", python=PY)


def live(kind: type[Resource] = LiveServerless, **values: Any) -> EndpointSpec:
    return kind(**{"name": "n", **values}).spec(owner="ann", python=PY)


def custom(kind: type[Resource] = ServerlessEndpoint, **values: Any) -> EndpointSpec:
    return live(kind, **{"imageName": "me/mine:1", **values})


def made(spec: EndpointSpec, **more: Any) -> Values:
    """What the platform answers for an endpoint that was made from a spec."""
    return {**create_body(spec, now=NOW), **more}


CELLS: list[tuple[str, Values, Values, Values]] = [
    ("nothing said changes nothing", {"gpu": ("ADA_24",), "workers": (0, 9)}, {"name": "n"}, {}),
    ("a name alone finds a CPU endpoint too", {"cpu": ("cpu3c-2-4",)}, {"name": "n"}, {}),
    ("the same changes nothing", {"gpu": ("ADA_24",)}, {"gpu": ("ADA_24",)}, {}),
    ("other pools", {"gpu": ("ADA_24",)}, {"gpu": ("AMPERE_80",)}, {"gpu": {"pools": ["AMPERE_80"]}}),
    ("more workers", {}, {"workers": (0, 5)}, {"workers": {"min": 0, "max": 5, "idleTimeout": 60}}),
    ("only the idle time", {"workers": (1, 2)}, {"idle": 9}, {"workers": {"min": 1, "max": 2, "idleTimeout": 9}}),
    ("another CPU", {"cpu": ("cpu3c-2-4",)}, {"cpu": ("cpu3c-4-8",)}, {"cpu": [{"id": "cpu3c", "vcpuCount": 4}]}),
    ("another image", {"name": "n"}, {"name": "n", "image": "me/mine:2"}, {"image": "me/mine:2"}),
    ("another place", {"name": "n"}, {"name": "n", "datacenter": "US-KS-2"}, {"dataCenterIds": ["US-KS-2"]}),
]


@pytest.mark.parametrize(("has", "wants", "patch"), [c[1:] for c in CELLS], ids=[c[0] for c in CELLS])
def test_options_of_a_cell(has: Values, wants: Values, patch: Values) -> None:
    body = patch_body(cell(**wants), made(cell(**has)))
    assert body == patch
    assert_valid("UpdateEndpointRequest", body)


LIVE: list[tuple[str, Values, Values, Values]] = [
    (
        "nothing said changes nothing",
        {"gpus": "ADA_24", "gpuCount": 2, "workersMax": 9, "idleTimeout": 5, "flashboot": False, "env": {"A": "1"}},
        {},
        {},
    ),
    ("a device for its pool", {"gpus": "AMPERE_48"}, {"gpus": "A40"}, {"gpu": {"pools": ["AMPERE_48"], "excludedTypes": ["NVIDIA RTX A6000"]}}),
    ("a pool for its device", {"gpus": "A40"}, {"gpus": "AMPERE_48"}, {"gpu": {"pools": ["AMPERE_48"]}}),
    ("more GPUs a worker", {"gpus": "ADA_24"}, {"gpuCount": 2}, {"gpu": {"count": 2}}),
    ("CUDA versions", {}, {"cudaVersions": ["12.8"]}, {"gpu": {"allowedCudaVersions": ["12.8"]}}),
    ("any CUDA version again", {"cudaVersions": ["12.8"]}, {"cudaVersions": []}, {"gpu": {"allowedCudaVersions": []}}),
    ("CUDA versions in another order", {"cudaVersions": ["12.8", "12.6"]}, {"cudaVersions": ["12.6", "12.8"]}, {}),
    ("the most workers", {}, {"workersMax": 5}, {"workers": {"min": 0, "max": 5, "idleTimeout": 60}}),
    (
        "the least workers, above what were the most",
        {"workersMax": 1},
        {"workersMin": 2},
        {"workers": {"min": 2, "max": 3, "idleTimeout": 60}},
    ),
    ("a longer queue", {}, {"scalerValue": 30}, {"scaling": {"type": "QUEUE_DELAY", "queueDelay": 30}}),
    ("the same queue as a fraction", {"scalerValue": 4}, {"scalerValue": 4.0}, {}),
    (
        "another scaler, without the idle time that it has not",
        {},
        {"scalerType": "REQUEST_COUNT", "workersMax": 5},
        {"scaling": {"type": "REQUEST_COUNT", "requestCount": 4}, "workers": {"min": 0, "max": 5}},
    ),
    ("a shorter job", {}, {"executionTimeoutMs": 60_000}, {"timeout": 60_000}),
    ("0 is no word about the job", {"executionTimeoutMs": 60_000}, {"executionTimeoutMs": 0}, {}),
    ("no flashboot", {}, {"flashboot": False}, {"flashboot": "OFF"}),
    ("flashboot, which it has", {}, {"flashboot": True}, {}),
    ("places in another order", {"datacenter": ["US-KS-2", "US-IL-1"]}, {"datacenter": ["US-IL-1", "US-KS-2"]}, {}),
    ("anywhere again", {"datacenter": "US-KS-2"}, {"datacenter": None}, {"dataCenterIds": []}),
    ("a larger CPU", {"instanceIds": "cpu3c-2-4"}, {"instanceIds": "cpu3c-4-8"}, {"cpu": [{"id": "cpu3c", "vcpuCount": 4}]}),
    ("a smaller CPU, with its smaller disk", {"instanceIds": "cpu5c-8-16"}, {"instanceIds": "cpu3c-2-4"}, {"cpu": [{"id": "cpu3c", "vcpuCount": 2}], "disk": 20}),
    ("a volume", {}, {"networkVolumeId": "v1"}, {"networkVolumes": ["v1"]}),
    ("the same volume", {"networkVolumeId": "v1"}, {"networkVolumeId": "v1"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("has", "wants", "patch"), [c[1:] for c in LIVE], ids=[c[0] for c in LIVE])
def test_arguments_of_a_class(has: Values, wants: Values, patch: Values) -> None:
    body = patch_body(live(**wants), made(live(**has)))
    assert body == patch
    assert_valid("UpdateEndpointRequest", body)


CONTAINERS: list[tuple[str, Values, Values, Values]] = [
    ("another image", {}, {"imageName": "me/mine:2"}, {"image": "me/mine:2"}),
    ("another disk", {}, {"template": PodTemplate(containerDiskInGb=100)}, {"disk": 100}),
    ("the same disk", {"template": PodTemplate(containerDiskInGb=100)}, {"template": PodTemplate(containerDiskInGb=100)}, {}),
    ("arguments and ports", {}, {"template": PodTemplate(dockerArgs="-v", ports="80/http")}, {"args": "-v", "ports": ["80/http"]}),
    ("a registry", {}, {"template": PodTemplate(containerRegistryAuthId="r1")}, {"registry": "r1"}),
]  # fmt: skip


@pytest.mark.parametrize(("has", "wants", "patch"), [c[1:] for c in CONTAINERS], ids=[c[0] for c in CONTAINERS])
def test_the_container(has: Values, wants: Values, patch: Values) -> None:
    body = patch_body(custom(**wants), made(custom(**has)))
    assert body == patch
    assert_valid("UpdateEndpointRequest", body)


LABELS = {
    "FLASH_JUPYTER_OWNER": "ann",
    "FLASH_JUPYTER_CREATED": "2026-11-22T10:00:00Z",
    "FLASH_JUPYTER_EXPIRES": "2026-11-23T10:00:00Z",
}
VARIABLES: list[tuple[str, dict[str, str], Values, dict[str, str] | None]] = [
    ("not said", {"A": "1"}, {}, None),
    ("the same", {"A": "1"}, {"env": {"A": "1"}}, None),
    ("another value", {"A": "1"}, {"env": {"A": "2"}}, {"A": "2"}),
    ("one more, one less", {"A": "1"}, {"env": {"B": "2"}}, {"B": "2"}),
    ("none", {"A": "1"}, {"env": {}}, {}),
    ("what the platform put there", {"PORT": "80"}, {"env": {"B": "2"}}, {"PORT": "80", "B": "2"}),
    ("those of a template", {}, {"template": PodTemplate(env={"B": "2"})}, {"B": "2"}),
    ("what a stored template may have brought", {"A": "1"}, {"template": "t1", "env": {"B": "2"}}, {"A": "1", "B": "2"}),
]  # fmt: skip


@pytest.mark.parametrize(("has", "wants", "env"), [c[1:] for c in VARIABLES], ids=[c[0] for c in VARIABLES])
def test_variables_change_and_labels_never(has: dict[str, str], wants: Values, env: dict[str, str] | None) -> None:
    spec = replace(live(**wants), owner="bob")
    body = patch_body(spec, made(live(env=has)))
    assert body == ({} if env is None else {"env": {**LABELS, **env}})


def test_an_endpoint_in_which_instances_live_gets_their_label_and_keeps_one_worker() -> None:
    plain, home = live(workersMax=3), replace(live(workersMax=1), has_instances=True)
    there = made(live(workersMax=3, env={"A": "1"}))
    body = patch_body(home, there)
    assert body["env"] == {**LABELS, "A": "1", "FLASH_JUPYTER_INSTANCES": "1"}
    assert body["workers"]["max"] == 1
    there |= body
    assert there["env"] == made(replace(live(env={"A": "1"}), has_instances=True))["env"]
    assert patch_body(home, there) == {}
    assert patch_body(plain, there) == {}
    assert patch_body(live(workersMin=2), there) == {"workers": {**there["workers"], "min": 1}}
    assert patch_body(live(env={"B": "2"}), there) == {"env": {**LABELS, "FLASH_JUPYTER_INSTANCES": "1", "B": "2"}}


def test_what_is_patched_is_there_afterwards() -> None:
    """A second look finds nothing to do."""
    wants = live(
        LiveLoadBalancer, gpus="A40", workersMax=7, scalerValue=9, env={"A": "1"}, datacenter="US-KS-2", flashboot=False
    )
    endpoint = made(live(LiveLoadBalancer))
    patch = patch_body(wants, endpoint)
    assert set(patch) == {"gpu", "workers", "scaling", "env", "dataCenterIds", "flashboot"}
    after = {**endpoint, **patch, "gpu": {**endpoint["gpu"], **patch["gpu"]}}
    assert patch_body(wants, after) == {}


def test_a_floor_of_cuda_versions_gives_way_to_a_list() -> None:
    endpoint = made(live())
    endpoint["gpu"]["minCudaVersion"] = "12.1"
    body = patch_body(live(cudaVersions=["12.8"]), endpoint)
    assert body == {"gpu": {"allowedCudaVersions": ["12.8"], "minCudaVersion": ""}}
    assert_valid("UpdateEndpointRequest", body)


def test_a_better_flashboot_is_flashboot() -> None:
    assert patch_body(live(flashboot=True), made(live(), flashboot="PRIORITY_FLASHBOOT")) == {}


def test_the_documented_endpoint_is_compared_as_it_stands() -> None:
    """The answer of the official document's example, made by other software than ours."""
    endpoint = example("control-create-gpu")["response"]["body"]
    values: Values = {
        "name": "image-generator",
        "gpus": "ADA_24",
        "workersMax": 5,
        "idleTimeout": 5,
        "datacenter": "US-KS-2",
    }
    assert patch_body(custom(imageName=endpoint["image"], executionTimeoutMs=300_000, **values), endpoint) == {}
    assert patch_body(custom(imageName="me/mine:1", **values), endpoint) == {"image": "me/mine:1"}


REFUSED: list[tuple[str, EndpointSpec, EndpointSpec, str]] = [
    (
        "a CPU endpoint asked for GPUs",
        cell(name="t", cpu=("cpu3c-2-4",)),
        cell(name="t", gpu=("ADA_24",)),
        "endpoint t is a CPU endpoint and can't become a GPU endpoint",
    ),
    (
        "a GPU endpoint asked for CPUs by the class alone",
        live(name="t"),
        live(CpuLiveServerless, name="t"),
        "endpoint t is a GPU endpoint and can't become a CPU endpoint",
    ),
    (
        "a queue asked for routes",
        custom(name="t"),
        custom(LoadBalancerSlsResource, name="t"),
        "endpoint t is a queue endpoint and can't become a load-balanced endpoint",
    ),
    (
        "workers of another Python",
        replace(live(name="t"), image="runpod/flash:py3.12-latest"),
        live(name="t"),
        "endpoint t runs Python 3.12, and this is Python 3.11",
    ),
]


@pytest.mark.parametrize(("has", "wants", "text"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_can_not_be_changed_is_refused(has: EndpointSpec, wants: EndpointSpec, text: str) -> None:
    with pytest.raises(OptionError) as caught:
        check_change(wants, made(has))
    assert str(caught.value) == f"{text}\n  → choose another name=, or delete it with %flash undeploy t"


def test_an_image_of_ones_own_may_have_any_python() -> None:
    has = made(replace(live(), image="runpod/flash:py3.12-latest"))
    assert patch_body(live(imageName="me/flash:py3.11-mine"), has) == {"image": "me/flash:py3.11-mine"}
    assert patch_body(custom(), has) == {"image": "me/mine:1"}


ONE_VCPU: list[tuple[str, Values, Values, str]] = [
    ("two vCPUs", {"cpu": ("cpu3c-2-4",)}, {"cpu": ("cpu3c-1-2",)}, "cpu3c 2 vCPU and can't be changed to cpu3c-1-2"),
    ("one of another kind", {"cpu": ("cpu3g-1-4",)}, {"cpu": ("cpu3c-1-2",)}, "cpu3g 1 vCPU and can't be changed to cpu3c-1-2"),
]  # fmt: skip


@pytest.mark.parametrize(("has", "wants", "text"), [c[1:] for c in ONE_VCPU], ids=[c[0] for c in ONE_VCPU])
def test_an_endpoint_can_not_be_changed_to_one_vcpu(has: Values, wants: Values, text: str) -> None:
    with pytest.raises(OptionError) as caught:
        check_change(cell(name="n", **wants), made(cell(name="n", **has)))
    assert str(caught.value) == (
        f"endpoint n has {text}: the platform gives one vCPU to new endpoints only\n"
        "  → choose at least 2 vCPUs or another name=, or delete it with %flash undeploy n"
    )


def test_an_endpoint_with_one_vcpu_is_used_and_changed_otherwise() -> None:
    there = made(cell(name="n", cpu=("cpu3c-1-2",)))
    assert patch_body(cell(name="n", cpu=("cpu3c-1-2",)), there) == {}
    assert set(patch_body(cell(name="n", cpu=("cpu3c-1-2",), workers=(0, 7)), there)) == {"workers"}
    assert set(patch_body(cell(name="n", cpu=("cpu3c-2-4",)), there)) >= {"cpu"}
