"""Prices: our table first, then the catalogue, which is asked once; what nobody says is None."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.session.prices import Prices
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http

CATALOGUE = {
    "/v2/catalog/cpus": {"cpus": [{"id": "cpu3c", "price": {"serverlessPerVcpu": 0.03}}, {"id": "cpu5c-2-4"}]},
    "/v2/catalog/gpus": {
        "gpus": [
            {"id": "NVIDIA GeForce RTX 5090", "pool": "ADA_32_PRO", "price": {"serverless": 1.5}},
            {"id": "NVIDIA GeForce RTX 4090", "pool": "ADA_24", "price": {"serverless": 9.9}},
        ]
    },
}
ASKED: list[tuple[str, dict[str, Any], float | None, int]] = [
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


@pytest.mark.parametrize(("hardware", "price", "questions"), [c[1:] for c in ASKED], ids=[c[0] for c in ASKED])
def test_a_price(hardware: dict[str, Any], price: float | None, questions: int) -> None:
    assert ask(hardware) == ([price, price], questions)


def test_a_catalogue_that_does_not_answer_is_no_failure() -> None:
    assert ask({"cpu": [{"id": "cpu3c", "vcpuCount": 4}]}, status=503) == ([None, None], 2)
