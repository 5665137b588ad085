"""GPU pools, GPU types and CPU instances: what may stand behind `gpu=` and `cpu=`, and what a second costs.

Endpoints are placed by pool; a GPU type narrows its pool by leaving out the siblings. Sources: Runpod docs,
references/gpu-types and serverless/pricing (read 2026-08-20); device names as `GET /v2/catalog/gpus` spells them. The
docs key the price table by GPU names; the join to pools is ours.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from flash_jupyter import limits
from flash_jupyter.errors import OptionError

ANY = "any"


@dataclass(frozen=True)
class GpuPool:
    """GPUs that are placed and priced together; `usd_per_s` is the flex price of one GPU, None where not documented."""

    id: str
    memory_gb: int
    usd_per_s: float | None
    types: tuple[str, ...]


@dataclass(frozen=True)
class CpuInstance:
    """A CPU worker's size, e.g. `cpu3c-2-4`: flavour, vCPUs, memory in GB."""

    flavor: str
    vcpus: int
    memory_gb: int

    @property
    def id(self) -> str:
        """The name that users and the old client give it."""
        return f"{self.flavor}-{self.vcpus}-{self.memory_gb}"

    @property
    def disk_gb(self) -> int:
        """The largest container disk in GB (flash-wire reference 5.5)."""
        return self.vcpus * limits.CPU_DISK_GB_PER_VCPU[self.flavor]


POOLS: dict[str, GpuPool] = {
    pool.id: pool
    for pool in (
        GpuPool(
            "AMPERE_16",
            16,
            0.00016,
            (
                "NVIDIA RTX A4000",
                "NVIDIA RTX A4500",
                "NVIDIA RTX 4000 Ada Generation",
                "NVIDIA RTX 2000 Ada Generation",
            ),
        ),
        GpuPool("AMPERE_24", 24, 0.00019, ("NVIDIA RTX A5000", "NVIDIA L4", "NVIDIA GeForce RTX 3090")),
        GpuPool("ADA_24", 24, 0.00031, ("NVIDIA GeForce RTX 4090",)),
        GpuPool("ADA_32_PRO", 32, None, ("NVIDIA GeForce RTX 5090",)),
        GpuPool("AMPERE_48", 48, 0.00034, ("NVIDIA A40", "NVIDIA RTX A6000")),
        GpuPool("ADA_48_PRO", 48, 0.00053, ("NVIDIA L40", "NVIDIA L40S", "NVIDIA RTX 6000 Ada Generation")),
        GpuPool("AMPERE_80", 80, 0.00076, ("NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-80GB")),
        GpuPool("ADA_80_PRO", 80, 0.00116, ("NVIDIA H100 PCIe", "NVIDIA H100 80GB HBM3", "NVIDIA H100 NVL")),
        GpuPool(
            "BLACKWELL_96",
            96,
            0.00111,
            (
                "NVIDIA RTX PRO 6000 Blackwell Server Edition",
                "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
                "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",
            ),
        ),
        GpuPool("HOPPER_141", 141, 0.00155, ("NVIDIA H200",)),
        GpuPool("BLACKWELL_180", 180, 0.00240, ("NVIDIA B200",)),
    )
}

CPUS: dict[str, CpuInstance] = {
    cpu.id: cpu
    for cpu in (
        *(CpuInstance("cpu3g", vcpus, vcpus * 4) for vcpus in (1, 2, 4, 8)),
        *(CpuInstance("cpu3c", vcpus, vcpus * 2) for vcpus in (1, 2, 4, 8)),
        *(CpuInstance("cpu5c", vcpus, vcpus * 2) for vcpus in (1, 2, 4, 8)),
    )
}

#: GPU type -> its pool
POOL_OF_TYPE: dict[str, str] = {name: pool.id for pool in POOLS.values() for name in pool.types}


