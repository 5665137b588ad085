"""What a worker costs: price per hour by the table of hardware or the catalogue, and what a job costs at a price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flash_jupyter.errors import ApiError
from flash_jupyter.resources.endpoint import EndpointSpec, hardware
from flash_jupyter.resources.hardware import ANY, POOLS
from flash_jupyter.session.events import Measured, Sent
from flash_jupyter.settings import BackendName
from flash_jupyter.transport.catalog import Catalog
from flash_jupyter.transport.http import ONCE
from flash_jupyter.wire.control import Endpoint
from flash_jupyter.wire.jobs import Health, Job

#: fields of a spec that say which hardware is meant
HARDWARE_FIELDS = frozenset({"gpus", "cpus", "gpu_count"})


@dataclass(frozen=True)
class Rate:
    """What the workers of an endpoint cost: `usd_per_hour` is for one, at most; None where nobody says.

    `idle_s` is how long a worker waits, `timeout_s` how long a job may run that says nothing. `is_charged` is false on
    the embedded Runpod: its prices are the catalogue's. `gpu_count` is 0 for CPU workers. `is_standing` says that it
    was deployed: who calls it can't choose what its workers are, nor how long a job may run.
    """

    endpoint: str
    usd_per_hour: float | None
    workers_max: int
    idle_s: float
    timeout_s: float
    is_charged: bool = True
    gpu_count: int = 1
    is_standing: bool = False

    @property
    def usd_per_s(self) -> float:
        """The price of a second; 0 where it is not known."""
        return (self.usd_per_hour or 0.0) / 3600

    @property
    def most_usd_per_hour(self) -> float:
        """What all its workers cost together; 0 where it is not known."""
        return (self.usd_per_hour or 0.0) * self.workers_max

    @property
    def charged_usd_per_hour(self) -> float | None:
        """The price of a worker where it is charged."""
        return self.usd_per_hour if self.is_charged else None


def hardware_of(spec: EndpointSpec, found: Endpoint | None) -> dict[str, Any]:
    """Return the hardware of an endpoint as REST v2 spells it: its own where it exists and the user says no other."""
    if found is None or spec.said & HARDWARE_FIELDS:
        return hardware(spec)
    return {"cpu": found.cpu} if found.cpu else {"gpu": found.gpu or {}}


def rate_of(spec: EndpointSpec, found: Endpoint | None, usd_per_hour: float | None, *, is_charged: bool) -> Rate:
    """Return what an endpoint costs that exists, or is made from `spec`; what the user says goes before what is."""
    workers = found.workers if found else {}
    gpu = hardware_of(spec, found).get("gpu")
    kept_timeout_ms = found.timeout if found and "timeout_ms" not in spec.said else 0
    return Rate(
        endpoint=found.name if found else spec.name,
        usd_per_hour=usd_per_hour,
        workers_max=int(_kept("workers_max", spec, workers.get("max"))),
        idle_s=float(_kept("idle_s", spec, workers.get("idleTimeout"))),
        timeout_s=(kept_timeout_ms or spec.timeout_ms) / 1000,
        is_charged=is_charged,
        gpu_count=int(gpu.get("count") or 1) if gpu is not None else 0,
    )


def rate_of_existing(endpoint: Endpoint, *, is_charged: bool) -> Rate:
    """Return what an endpoint costs, by our table, where nobody asks for it to be another."""
    spec = EndpointSpec(endpoint.name, None, "")
    return rate_of(spec, endpoint, worker_usd_per_hour(endpoint), is_charged=is_charged)


def price_per_hour_usd(spec: EndpointSpec, backend: BackendName) -> float | None:
    """Return the most that a worker of `spec` costs in an hour, by our table; None where nothing is charged."""
    return None if backend == "local" else table_usd_per_hour(hardware(spec))


def table_usd_per_hour(chosen: Mapping[str, Any]) -> float | None:
    """Return the most that a worker costs by our table; None for CPUs, and for what the docs do not price.

    With several pools the platform chooses, so the dearest counts. Flex prices; Runpod docs, serverless/pricing.

    >>> table_usd_per_hour({"gpu": {"pools": ["ADA_24", "AMPERE_16"], "count": 2}})
    2.232
    >>> table_usd_per_hour({"cpu": [{"id": "cpu3c", "vcpuCount": 2}]}) is None
    True
    """
    gpu = chosen.get("gpu") or {}
    prices = [POOLS[pool].usd_per_s for pool in gpu.get("pools") or () if pool in POOLS]
    known = [price for price in prices if price is not None]
    return round(max(known) * 3600 * (gpu.get("count") or 1), 4) if known else None


def worker_usd_per_hour(endpoint: Endpoint) -> float | None:
    """Return the most that a worker of an existing endpoint costs in an hour; None where nothing is documented.

    >>> worker_usd_per_hour(Endpoint(id="e", name="n", gpu={"pools": ["ADA_24"], "count": 2}))
    2.232
    """
    return table_usd_per_hour({"gpu": endpoint.gpu})


def billed_workers(endpoint: Endpoint, health: Health | None) -> int:
    """Return how many workers of an endpoint are billed now: those that run, and at least the active ones.

    Idle and initializing ones are not billed (Runpod docs, serverless/workers/overview). Without a health, as of a load
    balancer, only the active ones are known.

    >>> billed_workers(Endpoint(id="e", name="n", workers={"min": 1}), None)
    1
    >>> busy = Health.model_validate({"workers": {"running": 2, "idle": 1}})
    >>> billed_workers(Endpoint(id="e", name="n"), busy)
    2
    """
    return max(health.workers.running if health else 0, int(endpoint.workers.get("min") or 0))


def job_cost_usd(price_usd: float | None, execution_ms: int | None) -> float | None:
    """Return what the execution of one job costs, rounded up to a whole second as it is billed; without idle time.

    >>> job_cost_usd(3.6, 1500)
    0.002
    """
    if price_usd is None or execution_ms is None:
        return None
    seconds = -(-execution_ms // 1000)
    return round(price_usd / 3600 * seconds, 6)


def _kept(name: str, spec: EndpointSpec, existing: Any) -> Any:
    """What an endpoint has, unless the user says another."""
    return getattr(spec, name) if existing is None or name in spec.said else existing


def sent_to(spec: EndpointSpec, rate: Rate, backend: BackendName, job_id: str) -> Sent:
    """Say where a job goes now."""
    return Sent(backend, spec.name, _asked_hardware(spec), rate.charged_usd_per_hour, job_id)


def measured(job: Job, rate: Rate | None) -> Measured:
    """Say what a job took, which is final; without a rate its price is not known."""
    price = rate.charged_usd_per_hour if rate else None
    return Measured(job.worker_id, job.delay_ms, job.execution_ms, job_cost_usd(price, job.execution_ms))


def _asked_hardware(spec: EndpointSpec) -> str:
    """Name the hardware that was asked for; empty where any will do.

    >>> _asked_hardware(EndpointSpec("e", None, "me", gpus=("AMPERE_80", "ADA_24"), gpu_count=2))
    '2 x AMPERE_80 or ADA_24'
    """
    names = spec.cpus or tuple(gpu.removeprefix("NVIDIA ") for gpu in spec.gpus if gpu != ANY)
    count = f"{spec.gpu_count} x " if names and spec.gpu_count > 1 else ""
    return count + " or ".join(names)


class Prices:
    """Prices of one backend: of CPUs and of pools that the docs do not price, the catalogue's.

    It is asked at most once for GPUs and once for CPUs, when it is needed.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._pools: dict[str, float] | None = None
        self._flavors: dict[str, float] | None = None

    async def usd_per_hour(self, hardware: Mapping[str, Any]) -> float | None:
        """Return the most that one worker costs an hour; None where nobody says. `hardware` is as REST v2 spells it."""
        known = table_usd_per_hour(hardware)
        if known is not None:
            return known
        try:
            return await (self._of_cpu(hardware["cpu"]) if hardware.get("cpu") else self._of_gpu(hardware["gpu"]))
        except ApiError:  # a price is worth one question, not a failed cell
            return None

    async def _of_cpu(self, chosen: list[dict[str, Any]]) -> float | None:
        if self._flavors is None:
            listed = await self._catalog.cpus(retry=ONCE)
            self._flavors = {_family(cpu.id): price for cpu in listed if (price := cpu.price.per_vcpu) is not None}
        prices = [self._flavors.get(_family(str(cpu.get("id")))) for cpu in chosen]
        costs = [p * int(cpu.get("vcpuCount") or 1) for p, cpu in zip(prices, chosen, strict=True) if p is not None]
        return round(max(costs), 4) if costs else None

    async def _of_gpu(self, chosen: Mapping[str, Any]) -> float | None:
        if self._pools is None:
            listed = await self._catalog.gpus(retry=ONCE)
            self._pools = {}
            for gpu in listed:
                if gpu.pool and gpu.price.serverless is not None:
                    self._pools[gpu.pool] = max(gpu.price.serverless, self._pools.get(gpu.pool, 0.0))
        costs = [self._pools[pool] for pool in chosen.get("pools") or () if pool in self._pools]
        return round(max(costs) * int(chosen.get("count") or 1), 4) if costs else None


def _family(flavor: str) -> str:
    """Return a flavour without its size: the document has `cpu3c` and `cpu3c-2-4`.

    >>> _family("cpu3c-2-4")
    'cpu3c'
    """
    return flavor.partition("-")[0]
