"""What the catalogue says before an endpoint is made: what it costs, what falls back, what there is instead.

Stock is a hint: it is listed, which is not the same as to be had. So an answer that does not come changes nothing, and
the order of pools stays the user's: the platform tries them in this order whenever a worker starts.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from flash_jupyter.errors import ApiError, NoStockError
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.resources.hardware import ANY, CPUS, pools_of
from flash_jupyter.session.volumes import bound_to_volumes
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import ONCE
from flash_jupyter.wire.catalog import CpuType, GpuType, Level
from flash_jupyter.wire.control import Endpoint

#: None: nobody says, so it may be there
RANK: Mapping[Level | None, int] = {"NONE": 0, "LOW": 1, "MEDIUM": 2, "HIGH": 3, None: 1}
#: how many other possibilities a message names
SHOWN = 4
#: how many a sentence about a job that waits names
OFFERED = 3


@dataclass(frozen=True)
class PoolStock:
    """A pool in the data centres that are allowed: the best level of its GPUs, and where they have it."""

    pool: str
    rank: int
    places: tuple[str, ...]
    usd_per_hour: float | None

    def describe(self, count: int = 1) -> str:
        """Say price and places.

        >>> PoolStock("ADA_24", 3, ("US-KS-2", "EU-RO-1"), 1.1).describe()
        'ADA_24 ($1.10/h in US-KS-2, EU-RO-1)'
        """
        price = f"${self.usd_per_hour * count:.2f}/h" if self.usd_per_hour is not None else ""
        where = f"in {', '.join(self.places[:SHOWN])}" if self.places else ""
        note = " ".join(filter(None, [price, where]))
        return f"{self.pool} ({note})" if note else self.pool


async def check_stock(control: Control, spec: EndpointSpec) -> str:
    """Return one sentence about price and fallback, empty where there is nothing to say.

    One request, and one more for volumes that are given by their ids alone, which are in a data centre too. Raises
    `NoStockError` where the catalogue lists none of what `spec` asks for.
    """
    cpus, gpus = tuple[CpuType, ...](), tuple[GpuType, ...]()
    try:
        if spec.cpus:
            cpus = await control.catalog.cpus(retry=ONCE)
        else:
            gpus = await control.catalog.gpus(count=spec.gpu_count, retry=ONCE)
    except ApiError:  # the catalogue is a hint: without it, or without the right to read it, the endpoint is made
        return ""
    spec = await bound_to_volumes(control.volumes, spec)
    if spec.cpus:
        _check_cpus(cpus, spec)
        return ""
    wanted = stock_of(gpus, spec)
    if wanted and not any(stock.rank for stock in wanted):
        raise no_stock(gpus, spec)
    return _sentence(spec, wanted)


def stock_of(gpus: Iterable[GpuType], spec: EndpointSpec) -> list[PoolStock]:
    """Return the stock of each pool that `spec` names, in its order; a pool that the catalogue lacks is left out."""
    pools, excluded = pools_of(spec.gpus)
    allowed = [gpu for gpu in gpus if gpu.id not in excluded]
    listed = ((pool, [gpu for gpu in allowed if gpu.pool == pool]) for pool in pools)
    return [_pool_stock(pool, found, spec.data_centers) for pool, found in listed if found]


def no_stock(gpus: Iterable[GpuType], spec: EndpointSpec) -> NoStockError:
    """Return the error that says what would work instead: other GPUs here, the same ones elsewhere, with prices."""
    pools, excluded = pools_of(spec.gpus)
    catalogue = list(gpus)
    wanted = [gpu for gpu in catalogue if gpu.pool in pools and gpu.id not in excluded]
    others, movable = _instead(catalogue, wanted, spec.data_centers)
    there, elsewhere = ([stock.describe(spec.gpu_count) for stock in found[:SHOWN]] for found in (others, movable))
    here = f" in {', '.join(spec.data_centers)}" if spec.data_centers else ""
    fixes = [f"choose gpu= of what has stock{here}: {'; '.join(there)}"] if there else []
    if elsewhere:
        volume = " and a volume there" if spec.volumes else ""
        fixes.append(f"choose another datacenter={volume}: {'; '.join(elsewhere)}")
    count = f"{spec.gpu_count} x " if spec.gpu_count > 1 else ""
    asked = count + ("any GPU" if ANY in spec.gpus else ", ".join(spec.gpus))
    return NoStockError(
        f"Runpod lists no stock of {asked}{here}; nothing was made",
        alternatives=[*there, *elsewhere],
        fix="; or ".join(fixes) or "try again later",
    )


def _check_cpus(cpus: Iterable[CpuType], spec: EndpointSpec) -> None:
    """Raise `NoStockError` where no flavour that `spec` names has stock; what the catalogue lacks may be there."""
    instances, catalogue = [CPUS[cpu] for cpu in spec.cpus], list(cpus)
    flavors = {instance.flavor for instance in instances}
    wanted = [cpu for cpu in catalogue if cpu.flavor in flavors]
    if not wanted or any(_has_stock(cpu, spec.data_centers) for cpu in wanted):
        return
    here = f" in {', '.join(spec.data_centers)}" if spec.data_centers else ""
    there = _other_cpus(catalogue, flavors, {instance.vcpus for instance in instances}, spec.data_centers)
    fixes = [f"choose what has stock{here}: {'; '.join(there)}"] if there else []
    places = dict.fromkeys(place.id for cpu in wanted for place in cpu.data_centers if RANK[place.availability])
    elsewhere = [f"datacenter={place}" for place in places] if spec.data_centers else []
    if elsewhere:
        volume = " and a volume there" if spec.volumes else ""
        fixes.append(f"choose another data centre{volume}: {'; '.join(elsewhere)}")
    raise NoStockError(
        f"Runpod lists no stock of {', '.join(spec.cpus)}{here}; nothing was made",
        alternatives=[*there, *elsewhere],
        fix="; or ".join(fixes) or "try again later",
    )


def gpu_offers(gpus: Iterable[GpuType], endpoint: Endpoint) -> list[str]:
    """Return what has stock and would do for an endpoint without a free machine, as options with price.

    Other pools where it may run, those with as much memory first; and its own in other data centres, where it is bound
    to some.
    """
    if endpoint.gpu is None:
        return []
    pools, excluded = endpoint.gpu.get("pools", ()), endpoint.gpu.get("excludedTypes", ())
    catalogue = list(gpus)
    wanted = [gpu for gpu in catalogue if gpu.pool in pools and gpu.id not in excluded]
    others, movable = _instead(catalogue, wanted, tuple(endpoint.data_centers))
    count, memory_gb = int(endpoint.gpu.get("count") or 1), min((gpu.memory_gb for gpu in wanted), default=0)
    large = {gpu.pool for gpu in catalogue if gpu.memory_gb >= memory_gb}
    others.sort(key=lambda stock: stock.pool not in large)
    volume = " and a volume there" if endpoint.network_volumes else ""
    moves = [
        f"datacenter={place}{volume} ({stock.pool}{_at(stock.usd_per_hour, count)})"
        for stock in movable
        for place in stock.places
        if place not in endpoint.data_centers
    ]
    return [*(f"gpu={stock.describe(count)}" for stock in others[:OFFERED]), *moves[:OFFERED]]


def cpu_offers(cpus: Iterable[CpuType], endpoint: Endpoint) -> list[str]:
    """Return the CPU instances of the same size that have stock where the endpoint may run, as options with price."""
    wanted = {cpu["id"]: int(cpu["vcpuCount"]) for cpu in endpoint.cpu or ()}
    return _other_cpus(cpus, wanted, set(wanted.values()), endpoint.data_centers)


def _other_cpus(
    cpus: Iterable[CpuType], flavors: Container[str], sizes: Container[int], data_centers: Iterable[str]
) -> list[str]:
    """Return instances with so many vCPUs of other flavours, where these have stock."""
    stocked = [cpu for cpu in cpus if cpu.flavor not in flavors and _has_stock(cpu, data_centers)]
    found = (
        (cpu, instance)
        for cpu in stocked
        for instance in CPUS.values()
        if instance.flavor == cpu.flavor and instance.vcpus in sizes
    )
    return [
        f"cpu={instance.id}" + (f" (${cpu.price.per_vcpu * instance.vcpus:.2f}/h)" if cpu.price.per_vcpu else "")
        for cpu, instance in found
    ][:OFFERED]


def _has_stock(cpu: CpuType, data_centers: Iterable[str]) -> bool:
    allowed = set(data_centers)
    places = [place for place in cpu.data_centers if place.id in allowed]
    # one that lists no place at all may be anywhere
    in_places = allowed and cpu.data_centers
    return any(RANK[place.availability] for place in places) if in_places else bool(RANK[cpu.availability])


def _at(usd_per_hour: float | None, count: int) -> str:
    return "" if usd_per_hour is None else f", ${usd_per_hour * count:.2f}/h"


def _instead(
    catalogue: list[GpuType], wanted: list[GpuType], data_centers: tuple[str, ...]
) -> tuple[list[PoolStock], list[PoolStock]]:
    """Return what else has stock in these data centres, and what is wanted in any, where they are restricted."""
    others = _available([gpu for gpu in catalogue if gpu not in wanted], data_centers)
    return others, _available(wanted, ()) if data_centers else []


def _available(gpus: list[GpuType], data_centers: tuple[str, ...]) -> list[PoolStock]:
    """The pools that have stock, cheapest first."""
    listed = (
        _pool_stock(pool, [gpu for gpu in gpus if gpu.pool == pool], data_centers)
        for pool in dict.fromkeys(gpu.pool for gpu in gpus)
        if pool
    )
    return sorted((s for s in listed if s.rank), key=lambda s: (s.usd_per_hour is None, s.usd_per_hour or 0.0))


def _sentence(spec: EndpointSpec, wanted: list[PoolStock]) -> str:
    """Say which named pools wait, and what a worker costs; of `any` only what is not to be had is no news."""
    if not wanted or ANY in spec.gpus:
        return ""
    missing = [stock.pool for stock in wanted if not stock.rank]
    first = next(stock for stock in wanted if stock.rank)
    if not missing:
        return ""
    return f"no stock of {', '.join(missing)} now: workers will be {first.describe(spec.gpu_count)}"


def _pool_stock(pool: str, gpus: list[GpuType], data_centers: tuple[str, ...]) -> PoolStock:
    ranks, places = [0], dict[str, None]()
    for gpu in gpus:
        here = [place for place in gpu.data_centers if not data_centers or place.id in data_centers]
        places.update((place.id, None) for place in here if RANK[place.availability])
        if data_centers:
            # a GPU that lists no place at all may be anywhere
            ranks += [RANK[place.availability] for place in here] or (
                [] if gpu.data_centers else [RANK[gpu.availability]]
            )
        else:
            ranks.append(RANK[gpu.availability])
    prices = [gpu.price.serverless for gpu in gpus if gpu.price.serverless is not None]
    return PoolStock(pool, max(ranks), tuple(places), max(prices, default=None))
