"""The manifest: whole, the same bytes for the same content, and readable by others."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from flash_jupyter.build.manifest import (
    SCHEMA,
    Function,
    Manifest,
    Resource,
    make_manifest,
    read_manifest,
    schema_text,
)
from flash_jupyter.errors import ManifestError

PRINT = "0" * 64
CONFIG = {"gpuIds": "ADA_24", "executionTimeoutMs": 600_000, "gpuCount": 2, "flashboot": True, "template": {"env": {}}}


def resource(*functions: Function, **more: object) -> Resource:
    return Resource.model_validate({"resource_type": "LiveServerless", "functions": functions, **more})


def test_a_manifest_carries_the_whole_configuration_and_comes_back_as_it_was(tmp_path: Path) -> None:
    ocr = resource(Function(name="read", module="nb"), config=CONFIG, handler_file="handler_ocr.py")
    made = make_manifest("shop", "3.11", {"ocr": ocr}, PRINT)
    (tmp_path / "m.json").write_text(made.text(), "utf-8")
    read = read_manifest(tmp_path / "m.json")
    assert read == made
    assert read.resources["ocr"].config == CONFIG
    assert read.function_registry == {"read": "ocr"}
    assert read.text() == made.text()


def test_a_manifest_has_a_schema_that_others_can_check_it_with() -> None:
    made = make_manifest("shop", "3.11", {"ocr": resource(Function(name="read", module="nb"))}, PRINT)
    jsonschema.validate(json.loads(made.text()), json.loads(SCHEMA.read_text()))


def test_the_published_schema_is_the_model_s() -> None:
    """Written anew with `python -m flash_jupyter.build.manifest > flash_jupyter/build/flash_manifest.schema.json`."""
    assert SCHEMA.read_text("utf-8") == schema_text()


def test_the_manifest_of_a_released_client_can_be_read() -> None:
    price = {"name": "price", "module": "web", "is_async": True, "http_method": "POST", "http_path": "/price"}
    web = {"resource_type": "CpuLiveLoadBalancer", "functions": [price], "is_load_balanced": True, "workersMax": 1}
    text = json.dumps(
        {
            "version": "1.0",
            "python_version": "3.12",
            "generated_at": "2026-01-02T03:04:05Z",
            "project_name": "shop",
            "resources": {"web": web},
            "function_registry": {"price": "web"},
            "routes": {"web": {"POST /price": "price"}},
            "source_fingerprint": PRINT,
        }
    )
    read = Manifest.model_validate_json(text)
    assert read.resources["web"].functions[0].http_path == "/price"
    assert json.loads(read.text())["resources"]["web"]["workersMax"] == 1


def route(name: str, path: str, method: str = "GET") -> Function:
    return Function(name=name, module="web", http_path=path, http_method=method)


def test_routes_are_listed_by_resource() -> None:
    made = make_manifest("p", "3.11", {"web": resource(route("a", "/x"), route("b", "/x", "post"))}, PRINT)
    assert made.routes == {"web": {"GET /x": "a", "POST /x": "b"}}


WRONG = {
    "two functions of one name": (
        {"a": resource(Function(name="f", module="m")), "b": resource(Function(name="f", module="n"))},
        "two functions are called f\n  → give one of them another name",
    ),
    "two of one route": (
        {"web": resource(route("a", "/x"), route("b", "/x"))},
        "a and b of web have the same route, GET /x\n  → give one of them another path=",
    ),
    "a reserved path": (
        {"web": resource(route("a", "/ping"))},
        "a of web has the path /ping, which is reserved\n  → give it another path=",
    ),
}


@pytest.mark.parametrize(("resources", "text"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_together_is_an_error(resources: dict[str, Resource], text: str) -> None:
    with pytest.raises(ManifestError) as raised:
        make_manifest("p", "3.11", resources, PRINT)
    assert str(raised.value) == text


def test_a_file_that_is_no_manifest_is_an_error_that_says_where(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text('{"version": "1.0", "project_name": "p", "source_fingerprint": "x"}')
    with pytest.raises(ManifestError) as raised:
        read_manifest(path)
    assert str(raised.value) == (
        f"{path} is not a manifest: python_version: Field required\n  → build it again: flash build"
    )
