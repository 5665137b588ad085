from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.resources.endpoint import endpoint_spec
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.cost import Prices, Rate, hardware_of, job_cost_usd, rate_of, table_usd_per_hour
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http
from flash_jupyter.wire.control import Endpoint

PRICES: list[tuple[str, dict[str, Any], float | None]] = [
    ("one pool", {"gpu": ("AMPERE_80",)}, 0.00076 * 3600),
    ("two GPUs a worker", {"gpu": ("AMPERE_80",), "count": 2}, 0.00076 * 7200),
    ("the dearest of several", {"gpu": ("AMPERE_16", "HOPPER_141")}, 0.00155 * 3600),
    ("any", {}, 0.0024 * 3600),
    ("a pool without a documented price", {"gpu": ("ADA_32_PRO",)}, None),
    ("CPU prices are not documented", {"cpu": ("cpu3c-2-4",)}, None),
]


@pytest.mark.parametrize(("values", "price"), [c[1:] for c in PRICES], ids=[c[0] for c in PRICES])
def test_price(values: dict[str, Any], price: float | None) -> None:
    spec = endpoint_spec(make_options(**values), owner="ann")
    assert table_usd_per_hour(hardware_of(spec, None)) == (price and pytest.approx(price))


EXISTING = Endpoint(
    id="e1",
    name="trainer",
    gpu={"pools": ["ADA_24"], "count": 2},
    workers={"min": 0, "max": 5, "idleTimeout": 7},
    timeout=30_000,
)
ASKED: list[tuple[str, dict[str, Any], Rate, dict[str, Any]]] = [
    ("nothing: it is as it is", {}, Rate("trainer", 1.0, 5, 7, 30, gpu_count=2), {"gpu": EXISTING.gpu}),
    ("fewer workers", {"workers": (0, 1)}, Rate("trainer", 1.0, 1, 7, 30, gpu_count=2), {"gpu": EXISTING.gpu}),
    (
        "other hardware",
        {"gpu": ("AMPERE_80",), "idle": 9},
        Rate("trainer", 1.0, 5, 9, 30, gpu_count=1),
        {"gpu": {"pools": ["AMPERE_80"], "count": 1}},
    ),
]


@pytest.mark.parametrize(("values", "rate", "hardware"), [c[1:] for c in ASKED], ids=[c[0] for c in ASKED])
def test_an_endpoint_that_exists_costs_what_it_is(values: dict[str, Any], rate: Rate, hardware: dict[str, Any]) -> None:
    spec = endpoint_spec(make_options(name="trainer", **values), owner="ann")
    assert rate_of(spec, EXISTING, 1.0, is_charged=True) == rate
    assert hardware_of(spec, EXISTING) == hardware


def test_what_is_not_billed_costs_nothing_to_say() -> None:
    assert job_cost_usd(None, 1000) is None
    assert job_cost_usd(1.0, None) is None


CATALOGUE = {
    "/v2/catalog/cpus": {"cpus": [{"id": "cpu3c", "price": {"serverlessPerVcpu": 0.03}}, {"id": "cpu5c-2-4"}]},
    "/v2/catalog/gpus": {
        "gpus": [
            {"id": "NVIDIA GeForce RTX 5090", "pool": "ADA_32_PRO", "price": {"serverless": 1.5}},
            {"id": "NVIDIA GeForce RTX 4090", "pool": "ADA_24", "price": {"serverless": 9.9}},
        ]
    },
}
IN_CATALOGUE: list[tuple[str, dict[str, Any], float | None, int]] = [
    ("a pool of the table", {"gpu": {"pools": ["ADA_24"], "count": 2}}, 2.232, 0),
    ("a pool that the docs do not price", {"gpu": {"pools": ["ADA_32_PRO"], "count": 2}}, 3.0, 1),
    ("a CPU", {"cpu": [{"id": "cpu3c", "vcpuCount": 4}]}, 0.12, 1),
    ("a CPU without a price", {"cpu": [{"id": "cpu5c", "vcpuCount": 4}]}, None, 1),
    ("a pool that nobody knows", {"gpu": {"pools": ["NEW_99"]}}, None, 1),
]


def ask(hardware: dict[str, Any], *, status: int = 200) -> tuple[list[float | None], int]:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(status, json=CATALOGUE[request.url.path])

    async def main() -> list[float | None]:
        http = Http(BACKEND, transport=httpx.MockTransport(answer))
        prices = Prices(Control(http).catalog)
        found = [await prices.usd_per_hour(hardware) for _ in range(2)]
        await http.aclose()
        return found

    return asyncio.run(main()), len(paths)


@pytest.mark.parametrize(
    ("hardware", "price", "questions"), [c[1:] for c in IN_CATALOGUE], ids=[c[0] for c in IN_CATALOGUE]
)
def test_a_price(hardware: dict[str, Any], price: float | None, questions: int) -> None:
    assert ask(hardware) == ([price, price], questions)


def test_a_catalogue_that_does_not_answer_is_no_failure() -> None:
    assert ask({"cpu": [{"id": "cpu3c", "vcpuCount": 4}]}, status=503) == ([None, None], 2)
