"""What a resource takes, and what it refuses, with the whole text."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.classes import (
    CpuLiveLoadBalancer,
    CpuLiveServerless,
    CpuServerlessEndpoint,
    LiveLoadBalancer,
    LiveServerless,
    LoadBalancerSlsResource,
    ServerlessEndpoint,
)
from flash_jupyter.resources.enums import CpuInstanceType, DataCenter, GpuGroup, GpuType
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.template import PodTemplate
from flash_jupyter.resources.volume import NetworkVolume

MODELS = NetworkVolume(name="models")
SEVEN_DAYS = "use 5000 to 604800000 milliseconds (5 seconds to 7 days), or 0 for the default"

REFUSED: list[tuple[str, type[Resource], dict[str, Any], str]] = [
    (
        "a slip in a published name",
        LiveServerless,
        {"workerMax": 3},
        "LiveServerless has no argument workerMax=\n  → did you mean workersMax=?",
    ),
    (
        "a slip in our name",
        LiveServerless,
        {"idle_time": 3},
        "LiveServerless has no argument idle_time=\n  → did you mean idle_timeout=?",
    ),
    (
        "a word without neighbours",
        LiveServerless,
        {"zzz": 3},
        (
            "LiveServerless has no argument zzz=\n  → use some of name, gpus, gpuCount, instanceIds, workersMin, workersMax, "
            "idleTimeout, executionTimeoutMs, scalerType, scalerValue, networkVolume, networkVolumeId, networkVolumes, "
            "env, template, imageName, flashboot, datacenter, locations, cudaVersions, python_version, maxConcurrency"
        ),
    ),
    (
        "the id of a template has its place in template=",
        ServerlessEndpoint,
        {"templateId": "t"},
        "ServerlessEndpoint has no argument templateId=\n  → did you mean template=?",
    ),
    (
        "both spellings of one argument",
        LiveServerless,
        {"workersMax": 1, "workers_max": 2},
        "LiveServerless: workersMax= is given twice\n  → leave workers_max= away",
    ),
    (
        "no idle time",
        LiveServerless,
        {"idleTimeout": 0},
        (
            "idleTimeout=0 does not fit: input should be greater than or equal to 1\n"
            "  → see LiveServerless? for what idleTimeout= takes"
        ),
    ),
    (
        "an idle time over an hour, spelt our way",
        LiveServerless,
        {"idle_timeout": 3601},
        (
            "idleTimeout=3601 does not fit: input should be less than or equal to 3600\n"
            "  → see LiveServerless? for what idleTimeout= takes"
        ),
    ),
    (
        "workers that nobody may have",
        LiveServerless,
        {"workersMax": 0},
        (
            "workersMax=0 does not fit: input should be greater than or equal to 1\n"
            "  → see LiveServerless? for what workersMax= takes"
        ),
    ),
    (
        "more workers at least than at most",
        LiveServerless,
        {"workersMin": 4},
        "workersMin=4 is above workersMax=3\n  → write workersMax=4, or a smaller workersMin=",
    ),
    (
        "a job shorter than the platform knows",
        LiveServerless,
        {"executionTimeoutMs": 600},
        f"executionTimeoutMs=600 is not in the platform's range\n  → {SEVEN_DAYS}",
    ),
    (
        "a job longer than a week",
        LiveServerless,
        {"executionTimeoutMs": 604_800_001},
        f"executionTimeoutMs=604800001 is not in the platform's range\n  → {SEVEN_DAYS}",
    ),
    (
        "a scaler that does not exist",
        LiveServerless,
        {"scalerType": "CPU_LOAD"},
        (
            "scalerType=CPU_LOAD does not fit: input should be 'QUEUE_DELAY' or 'REQUEST_COUNT'\n"
            "  → see LiveServerless? for what scalerType= takes"
        ),
    ),
    (
        "a queue behind a load balancer",
        LiveLoadBalancer,
        {"scalerType": "QUEUE_DELAY"},
        (
            "scalerType=QUEUE_DELAY: a load balancer has no queue\n"
            "  → use scalerType=REQUEST_COUNT, or leave scalerType= away"
        ),
    ),
    (
        "half a request",
        LiveLoadBalancer,
        {"scalerValue": 1.5},
        "scalerValue=1.5 is not a number of requests\n  → use a whole number from 1",
    ),
    (
        "too short a queue",
        LiveServerless,
        {"scalerValue": 0.1},
        "scalerValue=0.1 is too short a time in the queue\n  → use 0.5 s or more",
    ),
    (
        "an idle time where the platform takes none",
        LiveServerless,
        {"scalerType": "REQUEST_COUNT", "idleTimeout": 60},
        (
            "idleTimeout=60: a queue that scales on REQUEST_COUNT has no idle timeout\n"
            "  → leave idleTimeout= away, or use scalerType=QUEUE_DELAY"
        ),
    ),
    (
        "a GPU that does not exist",
        LiveServerless,
        {"gpus": ["ADA_25"]},
        "gpus=ADA_25 does not exist\n  → did you mean gpus=ADA_24?",
    ),
    (
        "nine GPUs a worker",
        LiveServerless,
        {"gpuCount": 9},
        (
            "gpuCount=9 does not fit: input should be less than or equal to 8\n"
            "  → see LiveServerless? for what gpuCount= takes"
        ),
    ),
    (
        "a CPU that does not exist",
        LiveServerless,
        {"instanceIds": ["cpu3c-2-5"]},
        "instanceIds=cpu3c-2-5 does not exist\n  → did you mean instanceIds=cpu3c-2-4? There are cpu3c-1-2, cpu3c-2-4, cpu3c-4-8, cpu3c-8-16",
    ),
    (
        "GPUs and CPUs",
        LiveServerless,
        {"gpus": [GpuGroup.ANY], "instanceIds": ["cpu3c-2-4"]},
        "gpus= and instanceIds= exclude each other\n  → keep one of the two",
    ),
    (
        "GPUs in a CPU class",
        CpuLiveServerless,
        {"gpus": [GpuGroup.ADA_24]},
        (
            "CpuLiveServerless makes CPU endpoints: gpus= has no meaning there\n"
            "  → leave gpus= away, or use LiveServerless"
        ),
    ),
    (
        "CUDA without a GPU",
        CpuLiveLoadBalancer,
        {"cudaVersions": ["12.8"]},
        (
            "CpuLiveLoadBalancer makes CPU endpoints: cudaVersions= has no meaning there\n"
            "  → leave cudaVersions= away, or use LiveLoadBalancer"
        ),
    ),
    (
        "a version that is none",
        LiveServerless,
        {"cudaVersions": ["12"]},
        'cudaVersions: 12 is not a CUDA version\n  → write cudaVersions=["12.8"]',
    ),
    (
        "a version that is a number, and may have lost its last digit",
        LiveServerless,
        {"cudaVersions": [12.1]},
        (
            "cudaVersions=12.1 does not fit: input should be a valid string\n"
            "  → see LiveServerless? for what cudaVersions= takes"
        ),
    ),
    (
        "a Python without an image",
        LiveServerless,
        {"python_version": "3.9"},
        (
            "python_version=3.9 does not fit: input should be '3.10', '3.11', '3.12' or '3.13'\n"
            "  → see LiveServerless? for what python_version= takes"
        ),
    ),
    (
        "a slip in a data centre",
        LiveServerless,
        {"datacenter": "EU-RO-2"},
        "datacenter=EU-RO-2 is not a data centre that we know\n  → did you mean EU-RO-1?",
    ),
    (
        "a location that can't be one",
        LiveServerless,
        {"locations": "Europe"},
        "locations=Europe: EUROPE can't name a data centre\n  → write ids as in locations=EU-RO-1,US-KS-2",
    ),
    (
        "two ways to say where, which differ",
        LiveServerless,
        {"datacenter": "EU-RO-1", "locations": "US-KS-2"},
        "datacenter= and locations= name different places\n  → keep one of the two",
    ),
    (
        "a CPU where there are none",
        CpuLiveServerless,
        {"datacenter": DataCenter.US_KS_2},
        "datacenter=US-KS-2 has no CPU workers\n  → use datacenter=EU-RO-1, or leave datacenter= away",
    ),
    (
        "a volume of a CPU endpoint where there are no CPUs",
        LiveServerless,
        {"instanceIds": ["cpu3c-2-4"], "networkVolume": NetworkVolume(name="m", datacenter="US-KS-2")},
        "dataCenterId=US-KS-2 has no CPU workers\n  → use dataCenterId=EU-RO-1, or leave dataCenterId= away",
    ),
    (
        "a volume that is elsewhere",
        LiveServerless,
        {"datacenter": ["US-KS-2", "US-IL-1"], "networkVolume": MODELS},
        (
            "volume models is in EU-RO-1, the endpoint in US-KS-2, US-IL-1\n"
            '  → write dataCenterId="US-KS-2" in the volume, or datacenter="EU-RO-1" here'
        ),
    ),
    (
        "two volumes",
        LiveServerless,
        {"networkVolume": MODELS, "networkVolumeId": "v"},
        "networkVolume= and networkVolumeId= exclude each other\n  → keep one of the two",
    ),
    (
        "a load balancer without a name",
        LiveLoadBalancer,
        {"name": None},
        "LiveLoadBalancer needs name=\n  → write LiveLoadBalancer(name=..., ...)",
    ),
    (
        "an image of one's own without a name",
        ServerlessEndpoint,
        {"name": None, "imageName": "me/mine:1"},
        "ServerlessEndpoint needs name=\n  → write ServerlessEndpoint(name=..., ...)",
    ),
    (
        "a name that no URL can hold",
        LiveServerless,
        {"name": "my endpoint"},
        "name=my endpoint can't name an endpoint\n  → use letters, digits, - _ and .",
    ),
    (
        "nothing that could run",
        CpuServerlessEndpoint,
        {},
        (
            "CpuServerlessEndpoint needs imageName=: it runs an image with its own code\n"
            "  → write imageName=..., or template=PodTemplate(imageName=...), or use a Live class for your functions"
        ),
    ),
    (
        "a template without an image is not enough",
        LoadBalancerSlsResource,
        {"template": PodTemplate(containerDiskInGb=30)},
        (
            "LoadBalancerSlsResource needs imageName=: it runs an image with its own code\n"
            "  → write imageName=..., or template=PodTemplate(imageName=...), or use a Live class for your functions"
        ),
    ),
    (
        "two images",
        ServerlessEndpoint,
        {"imageName": "me/a:1", "template": PodTemplate(imageName="me/b:1")},
        "imageName= and the template's imageName= differ\n  → keep one of the two",
    ),
    (
        "a disk that the smallest instance has not",
        CpuLiveServerless,
        {"instanceIds": ["cpu5c-4-8", "cpu3c-2-4"], "template": PodTemplate(containerDiskInGb=60)},
        (
            "containerDiskInGb=60 is too large: cpu3c-2-4 has 20 GB\n"
            "  → write containerDiskInGb=20 or less, or use a larger instance"
        ),
    ),
    (
        "a variable of ours",
        LiveServerless,
        {"env": {"FLASH_JUPYTER_OWNER": "me"}},
        "env: FLASH_JUPYTER_OWNER is reserved\n  → use a name that does not begin with FLASH_JUPYTER_",
    ),
    (
        "the key in clear text",
        LiveServerless,
        {"template": PodTemplate(env={"RUNPOD_API_KEY": "rpa_123"})},
        (
            "env: RUNPOD_API_KEY would be stored in the endpoint in clear text\n"
            "  → store a restricted key as a Runpod secret, and write {{ RUNPOD_SECRET_name }} as the value"
        ),
    ),
    (
        "a variable that is no text, whose value is not shown",
        LiveServerless,
        {"env": {"PIN": 1234}},
        'env: the value of PIN is not a text\n  → write env={"PIN": "..."}',
    ),
]


@pytest.mark.parametrize(("kind", "values", "text"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_does_not_fit_is_refused_where_it_is_written(
    kind: type[Resource], values: dict[str, Any], text: str
) -> None:
    with pytest.raises(OptionError) as caught:
        kind(**{"name": "n", **values})
    assert str(caught.value) == text


SPELLINGS: list[tuple[str, str, Any]] = [
    ("gpuCount", "gpu_count", 2),
    ("workersMin", "workers_min", 1),
    ("workersMax", "workers_max", 5),
    ("idleTimeout", "idle_timeout", 300),
    ("executionTimeoutMs", "execution_timeout_ms", 60_000),
    ("scalerType", "scaler_type", "REQUEST_COUNT"),
    ("scalerValue", "scaler_value", 7),
    ("networkVolume", "network_volume", MODELS),
    ("networkVolumeId", "network_volume_id", "agv6w2qcg7"),
    ("imageName", "image_name", "me/mine:1"),
    ("cudaVersions", "cuda_versions", ("12.8",)),
]


@pytest.mark.parametrize(("published", "ours", "value"), SPELLINGS, ids=[s[0] for s in SPELLINGS])
def test_both_spellings_are_the_same_argument(published: str, ours: str, value: Any) -> None:
    one, other = LiveServerless(name="n", **{published: value}), LiveServerless(name="n", **{ours: value})
    assert one == other
    assert getattr(one, ours) == value
    assert one.spec(owner="ann") == other.spec(owner="ann")
    assert one.spec(owner="ann") != LiveServerless(name="n").spec(owner="ann")


MEANINGS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("one GPU without a list", {"gpus": GpuGroup.ADA_24}, {"gpus": ("ADA_24",)}),
    ("a device by its enum", {"gpus": [GpuType.NVIDIA_L4]}, {"gpus": ("NVIDIA L4",)}),
    ("devices by their texts", {"gpus": ["4090", "h100"]}, {"gpus": ("NVIDIA GeForce RTX 4090", "ADA_80_PRO")}),
    ("no GPU named", {"gpus": []}, {"gpus": ()}),
    ("a CPU by its enum", {"instanceIds": CpuInstanceType.CPU5C_4_8}, {"cpus": ("cpu5c-4-8",)}),
    ("a place in any spelling", {"datacenter": "eu_ro_1"}, {"places": ("EU-RO-1",)}),
    ("several places", {"datacenter": [DataCenter.US_KS_2, "US-IL-1"]}, {"places": ("US-KS-2", "US-IL-1")}),
    ("locations that are newer than our list", {"locations": "US-TX-3,EU-RO-1"}, {"places": ("US-TX-3", "EU-RO-1")}),
    ("a place said twice", {"datacenter": "EU-RO-1", "locations": "EU-RO-1"}, {"places": ("EU-RO-1",)}),
    ("a volume's place is the endpoint's", {"networkVolume": MODELS}, {"places": ("EU-RO-1",)}),
    ("a volume by id may be anywhere", {"networkVolumeId": "v"}, {"places": ()}),
    ("a volume as a text", {"networkVolume": "models:200"}, {"volumes": (NetworkVolume(name="models", size=200),)}),
    ("one CUDA version", {"cudaVersions": "12.8"}, {"cuda_versions": ("12.8",)}),
    ("a secret of the platform", {"env": {"RUNPOD_API_KEY": "{{ RUNPOD_SECRET_key }}"}}, {}),
    ("no timeout of one's own", {"executionTimeoutMs": 0}, {"execution_timeout_ms": 0}),
]


@pytest.mark.parametrize(("values", "meant"), [c[1:] for c in MEANINGS], ids=[c[0] for c in MEANINGS])
def test_what_an_argument_means(values: dict[str, Any], meant: dict[str, Any]) -> None:
    resource = LiveServerless(name="n", **values)
    assert {name: getattr(resource, name) for name in meant} == meant


def test_a_resource_is_frozen() -> None:
    resource = LiveServerless(name="n")
    with pytest.raises(OptionError) as caught:
        resource.workers_max = 5
    assert str(caught.value) == (
        "workers_max= of a LiveServerless can't be changed afterwards\n  → make a new LiveServerless"
    )


def test_a_resource_is_a_key_of_dictionaries() -> None:
    table = {LiveServerless(name="n", env={"A": "1"}): 1, CpuLiveServerless(name="n"): 2}
    assert table[LiveServerless(name="n", env={"A": "1"})] == 1
    assert LiveServerless(name="n", env={"A": "2"}) not in table


def test_it_shows_what_was_said_and_no_variable() -> None:
    resource = LiveServerless(name="n", workers_max=5, env={"TOKEN": "secret"}, networkVolume=MODELS)
    assert repr(resource) == "LiveServerless(name='n', workersMax=5, networkVolume=NetworkVolume(name='models'))"
    assert "secret" not in repr(resource.spec(owner="ann"))


def test_its_documentation_names_every_argument() -> None:
    documentation = LiveServerless.__doc__ or ""
    assert "    workersMax=3               workers at most\n" in documentation
    assert all(f"    {name}=" in documentation for name in LiveServerless.arguments().values())
