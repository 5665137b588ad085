"""The names of hardware and places as Python spells them: `GpuGroup.AMPERE_80`, `CpuInstanceType.CPU5C_4_8`.

Members are texts, equal to the platform's own words, so that either may be given. What stands behind a name (memory,
devices, prices) is in `hardware`; a test compares the two. Source: flash-wire reference 5.5, versions 1.0.0 and 1.21.0.
"""

from __future__ import annotations

from enum import Enum

from flash_jupyter.resources.hardware import ANY, CPUS, POOL_OF_TYPE, POOLS, CpuInstance, GpuPool


class Name(str, Enum):
    """A text with a Python name; prints as the text."""

    def __str__(self) -> str:
        return str(self.value)


class GpuType(Name):
    """One GPU, by the name of its device; an endpoint gets its pool without the pool's other GPUs. `ANY` is all."""

    ANY = ANY
    NVIDIA_RTX_A4000 = "NVIDIA RTX A4000"
    NVIDIA_RTX_A4500 = "NVIDIA RTX A4500"
    NVIDIA_RTX_4000_ADA_GENERATION = "NVIDIA RTX 4000 Ada Generation"
    NVIDIA_RTX_2000_ADA_GENERATION = "NVIDIA RTX 2000 Ada Generation"
    NVIDIA_RTX_A5000 = "NVIDIA RTX A5000"
    NVIDIA_L4 = "NVIDIA L4"
    NVIDIA_GEFORCE_RTX_3090 = "NVIDIA GeForce RTX 3090"
    NVIDIA_GEFORCE_RTX_4090 = "NVIDIA GeForce RTX 4090"
    NVIDIA_GEFORCE_RTX_5090 = "NVIDIA GeForce RTX 5090"
    NVIDIA_A40 = "NVIDIA A40"
    NVIDIA_RTX_A6000 = "NVIDIA RTX A6000"
    NVIDIA_L40 = "NVIDIA L40"
    NVIDIA_L40S = "NVIDIA L40S"
    NVIDIA_RTX_6000_ADA_GENERATION = "NVIDIA RTX 6000 Ada Generation"
    NVIDIA_A100_80GB_PCIE = "NVIDIA A100 80GB PCIe"
    NVIDIA_A100_80GB_PCIe = "NVIDIA A100 80GB PCIe"  # as runpod-flash 1.21 spells it
    NVIDIA_A100_SXM4_80GB = "NVIDIA A100-SXM4-80GB"
    NVIDIA_H100_PCIE = "NVIDIA H100 PCIe"
    NVIDIA_H100_80GB_HBM3 = "NVIDIA H100 80GB HBM3"
    NVIDIA_H100_NVL = "NVIDIA H100 NVL"
    NVIDIA_RTX_PRO_6000_BLACKWELL_SERVER_EDITION = "NVIDIA RTX PRO 6000 Blackwell Server Edition"
    NVIDIA_RTX_PRO_6000_BLACKWELL_WORKSTATION_EDITION = "NVIDIA RTX PRO 6000 Blackwell Workstation Edition"
    NVIDIA_RTX_PRO_6000_BLACKWELL_MAX_Q_WORKSTATION_EDITION = "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition"
    NVIDIA_H200 = "NVIDIA H200"
    NVIDIA_B200 = "NVIDIA B200"

    @property
    def group(self) -> GpuGroup:
        """The pool that an endpoint with this GPU gets."""
        return GpuGroup(POOL_OF_TYPE.get(self.value, ANY))

    @property
    def memory_gb(self) -> int:
        """Memory of one GPU in GB; of `ANY` what every pool has at least."""
        return self.group.memory_gb


