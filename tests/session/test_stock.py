"""What the catalogue says before anything is made."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.errors import NoStockError
from flash_jupyter.resources.classes import LiveServerless
from flash_jupyter.resources.endpoint import EndpointSpec, endpoint_spec
from flash_jupyter.resources.enums import GpuGroup
from flash_jupyter.resources.options import make_options
from flash_jupyter.resources.volume import NetworkVolume
from flash_jupyter.session.stock import check_stock
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http


def spec_of(**values: Any) -> EndpointSpec:
    return endpoint_spec(make_options(**values), owner="ann")


def gpu(name: str, pool: str, usd: float | None, level: str | None = None, /, **places: str) -> dict[str, Any]:
    """A catalogue entry; places are written with `_`."""
    price = {"secure": 1.0, "community": 1.0, **({"serverless": usd} if usd else {})}
    centers = [{"id": key.replace("_", "-"), "name": key, "availability": value} for key, value in places.items()]
    entry: dict[str, Any] = {
        "id": name,
        "name": name,
        "pool": pool,
        "memory": 24,
        "price": price,
        "dataCenters": centers,
    }
    return {**entry, "availability": level} if level else entry


A100 = gpu("NVIDIA A100 80GB PCIe", "AMPERE_80", 2.74, "LOW", US_KS_2="LOW")
A100_SXM = gpu("NVIDIA A100-SXM4-80GB", "AMPERE_80", 2.74, "NONE")
H100 = gpu("NVIDIA H100 PCIe", "ADA_80_PRO", 4.18, "HIGH", EU_RO_1="LOW", US_KS_2="HIGH")
L4 = gpu("NVIDIA L4", "AMPERE_24", 0.69, "HIGH", EU_RO_1="HIGH")
RTX_4090 = gpu("NVIDIA GeForce RTX 4090", "ADA_24", 1.1, "NONE")
#: as the document has it: a size behind the name
CPU3C = {"id": "cpu3c-2-4", "availability": "NONE", "dataCenters": []}
CPU3G = {"id": "cpu3g", "availability": "LOW", "dataCenters": [{"id": "EU-RO-1", "availability": "LOW"}],
         "price": {"serverlessPerVcpu": 0.04}}  # fmt: skip
FLAVORS = [CPU3C, CPU3G]
CATALOGUE = [A100, A100_SXM, H100, L4, RTX_4090]


VOLUMES = [{"id": "vol-ro", "name": "models", "size": 50, "dataCenter": "EU-RO-1"},
           {"id": "vol-ks", "name": "models", "size": 50, "dataCenter": "US-KS-2"}]  # fmt: skip


def ask(
    spec: EndpointSpec,
    answer: httpx.Response | list[dict[str, Any]] | None = None,
    volumes: httpx.Response | None = None,
) -> tuple[str, list[str]]:
    """Return the sentence, and the requests that were made."""
    requests: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(str(request.url))
        if request.url.path == "/v2/network-volumes":
            return volumes or httpx.Response(200, json={"networkVolumes": VOLUMES})
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json={"gpus": answer or CATALOGUE, "cpus": FLAVORS})

    async def main() -> str:
        http = Http(BACKEND, transport=httpx.MockTransport(handle))
        try:
            return await check_stock(Control(http), spec)
        finally:
            await http.aclose()

    return asyncio.run(main()), requests


SENTENCES: list[tuple[str, dict[str, Any], str]] = [
    ("what is there is no news", {"gpu": ("AMPERE_80",)}, ""),
    ("any GPU will do", {}, ""),
    ("the second choice", {"gpu": ("ADA_24", "AMPERE_80")}, "no stock of ADA_24 now: workers will be AMPERE_80 ($2.74/h in US-KS-2)"),
    ("the price of two GPUs a worker", {"gpu": ("ADA_24", "ADA_80_PRO"), "count": 2}, "no stock of ADA_24 now: workers will be ADA_80_PRO ($8.36/h in EU-RO-1, US-KS-2)"),
    ("only the allowed data centre counts", {"gpu": ("AMPERE_80", "ADA_80_PRO"), "datacenter": "EU-RO-1"}, "no stock of AMPERE_80 now: workers will be ADA_80_PRO ($4.18/h in EU-RO-1)"),
    ("one of several types of a pool is enough", {"gpu": ("NVIDIA A100 80GB PCIe", "ADA_24")}, "no stock of ADA_24 now: workers will be AMPERE_80 ($2.74/h in US-KS-2)"),
    ("a pool that the catalogue does not know may be there", {"gpu": ("BLACKWELL_180",)}, ""),
    ("a CPU that is there is no news", {"cpu": ("cpu3g-2-8",)}, ""),
    ("one of several flavours is enough", {"cpu": ("cpu3c-2-4", "cpu3g-2-8")}, ""),
    ("a flavour that the catalogue lacks may be there", {"cpu": ("cpu5c-2-4",)}, ""),
    ("a CPU where the volume is", {"cpu": ("cpu3g-2-8",), "volume": "models:50"}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("values", "text"), [c[1:] for c in SENTENCES], ids=[c[0] for c in SENTENCES])
def test_what_is_said(values: dict[str, Any], text: str) -> None:
    assert ask(spec_of(**values))[0] == text


def test_it_is_one_request() -> None:
    _, requests = ask(spec_of(gpu=("ADA_80_PRO",), count=2))
    assert requests == ["http://runpod.test/v2/catalog/gpus?include=AVAILABILITY&product=SERVERLESS&count=2"]
    _, requests = ask(spec_of(cpu=("cpu3g-2-8",)))
    assert requests == ["http://runpod.test/v2/catalog/cpus?include=AVAILABILITY&product=SERVERLESS"]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "a volume's data centre without the GPU: what is there, and where the GPU is",
        {"gpu": ("AMPERE_80",), "volume": "models:50"},
        ("Runpod lists no stock of AMPERE_80 in EU-RO-1; nothing was made\n"
        "  → choose gpu= of what has stock in EU-RO-1: AMPERE_24 ($0.69/h in EU-RO-1); ADA_80_PRO ($4.18/h in EU-RO-1)"
        "; or choose another datacenter= and a volume there: AMPERE_80 ($2.74/h in US-KS-2)"),
    ),
    (
        "the data centre of a volume that is given by its id",
        {"gpu": ("AMPERE_80",), "volume": "id:vol-ro"},
        ("Runpod lists no stock of AMPERE_80 in EU-RO-1; nothing was made\n"
        "  → choose gpu= of what has stock in EU-RO-1: AMPERE_24 ($0.69/h in EU-RO-1); ADA_80_PRO ($4.18/h in EU-RO-1)"
        "; or choose another datacenter= and a volume there: AMPERE_80 ($2.74/h in US-KS-2)"),
    ),
    (
        "a CPU that is nowhere",
        {"cpu": ("cpu3c-2-4",)},
        ("Runpod lists no stock of cpu3c-2-4; nothing was made\n"
        "  → choose what has stock: cpu=cpu3g-2-8 ($0.08/h)"),
    ),
    (
        "the data centre of a volume without the CPU: where it is",
        {"cpu": ("cpu3c-2-4", "cpu3g-2-8"), "volume": "id:vol-ks"},
        ("Runpod lists no stock of cpu3c-2-4, cpu3g-2-8 in US-KS-2; nothing was made\n"
        "  → choose another data centre and a volume there: datacenter=EU-RO-1"),
    ),
    (
        "a GPU that is nowhere",
        {"gpu": ("ADA_24",)},
        ("Runpod lists no stock of ADA_24; nothing was made\n"
        "  → choose gpu= of what has stock: AMPERE_24 ($0.69/h in EU-RO-1); AMPERE_80 ($2.74/h in US-KS-2)"
        "; ADA_80_PRO ($4.18/h in EU-RO-1, US-KS-2)"),
    ),
    (
        "the one type of a pool that is not there",
        {"gpu": ("NVIDIA A100-SXM4-80GB",), "count": 2},
        ("Runpod lists no stock of 2 x NVIDIA A100-SXM4-80GB; nothing was made\n"
        "  → choose gpu= of what has stock: AMPERE_24 ($1.38/h in EU-RO-1); AMPERE_80 ($5.48/h in US-KS-2)"
        "; ADA_80_PRO ($8.36/h in EU-RO-1, US-KS-2)"),
    ),
    (
        "nothing at all in a data centre",
        {"datacenter": "US-WA-1"},
        ("Runpod lists no stock of any GPU in US-WA-1; nothing was made\n"
        "  → choose another datacenter=: AMPERE_24 ($0.69/h in EU-RO-1); AMPERE_80 ($2.74/h in US-KS-2)"
        "; ADA_80_PRO ($4.18/h in EU-RO-1, US-KS-2)"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("values", "text"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_would_work_instead(values: dict[str, Any], text: str) -> None:
    with pytest.raises(NoStockError) as caught:
        ask(spec_of(**values))
    assert str(caught.value) == text


BY_ID: list[tuple[str, Any]] = [
    ("networkVolumeId=", LiveServerless(name="t", gpus=[GpuGroup.AMPERE_80], networkVolumeId="vol-ro")),
    ("NetworkVolume(id=)", LiveServerless(name="t", gpus=[GpuGroup.AMPERE_80], networkVolume=NetworkVolume(id="vol-ro"))),
]  # fmt: skip


@pytest.mark.parametrize("resource", [c[1] for c in BY_ID], ids=[c[0] for c in BY_ID])
def test_a_class_with_a_volume_by_its_id_is_bound_to_its_data_centre(resource: LiveServerless) -> None:
    with pytest.raises(NoStockError, match="no stock of AMPERE_80 in EU-RO-1"):
        ask(resource.spec(owner="ann"))


def test_volumes_by_their_ids_leave_each_of_their_data_centres() -> None:
    both = LiveServerless(
        name="t",
        gpus=[GpuGroup.AMPERE_80],
        networkVolumes=[NetworkVolume(id="vol-ro"), NetworkVolume(id="vol-ks")],
    )
    text, requests = ask(both.spec(owner="ann"))
    assert (text, requests[1:]) == ("", ["http://runpod.test/v2/network-volumes"])


UNPLACED: list[tuple[str, str, httpx.Response | None]] = [
    ("an id that the account does not list", "id:shared", None),
    ("a key that may not read volumes", "id:vol-ro", httpx.Response(403)),
    ("too many requests", "id:vol-ro", httpx.Response(429, headers={"Retry-After": "50"})),
    ("a bad day", "id:vol-ro", httpx.Response(503)),
    ("no answer that can be read", "id:vol-ro", httpx.Response(200, text="<html>")),
]


@pytest.mark.parametrize(("volume", "answer"), [c[1:] for c in UNPLACED], ids=[c[0] for c in UNPLACED])
def test_a_volume_that_nobody_finds_hinders_nothing(volume: str, answer: httpx.Response | None) -> None:
    text, requests = ask(spec_of(gpu=("AMPERE_80",), volume=volume), volumes=answer)
    assert (text, len(requests)) == ("", 2)


def test_a_volume_whose_data_centre_is_said_is_not_looked_up() -> None:
    assert len(ask(spec_of(gpu=("ADA_80_PRO",), volume="id:vol-ks", datacenter="EU-RO-1"))[1]) == 1
    assert len(ask(spec_of(gpu=("ADA_80_PRO",), volume="models:50"))[1]) == 1


def test_nothing_is_to_be_had_anywhere() -> None:
    with pytest.raises(NoStockError) as caught:
        ask(spec_of(gpu=("ADA_24",)), [RTX_4090])
    assert str(caught.value) == "Runpod lists no stock of ADA_24; nothing was made\n  → try again later"


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_without_a_catalogue_the_endpoint_is_made_all_the_same(status: int) -> None:
    for wanted in ({"gpu": ("ADA_24",)}, {"cpu": ("cpu3c-2-4",)}):
        text, requests = ask(spec_of(**wanted), httpx.Response(status, headers={"Retry-After": "50"}))
        assert (text, len(requests)) == ("", 1)


def test_an_answer_that_can_not_be_read_is_no_answer() -> None:
    assert ask(spec_of(gpu=("ADA_24",)), httpx.Response(200, text="<html>"))[0] == ""


def test_levels_that_come_later_are_no_reason_to_refuse() -> None:
    assert ask(spec_of(gpu=("ADA_24",)), [gpu("NVIDIA GeForce RTX 4090", "ADA_24", 1.1, "RESERVED")])[0] == ""
