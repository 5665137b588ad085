from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.resources.endpoint import endpoint_spec
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.cost import job_cost_usd, price_per_hour_usd

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
    assert price_per_hour_usd(spec, "runpod") == (price and pytest.approx(price))
    assert price_per_hour_usd(spec, "local") is None


def test_what_is_not_billed_costs_nothing_to_say() -> None:
    assert job_cost_usd(None, 1000) is None
    assert job_cost_usd(1.0, None) is None
