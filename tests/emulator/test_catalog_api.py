from __future__ import annotations

from typing import Any

import pytest
from contract import example
from emulated import Api
from replayed import check, send

STOCK = "include=AVAILABILITY&product=SERVERLESS"
CARD = "/v2/catalog/gpus/NVIDIA%20GeForce%20RTX%204090"


@pytest.mark.parametrize("name", ["catalog-cpus", "catalog-cpu"])
def test_cpu_flavours_look_as_documented(api: Api, name: str) -> None:
    check(name, send(api, example(name)["request"]))


def without_cuda(document: Any) -> Any:
    """The examples leave `cudaVersions` out, which the schema describes."""
    if isinstance(document, list):
        return [without_cuda(each) for each in document]
    return {name: value for name, value in document.items() if name != "cudaVersions"}


@pytest.mark.parametrize("name", ["catalog-gpus", "catalog-gpu"])
def test_gpu_types_look_as_documented(api: Api, name: str) -> None:
    answer = send(api, example(name)["request"])
    expected = example(name)["response"]["body"]
    shown = answer.json()
    first = shown["gpus"][0] if name == "catalog-gpus" else shown
    assert set(without_cuda(first)) == set(expected["gpus"][0] if name == "catalog-gpus" else expected)
    assert first["cudaVersions"][0] == {"version": "11.8", "available": True}


@pytest.mark.parametrize("name", ["catalog-datacenters", "catalog-datacenter"])
def test_data_centres_look_as_documented(api: Api, name: str) -> None:
    answer = send(api, example(name)["request"])
    expected = example(name)["response"]["body"]
    if name == "catalog-datacenters":
        (expected,) = expected["dataCenters"]
        shown = {center["id"]: center for center in answer.json()["dataCenters"]}
        assert set(shown["EU-RO-1"]) == set(expected)
    else:
        shown = {answer.json()["id"]: answer.json()}
    kansas = shown["US-KS-2"]
    assert {kansas[name] == expected[name] for name in ("id", "name", "region", "networkVolumeTypes")} == {True}
    assert expected["gpuAvailability"][0] in kansas["gpuAvailability"]


def test_the_price_of_a_gpu_is_the_documented_one_an_hour(api: Api) -> None:
    card = api.get(CARD).json()
    assert (card["pool"], card["memory"], card["price"]["serverless"]) == ("ADA_24", 24, round(0.00031 * 3600, 4))
    assert "availability" not in card


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("gpus/NVIDIA%20X", "GPU type not found"),
        ("cpus/cpu9z", "CPU flavor not found"),
        ("datacenters/XX-1", "data center not found"),
    ],
)
def test_what_does_not_exist(api: Api, path: str, detail: str) -> None:
    answer = api.get(f"/v2/catalog/{path}")
    assert (answer.status_code, answer.json()["detail"]) == (404, detail)


REFUSED: list[tuple[str, str, int, str]] = [
    ("availability of no product", "gpus?include=AVAILABILITY", 400, "include=AVAILABILITY requires product"),
    ("a product without availability", "gpus?product=SERVERLESS", 400, "product is valid only with include"),
    ("a count without availability", "gpus?count=2", 400, "count is valid only with include=AVAILABILITY"),
    ("two CUDA filters", f"gpus?{STOCK}&cudaVersions=12.8&minCudaVersion=12", 400, "exclude each other"),
    ("a vCPU count that is no power of two", f"cpus?{STOCK}&vcpuCount=3", 400, "3 is not a power of two"),
    ("an unknown expansion", "gpus?include=STOCK", 422, "$.include[0]: must be one of AVAILABILITY"),
    ("a product that CPUs lack", "cpus?include=AVAILABILITY&product=CLUSTER", 422, "must be one of POD, SERVERLESS"),
    ("a count of words", f"gpus?{STOCK}&count=two", 422, "$.count: must be integer"),
    ("a country in small letters", f"gpus?{STOCK}&countryCodes=fr", 422, "'fr' does not match"),
    ("a CUDA version without a minor one", f"gpus?{STOCK}&cudaVersions=12", 422, "'12' does not match"),
    ("an unknown region", "datacenters?regions=MARS", 422, "$.regions[0]: must be one of NORTH_AMERICA"),
    ("a truth value of words", "datacenters?globalNetwork=yes", 422, "$.globalNetwork: must be boolean"),
]


