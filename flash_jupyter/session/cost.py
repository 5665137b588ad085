"""What a worker costs: price per hour and per job, from the table of hardware."""

from __future__ import annotations

from collections.abc import Iterable

from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.resources.hardware import POOLS, pools_of
from flash_jupyter.settings import BackendName
from flash_jupyter.wire.control import Endpoint


def price_per_hour_usd(spec: EndpointSpec, backend: BackendName) -> float | None:
    """Return the most that a worker of `spec` costs in an hour; None where nothing is billed or nothing is documented.

    With several pools the platform chooses, so the dearest counts. Flex prices; Runpod docs, serverless/pricing.
    """
    if backend == "local" or spec.cpus:
        return None
    pools, _ = pools_of(spec.gpus)
    return _dearest_usd_per_hour(pools, spec.gpu_count)


def worker_usd_per_hour(endpoint: Endpoint) -> float | None:
    """Return the most that a worker of an existing endpoint costs in an hour; None where nothing is documented.

    >>> worker_usd_per_hour(Endpoint(id="e", name="n", gpu={"pools": ["ADA_24"], "count": 2}))
    2.232
    """
    gpu = endpoint.gpu or {}
    return _dearest_usd_per_hour(gpu.get("pools") or (), gpu.get("count") or 1)


def _dearest_usd_per_hour(pools: Iterable[str], gpu_count: int) -> float | None:
    prices = [POOLS[pool].usd_per_s for pool in pools if pool in POOLS]
    known = [price for price in prices if price is not None]
    return round(max(known) * 3600 * gpu_count, 4) if known else None


def job_cost_usd(price_usd: float | None, execution_ms: int | None) -> float | None:
    """Return what the execution of one job costs, rounded up to a whole second as it is billed; without idle time.

    >>> job_cost_usd(3.6, 1500)
    0.002
    """
    if price_usd is None or execution_ms is None:
        return None
    seconds = -(-execution_ms // 1000)
    return round(price_usd / 3600 * seconds, 6)
