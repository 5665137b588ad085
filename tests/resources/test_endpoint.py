from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.drift import patch_body
from flash_jupyter.resources.endpoint import EndpointSpec, create_body, endpoint_spec, labels
from flash_jupyter.resources.options import make_options

DOCUMENT = json.loads((Path(__file__).parents[1] / "contract" / "openapi-v2-serverless.json").read_text())
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone.utc)
PY = (3, 11)


def spec_of(interpreter: str | None = None, owner: str = "ann", **values: Any) -> EndpointSpec:
    return endpoint_spec(make_options(**values), owner=owner, interpreter=interpreter, python=PY)


def assert_valid(schema: str, body: dict[str, Any]) -> None:
    whole = {**DOCUMENT, "$ref": f"#/components/schemas/{schema}"}
    jsonschema.Draft202012Validator(whole).validate(body)


NAMES: list[tuple[str, dict[str, Any], str]] = [
    ("nothing said", {}, "flash-any-py311-ann"),
    ("a pool", {"gpu": ("AMPERE_80",)}, "flash-ampere-80-py311-ann"),
    ("a device", {"gpu": ("4090",)}, "flash-nvidia-geforce-rtx-4090-py311-ann"),
    ("several, in order", {"gpu": ("AMPERE_80", "ADA_24")}, "flash-ampere-80-ada-24-py311-ann"),
    ("two GPUs a worker", {"gpu": ("ADA_24",), "count": 2}, "flash-ada-24-x2-py311-ann"),
    ("a CPU", {"cpu": ("cpu3c-2-4",)}, "flash-cpu3c-2-4-py311-ann"),
    ("code and inputs are no part of it", {"deps": ("torch",), "env": {"A": "1"}}, "flash-any-py311-ann"),
    ("scaling is no part of it", {"workers": (0, 1), "idle": 5, "timeout": 9}, "flash-any-py311-ann"),
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


def endpoint(**values: Any) -> dict[str, Any]:
    """What the platform answers for an endpoint that was made with these options."""
    return create_body(spec_of(**values), now=NOW)


CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("nothing said changes nothing", {"gpu": ("ADA_24",), "workers": (0, 9)}, {"name": "n"}, {}),
    ("a name alone finds a CPU endpoint too", {"cpu": ("cpu3c-2-4",)}, {"name": "n"}, {}),
    ("the same changes nothing", {"gpu": ("ADA_24",)}, {"gpu": ("ADA_24",)}, {}),
    ("other pools", {"gpu": ("ADA_24",)}, {"gpu": ("AMPERE_80",)}, {"gpu": {"pools": ["AMPERE_80"]}}),
    ("more workers", {}, {"workers": (0, 5)}, {"workers": {"min": 0, "max": 5, "idleTimeout": 60}}),
    ("only the idle time", {"workers": (1, 2)}, {"idle": 9}, {"workers": {"min": 1, "max": 2, "idleTimeout": 9}}),
    (
        "another CPU",
        {"cpu": ("cpu3c-2-4",)},
        {"cpu": ("cpu3c-4-8",)},
        {"cpu": [{"id": "cpu3c", "vcpuCount": 4}]},
    ),
]


@pytest.mark.parametrize(("has", "wants", "patch"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_patch_body(has: dict[str, Any], wants: dict[str, Any], patch: dict[str, Any]) -> None:
    body = patch_body(spec_of(**wants), endpoint(**has))
    assert body == patch
    assert_valid("UpdateEndpointRequest", body)


def test_a_cpu_endpoint_can_not_become_a_gpu_endpoint() -> None:
    with pytest.raises(OptionError) as caught:
        patch_body(spec_of(name="t", gpu=("ADA_24",)), endpoint(name="t", cpu=("cpu3c-2-4",)))
    assert str(caught.value) == (
        "endpoint t is a CPU endpoint and can't become a GPU endpoint\n"
        "  → choose another name=, or delete it with %flash undeploy t"
    )