def find_gpu(text: str, *, option: str = "gpu") -> str:
    """Return the pool id, the device name, or `any`, that `text` means, or raise `OptionError` with the nearest one.

    `option` is what the user wrote it behind.
    Case does not matter; a device may be written without `NVIDIA`, `GeForce` and `RTX`, or in upper snake case; what
    all devices of a pool have in common means the pool.

    >>> find_gpu("ampere_80"), find_gpu("4090"), find_gpu("NVIDIA_L40S"), find_gpu("h100")
    ('AMPERE_80', 'NVIDIA GeForce RTX 4090', 'NVIDIA L40S', 'ADA_80_PRO')
    """
    if text.lower() == ANY:
        return ANY
    if text.upper() in POOLS:
        return text.upper()
    wanted = _short(text)
    for name in POOL_OF_TYPE:
        if wanted in {_short(name), _short(name).removesuffix("adageneration")}:
            return name
    for pool in POOLS.values():
        if len(wanted) > 2 and all(_short(name).startswith(wanted) for name in pool.types):
            return pool.id
    raise _unknown(option, text, [*POOLS, *POOL_OF_TYPE])


def find_cpu(text: str, *, option: str = "cpu") -> CpuInstance:
    """Return the CPU instance that `text` names, or raise `OptionError` with the nearest one.

    >>> find_cpu("CPU3C-2-4").memory_gb
    4
    """
    cpu = CPUS.get(text.lower())
    if cpu is None:
        raise _no_such_size(option, text) or _unknown(option, text, list(CPUS))
    return cpu


def cpu_instance(flavor: object, vcpus: object) -> str | None:
    """Return the instance id of a flavour with so many vCPUs, which REST v2 names apart; None for one not known.

    >>> cpu_instance("cpu3g", 1)
    'cpu3g-1-4'
    """
    return next((cpu.id for cpu in CPUS.values() if (cpu.flavor, cpu.vcpus) == (flavor, vcpus)), None)


def pools_of(gpus: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return pools in the order given, and the device types to leave out of them.

    A pool that is chosen only through device names loses the siblings that are not named.

    >>> pools_of(("AMPERE_80", "NVIDIA A40"))
    (('AMPERE_80', 'AMPERE_48'), ('NVIDIA RTX A6000',))
    """
    if not gpus or ANY in gpus:
        return tuple(POOLS), ()
    pools = tuple(dict.fromkeys(POOL_OF_TYPE.get(gpu, gpu) for gpu in gpus))
    narrowed = [pool for pool in pools if pool not in gpus]
    excluded = (name for pool in narrowed for name in POOLS[pool].types if name not in gpus)
    return pools, tuple(excluded)


def _short(name: str) -> str:
    """Letters and digits without the maker's words.

    >>> _short("NVIDIA GeForce RTX 4090"), _short("RTX A6000")
    ('4090', 'a6000')
    """
    text = name.lower().replace("_", " ").replace("-", " ")
    return "".join(word for word in text.split() if word not in {"nvidia", "geforce", "rtx"})


def _no_such_size(option: str, text: str) -> OptionError | None:
    """Return the error for a size that a flavour has not: its smallest with so many vCPUs, or its largest, and all."""
    flavor, _, size = text.lower().partition("-")
    sizes = [cpu for cpu in CPUS.values() if cpu.flavor == flavor]
    vcpus = size.partition("-")[0] or "1"
    if not sizes or not vcpus.isdecimal():
        return None
    nearest = next((cpu.id for cpu in sizes if cpu.vcpus >= int(vcpus)), sizes[-1].id)
    fix = f"did you mean {option}={nearest}? There are {', '.join(cpu.id for cpu in sizes)}"
    return OptionError(f"{option}={text} does not exist", fix=fix, suggestion=nearest)


def _unknown(option: str, text: str, known: list[str]) -> OptionError:
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(text.lower(), by_lower, n=1, cutoff=0.5)
    suggestion = by_lower[near[0]] if near else None
    shown = ", ".join(name for name in known if " " not in name)
    fix = f"did you mean {option}={suggestion}?" if suggestion else f"use one of {shown}"
    return OptionError(f"{option}={text} does not exist", fix=fix, suggestion=suggestion)