class GpuGroup(Name):
    """GPUs that are placed and priced together; `ANY` is all of them."""

    ANY = ANY
    AMPERE_16 = "AMPERE_16"
    AMPERE_24 = "AMPERE_24"
    ADA_24 = "ADA_24"
    ADA_32_PRO = "ADA_32_PRO"
    AMPERE_48 = "AMPERE_48"
    ADA_48_PRO = "ADA_48_PRO"
    AMPERE_80 = "AMPERE_80"
    ADA_80_PRO = "ADA_80_PRO"
    BLACKWELL_96 = "BLACKWELL_96"
    HOPPER_141 = "HOPPER_141"
    BLACKWELL_180 = "BLACKWELL_180"

    @property
    def memory_gb(self) -> int:
        """Memory of one GPU in GB; of `ANY` what every pool has at least.

        >>> GpuGroup.AMPERE_80.memory_gb, GpuGroup.ANY.memory_gb
        (80, 16)
        """
        return min(pool.memory_gb for pool in self._pools())

    @property
    def gpus(self) -> tuple[GpuType, ...]:
        """The GPUs of the group.

        >>> [str(gpu) for gpu in GpuGroup.AMPERE_48.gpus]
        ['NVIDIA A40', 'NVIDIA RTX A6000']
        """
        return tuple(GpuType(name) for pool in self._pools() for name in pool.types)

    def _pools(self) -> tuple[GpuPool, ...]:
        return tuple(POOLS.values()) if self is GpuGroup.ANY else (POOLS[self.value],)


class CpuInstanceType(Name):
    """A CPU worker's size: flavour, vCPUs, memory in GB."""

    CPU3G_1_4 = "cpu3g-1-4"
    CPU3G_2_8 = "cpu3g-2-8"
    CPU3G_4_16 = "cpu3g-4-16"
    CPU3G_8_32 = "cpu3g-8-32"
    CPU3C_1_2 = "cpu3c-1-2"
    CPU3C_2_4 = "cpu3c-2-4"
    CPU3C_4_8 = "cpu3c-4-8"
    CPU3C_8_16 = "cpu3c-8-16"
    CPU5C_1_2 = "cpu5c-1-2"
    CPU5C_2_4 = "cpu5c-2-4"
    CPU5C_4_8 = "cpu5c-4-8"
    CPU5C_8_16 = "cpu5c-8-16"

    @property
    def instance(self) -> CpuInstance:
        """Its flavour, vCPUs, memory and disk limit.

        >>> CpuInstanceType.CPU5C_4_8.instance.memory_gb, CpuInstanceType.CPU5C_4_8.instance.disk_gb
        (8, 60)
        """
        return CPUS[self.value]


class DataCenter(Name):
    """Where workers and volumes are. The platform has more; `locations=` takes any (`GET /v2/catalog/datacenters`)."""

    US_CA_2 = "US-CA-2"
    US_IL_1 = "US-IL-1"
    US_KS_2 = "US-KS-2"
    US_MO_1 = "US-MO-1"
    US_MO_2 = "US-MO-2"
    US_NC_2 = "US-NC-2"
    US_NE_1 = "US-NE-1"
    US_WA_1 = "US-WA-1"
    EU_CZ_1 = "EU-CZ-1"
    EU_RO_1 = "EU-RO-1"
    EUR_NO_1 = "EUR-NO-1"


class CudaVersion(Name):
    """CUDA versions of the machines' drivers (`min_cuda_version=`; runpod-platform.md, EndpointCreate)."""

    V11_8 = "11.8"
    V12_0 = "12.0"
    V12_1 = "12.1"
    V12_2 = "12.2"
    V12_3 = "12.3"
    V12_4 = "12.4"
    V12_5 = "12.5"
    V12_6 = "12.6"
    V12_7 = "12.7"
    V12_8 = "12.8"
    V12_9 = "12.9"
    V13_0 = "13.0"


class ServerlessScalerType(Name):
    """What adds workers: the time that jobs wait, or the number of requests."""

    QUEUE_DELAY = "QUEUE_DELAY"
    REQUEST_COUNT = "REQUEST_COUNT"
