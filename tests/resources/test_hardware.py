from __future__ import annotations

import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.hardware import CPUS, POOLS, find_cpu, find_gpu, pools_of

GPUS = [
    ("a pool in any case", "ada_24", "ADA_24"),
    ("any", "ANY", "any"),
    ("the full device name", "NVIDIA L40S", "NVIDIA L40S"),
    ("a device without its maker", "l40s", "NVIDIA L40S"),
    ("a device's number", "5090", "NVIDIA GeForce RTX 5090"),
    ("a device as the old client spells it", "NVIDIA_A100_80GB_PCIe", "NVIDIA A100 80GB PCIe"),
    ("Ada generation may be left out", "RTX 6000", "NVIDIA RTX 6000 Ada Generation"),
    ("a family that is a whole pool", "A100", "AMPERE_80"),
    ("another family", "RTX PRO 6000", "BLACKWELL_96"),
]


@pytest.mark.parametrize(("text", "meant"), [c[1:] for c in GPUS], ids=[c[0] for c in GPUS])
def test_find_gpu(text: str, meant: str) -> None:
    assert find_gpu(text) == meant


WRONG = [
    ("a slip in a pool", "gpu", "AMPER_80", "AMPERE_80"),
    ("a slip in a device", "gpu", "NVIDIA L40X", "NVIDIA L40"),
    ("nothing near", "gpu", "zzz", None),
    ("a slip in a CPU", "cpu", "cpu3c-2-5", "cpu3c-2-4"),
    ("a slip in a flavour", "cpu", "cpu3x-2-4", "cpu3c-2-4"),
    ("more vCPUs than the flavour has", "cpu", "cpu5c-16-32", "cpu5c-8-16"),
    ("vCPUs between two sizes", "cpu", "CPU5C-3-4", "cpu5c-4-8"),
    ("a flavour alone", "cpu", "cpu3g", "cpu3g-1-4"),
    ("a size that is no number", "cpu", "cpu3c-x-8", "cpu3c-4-8"),
]


@pytest.mark.parametrize(("option", "text", "suggestion"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_an_unknown_value_names_the_nearest(option: str, text: str, suggestion: str | None) -> None:
    find = find_gpu if option == "gpu" else find_cpu
    with pytest.raises(OptionError) as caught:
        find(text)
    assert caught.value.suggestion == suggestion
    assert caught.value.message == f"{option}={text} does not exist"


def test_a_size_that_a_flavour_has_not_names_all_it_has() -> None:
    with pytest.raises(OptionError) as caught:
        find_cpu("cpu5c-16-32", option="instanceIds")
    assert str(caught.value) == (
        "instanceIds=cpu5c-16-32 does not exist\n"
        "  → did you mean instanceIds=cpu5c-8-16? There are cpu5c-1-2, cpu5c-2-4, cpu5c-4-8, cpu5c-8-16"
    )


def test_every_cpu_is_found() -> None:
    assert [find_cpu(cpu.id) for cpu in CPUS.values()] == list(CPUS.values())
    assert len(CPUS) == 12


SELECTIONS = [
    ("nothing said is all pools", (), (tuple(POOLS), ())),
    ("any wins", ("ADA_24", "any"), (tuple(POOLS), ())),
    ("pools keep their order", ("AMPERE_80", "ADA_24"), (("AMPERE_80", "ADA_24"), ())),
    ("a device leaves out its siblings", ("NVIDIA A40",), (("AMPERE_48",), ("NVIDIA RTX A6000",))),
    ("a device of a named pool changes nothing", ("AMPERE_48", "NVIDIA A40"), (("AMPERE_48",), ())),
    ("all devices of a pool", ("NVIDIA A40", "NVIDIA RTX A6000"), (("AMPERE_48",), ())),
]


@pytest.mark.parametrize(("gpus", "chosen"), [c[1:] for c in SELECTIONS], ids=[c[0] for c in SELECTIONS])
def test_pools_of(gpus: tuple[str, ...], chosen: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    assert pools_of(gpus) == chosen
