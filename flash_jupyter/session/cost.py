"""What a worker costs: price per hour and per job, from the table of hardware."""

from __future__ import annotations

from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.resources.hardware import POOLS, pools_of
from flash_jupyter.settings import BackendName


def price_per_hour_usd(spec: EndpointSpec, backend: BackendName) -> float | None:
    """Return the most that a worker of `spec` costs in an hour; None where nothing is billed or nothing is documented.

    With several pools the platform chooses, so the dearest counts. Flex prices; Runpod docs, serverless/pricing.
    """
    if backend == "local" or spec.cpus:
        return None
    pools, _ = pools_of(spec.gpus)
    prices = [price for pool in pools if (price := POOLS[pool].usd_per_s) is not None]
    return max(prices) * 3600 * spec.gpu_count if prices else None


def job_cost_usd(price_usd: float | None, execution_ms: int | None) -> float | None:
    """Return what the execution of one job costs, rounded up to a whole second as it is billed; without idle time.

    >>> job_cost_usd(3.6, 1500)
    0.002
    """
    if price_usd is None or execution_ms is None:
        return None
    seconds = -(-execution_ms // 1000)
    return round(price_usd / 3600 * seconds, 6)
