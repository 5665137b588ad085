from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from official import assert_valid

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.endpoint import EndpointSpec, create_body, endpoint_spec, labels
from flash_jupyter.resources.images import Images
from flash_jupyter.resources.options import make_options
from flash_jupyter.resources.volume import NetworkVolume

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone.utc)
PY = (3, 11)


def spec_of(interpreter: str | None = None, owner: str = "ann", **values: Any) -> EndpointSpec:
    return endpoint_spec(make_options(**values), owner=owner, interpreter=interpreter, python=PY)


NAMES: list[tuple[str, dict[str, Any], str]] = [
    ("nothing said", {}, "flash-any-py311-ann"),
    ("a pool", {"gpu": ("AMPERE_80",)}, "flash-ampere-80-py311-ann"),
    ("a device", {"gpu": ("4090",)}, "flash-nvidia-geforce-rtx-4090-py311-ann"),
    ("several, in order", {"gpu": ("AMPERE_80", "ADA_24")}, "flash-ampere-80-ada-24-py311-ann"),
    ("two GPUs a worker", {"gpu": ("ADA_24",), "count": 2}, "flash-ada-24-x2-py311-ann"),
    ("a CPU", {"cpu": ("cpu3c-2-4",)}, "flash-cpu3c-2-4-py311-ann"),
    ("code and inputs are no part of it", {"deps": ("torch",), "env": {"A": "1"}}, "flash-any-py311-ann"),
    ("scaling is no part of it", {"workers": (0, 1), "idle": 5, "timeout": 9}, "flash-any-py311-ann"),
    ("a volume is part of it", {"volume": "models:200"}, "flash-any-py311-models-ann"),
    ("routes are another endpoint", {"via": "lb"}, "flash-lb-any-py311-ann"),
    ("what the user says", {"name": "trainer"}, "trainer"),
]


@pytest.mark.parametrize(("values", "name"), [c[1:] for c in NAMES], ids=[c[0] for c in NAMES])
def test_names(values: dict[str, Any], name: str) -> None:
    assert spec_of(**values).name == name


def test_two_interpreters_get_two_endpoints() -> None:
    one, other = spec_of("/venv/a/bin/python"), spec_of("/venv/b/bin/python")
    assert one.name != other.name
    assert one.name.startswith("flash-any-py311-ann-")
    named = spec_of("/venv/a/bin/python", name="trainer")
    assert named.matches("trainer", labels(named, now=NOW))
    assert not spec_of("/venv/b/bin/python", name="trainer").matches("trainer", labels(named, now=NOW))


def test_a_long_list_of_hardware_still_makes_a_short_and_unique_name() -> None:
    gpus = ("AMPERE_16", "AMPERE_24", "ADA_24", "AMPERE_48", "ADA_48_PRO", "AMPERE_80")
    assert len(spec_of(gpu=gpus).name) < 80
    assert spec_of(gpu=gpus).name != spec_of(gpu=(*gpus[:-1], "ADA_80_PRO")).name


BODIES: list[tuple[str, dict[str, Any]]] = [
    ("nothing said", {}),
    ("pools", {"gpu": ("AMPERE_80", "ADA_24"), "count": 2}),
    ("a device", {"gpu": ("A40",)}),
    ("a CPU", {"cpu": ("cpu3c-2-4", "cpu5c-4-8")}),
    ("scaling", {"workers": (1, 2), "idle": 5}),
    ("another image", {"image": "me/mine:1"}),
    ("a place", {"datacenter": "US-KS-2"}),
    ("a volume by id", {"volume": "id:agv6w2qcg7"}),
    ("routes", {"via": "lb", "cpu": ("cpu3c-2-4",)}),
]


@pytest.mark.parametrize("values", [c[1] for c in BODIES], ids=[c[0] for c in BODIES])
def test_bodies_are_what_the_official_document_takes(values: dict[str, Any]) -> None:
    assert_valid("CreateEndpointRequest", create_body(spec_of(**values), now=NOW))