@pytest.mark.parametrize(("path", "status", "text"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_queries_that_are_refused(api: Api, path: str, status: int, text: str) -> None:
    answer = api.get(f"/v2/catalog/{path}")
    assert answer.status_code == status, answer.text
    assert text in " ".join([answer.json()["detail"], *answer.json().get("errors", [])])


LEVELS: list[tuple[str, str, str]] = [
    ("serverless", "", "HIGH"),
    ("several GPUs", "&count=8", "HIGH"),
    ("more than a worker has", "&count=9", "NONE"),
    ("the community cloud", "&cloud=COMMUNITY", "NONE"),
    ("a country with data centres", "&countryCodes=FR,RO", "HIGH"),
    ("a country without", "&countryCodes=FR", "NONE"),
    ("a CUDA version that there is", "&cudaVersions=12.8,14.0", "HIGH"),
    ("one that there is not", "&cudaVersions=14.0", "NONE"),
    ("a CUDA floor of a major version", "&minCudaVersion=13", "HIGH"),
    ("a floor above all", "&minCudaVersion=13.1", "NONE"),
]


@pytest.mark.parametrize(("query", "level"), [case[1:] for case in LEVELS], ids=[case[0] for case in LEVELS])
def test_availability_of_a_gpu(api: Api, query: str, level: str) -> None:
    card = api.get(f"{CARD}?{STOCK}{query}").json()
    assert card["availability"] == level
    assert ("dataCenters" in card) == (level == "HIGH")


@pytest.mark.parametrize("product", ["POD", "CLUSTER", "POD,CLUSTER"])
def test_there_are_no_pods_and_clusters(api: Api, product: str) -> None:
    assert api.get(f"{CARD}?include=AVAILABILITY&product={product}").json()["availability"] == "NONE"


def test_filters_narrow_what_is_shown(api: Api) -> None:
    card = api.get(f"{CARD}?{STOCK}&countryCodes=RO&cudaVersions=12.8").json()
    assert [center["id"] for center in card["dataCenters"]] == ["EU-RO-1"]
    assert card["cudaVersions"] == [{"version": "12.8", "available": True}]
    assert api.get(f"/v2/catalog/gpus?{STOCK}&countryCodes=FR").json() == {"gpus": []}


def test_cpus_are_in_one_data_centre(api: Api) -> None:
    flavor = api.get(f"/v2/catalog/cpus/cpu3c?{STOCK}&vcpuCount=4").json()
    assert [center["id"] for center in flavor["dataCenters"]] == ["EU-RO-1"]
    assert api.get(f"/v2/catalog/cpus/cpu3c?{STOCK}&vcpuCount=64").json()["availability"] == "NONE"


CENTERS: list[tuple[str, str, int]] = [
    ("all", "", 16),
    ("regions: either", "?regions=EUROPE,ASIA", 4),
    ("volume types: both", "?networkVolumeTypes=STANDARD,HIGH_PERFORMANCE", 1),
    ("filters together", "?regions=EUROPE&networkVolumeTypes=HIGH_PERFORMANCE", 0),
    ("a certificate, of which none is documented", "?compliance=GDPR", 0),
    ("without global networking", "?globalNetwork=false", 16),
    ("with global networking", "?globalNetwork=true", 0),
]


@pytest.mark.parametrize(("query", "count"), [case[1:] for case in CENTERS], ids=[case[0] for case in CENTERS])
def test_which_data_centres_are_listed(api: Api, query: str, count: int) -> None:
    assert len(api.get(f"/v2/catalog/datacenters{query}").json()["dataCenters"]) == count


def test_what_is_sold_out_is_not_available(api: Api) -> None:
    api.post("/_flash/faults", json={"kind": "no-stock", "hardware": ["ADA_24", "cpu3c"]}).raise_for_status()
    assert api.get(f"{CARD}?{STOCK}").json()["availability"] == "NONE"
    assert api.get(f"/v2/catalog/cpus/cpu3c?{STOCK}").json()["availability"] == "NONE"
    assert api.get(f"/v2/catalog/cpus/cpu3g?{STOCK}").json()["availability"] == "HIGH"
    center = api.get("/v2/catalog/datacenters/EU-RO-1?include=GPU_AVAILABILITY,CPU_AVAILABILITY").json()
    levels = {each["id"]: each["availability"] for each in (*center["gpuAvailability"], *center["cpuAvailability"])}
    assert (levels["NVIDIA GeForce RTX 4090"], levels["cpu3c"], levels["cpu3g"]) == ("NONE", "NONE", "HIGH")
