from __future__ import annotations

import pytest

from flash_jupyter.resources.enums import CpuInstanceType, DataCenter, GpuGroup, GpuType
from flash_jupyter.resources.hardware import CPUS, POOL_OF_TYPE, POOLS


def test_every_pool_has_a_name_and_any_is_beside_them() -> None:
    assert {group.value for group in GpuGroup} == {*POOLS, "any"}


def test_every_device_has_a_name() -> None:
    assert {gpu.value for gpu in GpuType} == {*POOL_OF_TYPE, "any"}


def test_every_cpu_has_a_name() -> None:
    assert {cpu.value for cpu in CpuInstanceType} == set(CPUS)


@pytest.mark.parametrize("member", [*GpuType, *CpuInstanceType, *DataCenter], ids=str)
def test_a_member_is_called_as_the_old_client_calls_it(member: GpuType | CpuInstanceType | DataCenter) -> None:
    assert member.name == member.value.upper().replace(" ", "_").replace("-", "_")


def test_members_are_texts() -> None:
    assert GpuGroup.ADA_24 == "ADA_24"
    assert f"{GpuGroup.ADA_24} {GpuType.NVIDIA_L4}" == "ADA_24 NVIDIA L4"


def test_a_group_knows_its_memory_and_its_gpus() -> None:
    assert {group.name: group.memory_gb for group in GpuGroup} == {
        "ANY": 16,
        "AMPERE_16": 16,
        "AMPERE_24": 24,
        "ADA_24": 24,
        "ADA_32_PRO": 32,
        "AMPERE_48": 48,
        "ADA_48_PRO": 48,
        "AMPERE_80": 80,
        "ADA_80_PRO": 80,
        "BLACKWELL_96": 96,
        "HOPPER_141": 141,
        "BLACKWELL_180": 180,
    }
    assert {*GpuGroup.ANY.gpus, GpuType.ANY} == set(GpuType)
    assert all(gpu.group is group for group in GpuGroup if group is not GpuGroup.ANY for gpu in group.gpus)
    assert GpuType.NVIDIA_H200.memory_gb == 141


def test_the_disk_limit_of_a_cpu() -> None:
    """Ten GB a vCPU, fifteen of the fifth generation (flash-wire reference 5.5)."""
    limits = {cpu.value: cpu.instance.disk_gb for cpu in CpuInstanceType}
    assert (limits["cpu3g-2-8"], limits["cpu3c-8-16"], limits["cpu5c-2-4"]) == (20, 80, 30)
