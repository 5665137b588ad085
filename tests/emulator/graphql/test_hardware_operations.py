"""What the released clients ask about hardware, and that `no-stock` is seen."""

from __future__ import annotations

from typing import Any

import pytest
from asking import ask
from emulated import Api

#: as 1.21 asks (flash-wire.md 1.2)
PRICE: dict[str, Any] = {
    "dataCenterId": None,
    "gpuCount": 1,
    "secureCloud": True,
    "includeAiApi": True,
    "allowedCudaVersions": [],
    "compliance": [],
}


def gpu_stock(api: Api, pool: str, **changes: Any) -> list[str | None]:
    found = ask(api, "ServerlessGpuTypes", gpuTypesInput={"ids": [pool]}, lowestPriceInput={**PRICE, **changes})
    return [gpu["lowestPrice"]["stockStatus"] for gpu in found]


def cpu_stock(api: Api, flavor: str, **specifics: Any) -> Any:
    return ask(api, "SecureCpuTypes", cpuFlavorInput={"id": flavor}, specificsInput=specifics)


def test_a_gpu_type(api: Api) -> None:
    assert ask(api, "getGpuTypes", input={"ids": ["NVIDIA GeForce RTX 4090"]}) == [
        {
            "id": "NVIDIA GeForce RTX 4090",
            "displayName": "RTX 4090",
            "manufacturer": "Nvidia",
            "memoryInGb": 24,
            "cudaCores": None,
            "secureCloud": True,
            "communityCloud": False,
            "securePrice": None,
            "communityPrice": None,
            "communitySpotPrice": None,
            "secureSpotPrice": None,
            "maxGpuCount": 8,
            "maxGpuCountCommunityCloud": 0,
            "maxGpuCountSecureCloud": 8,
            "minPodGpuCount": 1,
            "nodeGroupGpuSizes": None,
            "throughput": None,
        }
    ]


def test_gpu_types_by_pool_by_type_and_all(api: Api) -> None:
    def ids(wanted: Any) -> list[str]:
        return [gpu["id"] for gpu in ask(api, "getGpuTypes", input=wanted)]

    assert ids({"ids": ["AMPERE_48"]}) == ["NVIDIA A40", "NVIDIA RTX A6000"]
    assert ids({"ids": ["NVIDIA A40", "NVIDIA H200"]}) == ["NVIDIA A40", "NVIDIA H200"]
    assert ids({"ids": ["nope"]}) == []
    assert len(ids({})) == len(ids(None)) > 20


@pytest.mark.parametrize(
    ("changes", "stock"),
    [
        ({}, "High"),
        ({"dataCenterId": "EU-RO-1"}, "High"),
        ({"dataCenterId": "XX-1"}, None),
        ({"gpuCount": 8}, "High"),
        ({"gpuCount": 9}, None),
    ],
    ids=["anywhere", "in a data centre", "in none", "as many as there are", "more than there are"],
)
def test_stock_of_gpus(api: Api, changes: dict[str, Any], stock: str | None) -> None:
    assert gpu_stock(api, "ADA_24", **changes) == [stock]


@pytest.mark.parametrize(
    ("specifics", "stock"),
    [
        ({"dataCenterId": None, "instanceId": "cpu3g-2-8"}, "High"),
        ({"dataCenterId": "EU-RO-1", "instanceId": "cpu3g-1-4"}, "High"),
        ({"dataCenterId": "US-CA-2", "instanceId": "cpu3g-2-8"}, None),
        ({"instanceId": "cpu3g-2-9"}, None),
        ({"instanceId": "cpu5c-2-4"}, None),
    ],
    ids=["anywhere", "with one vCPU", "where there are no CPU workers", "of no such size", "of another flavour"],
)
def test_stock_of_cpus(api: Api, specifics: dict[str, Any], stock: str | None) -> None:
    assert cpu_stock(api, "cpu3g", **specifics) == [{"specifics": {"stockStatus": stock}}]


def test_a_fault_takes_the_stock_away(api: Api) -> None:
    api.post("/_flash/faults", json={"kind": "no-stock", "hardware": ["ADA_24", "cpu3g"]})
    assert gpu_stock(api, "ADA_24") == [None]
    assert gpu_stock(api, "AMPERE_80") == ["High", "High"]
    assert cpu_stock(api, "cpu3g") == [{"specifics": {"stockStatus": None}}]
    assert cpu_stock(api, "cpu3c") == [{"specifics": {"stockStatus": "High"}}]


def test_cpu_types(api: Api) -> None:
    found = ask(api, "getCpuTypes")
    assert found[0] == {
        "id": "cpu3c",
        "displayName": "Compute-Optimized, Gen 3",
        "manufacturer": None,
        "cores": 32,
        "threadsPerCore": None,
        "groupId": "cpu3c",
    }
    assert [cpu["id"] for cpu in found] == ["cpu3c", "cpu3g", "cpu5c", "cpu5g"]
