from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.resources.endpoint import endpoint_spec
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.cost import Rate, hardware_of, job_cost_usd, rate_of, table_usd_per_hour
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