def test_the_body_of_a_cell_that_says_nothing() -> None:
    body = create_body(spec_of("/usr/bin/python3"), now=NOW)
    assert len(body.pop("gpu")["pools"]) == 11
    assert body == {
        "name": spec_of("/usr/bin/python3").name,
        "type": "QUEUE",
        "image": "runpod/flash:py3.11-latest",
        "disk": 64,
        "env": {
            "FLASH_JUPYTER_OWNER": "ann",
            "FLASH_JUPYTER_CREATED": "2026-11-22T10:00:00Z",
            "FLASH_JUPYTER_EXPIRES": "2026-11-23T10:00:00Z",
            "FLASH_JUPYTER_PYTHON": "/usr/bin/python3",
        },
        "workers": {"min": 0, "max": 3, "idleTimeout": 60},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
        "timeout": 600_000,
        "flashboot": "FLASHBOOT",
    }


def test_a_cpu_cell_gets_the_cpu_image() -> None:
    body = create_body(spec_of(cpu=("cpu5c-4-8",)), now=NOW)
    assert body["image"] == "runpod/flash-cpu:py3.11-latest"
    assert body["cpu"] == [{"id": "cpu5c", "vcpuCount": 4}]
    assert body["disk"] == 60
    assert "gpu" not in body


def test_the_options_of_a_cell_say_more_than_hardware() -> None:
    spec = spec_of(gpu=("ADA_24",), volume="models:200", datacenter="US-KS-2", image="me/mine:1", via="lb")
    volume = NetworkVolume(name="models", size=200, data_center_id="US-KS-2")
    assert (spec.type, spec.image, spec.python) == ("LOAD_BALANCER", "me/mine:1", None)
    assert (spec.volumes, spec.data_centers) == ((volume,), ("US-KS-2",))
    assert spec.said == {"family", "gpus", "image", "data_centers", "volumes"}


def test_a_volume_gets_its_id_before_it_is_sent() -> None:
    spec = spec_of(volume="models:200")
    assert [volume.name for volume in spec.unresolved_volumes] == ["models"]
    with pytest.raises(ValueError, match="network volume models has no id yet"):
        create_body(spec, now=NOW)
    ready = spec.with_volume_ids({spec.unresolved_volumes[0]: "agv6w2qcg7"})
    assert ready.unresolved_volumes == ()
    assert create_body(ready, now=NOW)["networkVolumes"] == ["agv6w2qcg7"]


def test_nothing_is_made_for_a_python_without_an_image() -> None:
    spec = endpoint_spec(make_options(), owner="ann", python=(3, 14))
    with pytest.raises(OptionError) as caught:
        create_body(spec, now=NOW)
    assert str(caught.value) == (
        "there is no published image for Python 3.14\n"
        "  → use Python 3.10 to 3.13, name an image of your own, or use the embedded Runpod"
    )


def test_the_embedded_runpod_and_an_image_of_ones_own_take_any_python() -> None:
    options = make_options(image="me/mine:1")
    assert create_body(endpoint_spec(options, owner="ann", python=(3, 14)), now=NOW)["image"] == "me/mine:1"
    local = endpoint_spec(make_options(), owner="ann", interpreter="/usr/bin/python3", python=(3, 14))
    assert create_body(local, now=NOW)["image"] == "runpod/flash:py3.14-latest"


def test_another_python_has_its_own_image_and_endpoint() -> None:
    spec = spec_of(python="3.12")
    assert (spec.image, spec.python, "py312" in spec.name) == ("runpod/flash:py3.12-latest", (3, 12), True)
    with pytest.raises(OptionError, match=r"there is no published image for Python 3\.9"):
        spec_of(python="3.9")


def test_other_image_families_are_an_argument() -> None:
    images = Images(gpu="runpod/queue", cpu="mirror.test/queue-cpu:7", tag="2.0")
    gpu = endpoint_spec(make_options(), owner="ann", python=PY, images=images)
    cpu = endpoint_spec(make_options(cpu=("cpu3c-2-4",)), owner="ann", python=PY, images=images)
    assert (gpu.image, cpu.image) == ("runpod/queue:py3.11-2.0", "mirror.test/queue-cpu:7")
