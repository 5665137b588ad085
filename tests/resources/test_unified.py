"""`Endpoint(...)` says what one of the eight classes says; which one its use tells."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter import DataCenter, Endpoint, GpuGroup, GpuType, NetworkVolume, PodTemplate, ServerlessScalerType
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.enums import CpuInstanceType, CudaVersion
from flash_jupyter.resources.unified import EndpointDescription

MADE: list[tuple[str, dict[str, Any], bool, str]] = [
    ("any GPU", {}, False, "LiveServerless(name='n', workersMin=0, workersMax=1)"),
    ("any GPU, by its name", {"gpu": GpuType.ANY}, False, "LiveServerless(name='n', gpus=('any',), workersMin=0, workersMax=1)"),
    ("GPUs in their order", {"gpu": [GpuGroup.ADA_24, GpuType.NVIDIA_L4]}, False, "LiveServerless(name='n', gpus=('ADA_24', 'NVIDIA L4'), workersMin=0, workersMax=1)"),
    ("a CPU as a text", {"cpu": "cpu3c-1-2"}, False, "CpuLiveServerless(name='n', instanceIds=('cpu3c-1-2',), workersMin=0, workersMax=1)"),
    ("a CPU by its name", {"cpu": CpuInstanceType.CPU5C_2_4}, False, "CpuLiveServerless(name='n', instanceIds=('cpu5c-2-4',), workersMin=0, workersMax=1)"),
    ("routes", {"workers": (1, 3)}, True, "LiveLoadBalancer(name='n', workersMin=1, workersMax=3)"),
    ("routes on a CPU", {"cpu": "cpu3c-1-2"}, True, "CpuLiveLoadBalancer(name='n', instanceIds=('cpu3c-1-2',), workersMin=0, workersMax=1)"),
    ("an image with a queue", {"image": "a/b"}, False, "ServerlessEndpoint(name='n', workersMin=0, workersMax=1, imageName='a/b')"),
    ("an image with routes, on a CPU", {"image": "a/b", "cpu": "cpu3g-2-8"}, True, "CpuLoadBalancerSlsResource(name='n', instanceIds=('cpu3g-2-8',), workersMin=0, workersMax=1, imageName='a/b')"),
    ("workers as a number", {"workers": 5}, False, "LiveServerless(name='n', workersMin=0, workersMax=5)"),
    ("scaling", {"scaler_type": ServerlessScalerType.QUEUE_DELAY, "scaler_value": 2}, False, "LiveServerless(name='n', workersMin=0, workersMax=1, scalerType='QUEUE_DELAY', scalerValue=2)"),
    ("times", {"idle_timeout": 30, "execution_timeout_ms": 60_000}, False, "LiveServerless(name='n', workersMin=0, workersMax=1, idleTimeout=30, executionTimeoutMs=60000)"),
    ("places and starts", {"datacenter": DataCenter.EU_RO_1, "flashboot": False, "gpu_count": 2}, False, "LiveServerless(name='n', gpuCount=2, workersMin=0, workersMax=1, flashboot=False, datacenter=('EU-RO-1',))"),
    ("several jobs at once", {"max_concurrency": 8}, False, "LiveServerless(name='n', workersMin=0, workersMax=1, maxConcurrency=8)"),
    ("drivers", {"min_cuda_version": CudaVersion.V12_8}, False, "LiveServerless(name='n', workersMin=0, workersMax=1, cudaVersions=('12.8', '12.9', '13.0'))"),
    ("a volume", {"volume": NetworkVolume(id="v1")}, False, "LiveServerless(name='n', workersMin=0, workersMax=1, networkVolume=NetworkVolume(id='v1'))"),
    ("two volumes", {"volume": [NetworkVolume(id="v1"), NetworkVolume(id="v2")]}, False, "LiveServerless(name='n', workersMin=0, workersMax=1, networkVolumes=(NetworkVolume(id='v1'), NetworkVolume(id='v2')))"),
    ("a container", {"template": PodTemplate(containerDiskInGb=20)}, False, "LiveServerless(name='n', workersMin=0, workersMax=1, template=PodTemplate(containerDiskInGb=20))"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "is_load_balanced", "made"), [c[1:] for c in MADE], ids=[c[0] for c in MADE])
def test_it_is_one_of_the_eight_classes(given: dict[str, Any], is_load_balanced: bool, made: str) -> None:
    assert repr(EndpointDescription("n", **given).resource(is_load_balanced=is_load_balanced)) == made


def test_variables_are_taken_and_not_shown() -> None:
    described = EndpointDescription("n", env={"TOKEN": "secret"})
    assert described.resource(is_load_balanced=False).env == {"TOKEN": "secret"}
    assert "secret" not in repr(described)


def test_what_has_no_name_takes_that_of_its_function() -> None:
    assert EndpointDescription().resource(is_load_balanced=False, name="f").name == "f"
    assert EndpointDescription("n").resource(is_load_balanced=False, name="f").name == "n"


def test_volumes_are_mounted_in_their_data_centres() -> None:
    volumes = [NetworkVolume(name="a", dataCenterId="EU-RO-1"), NetworkVolume(name="b", dataCenterId="US-KS-2")]
    resource = EndpointDescription("n", volume=volumes).resource(is_load_balanced=False)
    spec = resource.spec(owner="ann")
    assert ([volume.label for volume in spec.volumes], spec.data_centers) == (["a", "b"], ("EU-RO-1", "US-KS-2"))


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("an argument that there is not", {"gpus": "any"}, "Endpoint has no argument gpus=\n  → did you mean gpu=?"),
    ("a name of the eight classes", {"idleTimeout": 3}, "Endpoint has no argument idleTimeout=\n  → did you mean idle_timeout=?"),
    ("a GPU that there is not", {"gpu": "ADA_25"}, "gpu=ADA_25 does not exist\n  → did you mean gpu=ADA_24?"),
    ("a CPU that there is not", {"cpu": "cpu3c-1-3"}, "cpu=cpu3c-1-3 does not exist\n  → did you mean cpu=cpu3c-1-2? There are cpu3c-1-2, cpu3c-2-4, cpu3c-4-8, cpu3c-8-16"),
    ("both", {"gpu": "any", "cpu": "cpu3c-1-2"}, "gpu= and cpu= exclude each other\n  → keep one of the two"),
    ("a name twice", {"name": "m"}, "Endpoint: name= is given twice\n  → leave one of the two away"),
    ("an image and an id", {"id": "a", "image": "b"}, "id= names an endpoint that exists, and image= makes one: they exclude each other\n  → keep one of the two"),
    ("an id and what it can't change", {"id": "a", "gpu": "any"}, "id= names an endpoint that exists: gpu= has no meaning there\n  → leave gpu= away, or change the endpoint where it is described"),
    ("workers that are none", {"workers": "many"}, "workers='many' says no number of workers\n  → write workers=3, or workers=(1, 3): least and most"),
    ("no worker at all", {"workers": 0}, "workers=0 says no number of workers\n  → write workers=3, or workers=(1, 3): least and most"),
    ("more least than most", {"workers": (3, 1)}, "workers=(3, 1) says no number of workers\n  → write workers=3, or workers=(1, 3): least and most"),
    ("packages as one text", {"dependencies": "torch"}, "packages are a list, and 'torch' is one text\n  → write ['torch']"),
    ("a driver that there is not", {"min_cuda_version": "12.81"}, "min_cuda_version=12.81 is not a CUDA version that we know\n  → did you mean 12.8?"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "text"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_what_can_not_be_is_said_where_it_is_written(given: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError) as caught:
        Endpoint("n", **given)
    assert str(caught.value) == text


LATER: list[tuple[str, dict[str, Any], bool, str]] = [
    ("a worker that idles too long", {"idle_timeout": 9_999}, False, "idle_timeout=9999 does not fit: input should be less than or equal to 3600\n  → see Endpoint? for what idle_timeout= takes"),
    ("a scaler that routes have not", {"scaler_type": "QUEUE_DELAY"}, True, "scaler_type=QUEUE_DELAY: a load balancer has no queue\n  → use scaler_type=REQUEST_COUNT, or leave scaler_type= away"),
    ("jobs side by side behind routes", {"max_concurrency": 2}, True, "max_concurrency=2 is of a queue: routes are served side by side anyway\n  → leave it away; scaler_value= says from how many requests there are more workers"),
    ("drivers of a CPU", {"cpu": "cpu3c-1-2", "min_cuda_version": "12.8"}, False, "Endpoint makes CPU endpoints: min_cuda_version= has no meaning there\n  → leave min_cuda_version= away, or use gpu="),
    ("two volumes in one place", {"volume": [NetworkVolume(name="a"), NetworkVolume(name="b")]}, False, "two volumes are in EU-RO-1, and a worker mounts one: that of its data centre\n  → keep one of the two, or give one another dataCenterId="),
]  # fmt: skip


@pytest.mark.parametrize(("given", "is_load_balanced", "text"), [c[1:] for c in LATER], ids=[c[0] for c in LATER])
def test_what_its_use_can_not_have_is_said_in_its_own_words(
    given: dict[str, Any], is_load_balanced: bool, text: str
) -> None:
    with pytest.raises(OptionError) as caught:
        EndpointDescription("n", **given).resource(is_load_balanced=is_load_balanced)
    assert str(caught.value) == text
