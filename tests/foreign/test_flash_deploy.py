"""`flash deploy` of the released `runpod-flash` 1.21.0: its build, its uploads, its app and its endpoints.

The build downloads wheels with pip, so it needs a package index, as the environments of these tests do.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foreign import Platform, told

SHOP = Path(__file__).with_name("programs") / "shop"
QUIET = {"RUNPOD_URL_MIXED_OK": "1", "RUNPOD_FLASH_SILENCE_DEPRECATION": "1"}
pytestmark = [pytest.mark.foreign, pytest.mark.slow]


@pytest.fixture(scope="module")
def python(released: Callable[..., Path]) -> Path:
    return released("runpod-flash==1.21.0")


@pytest.fixture(scope="module")
def project(python: Path, platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project folder that is deployed."""
    folder = tmp_path_factory.mktemp("projects") / "shop"
    shutil.copytree(SHOP, folder)
    version = ".".join(platform.run([python, "-V"]).stdout.split()[1].split(".")[:2])
    platform.run([python.with_name("flash"), "deploy", "--python-version", version], cwd=folder, **QUIET)
    return folder


def test_the_app_has_an_environment_with_the_build(project: Path, python: Path, platform: Platform) -> None:
    query = """query($name: String!) { flashAppByName(flashAppName: $name) {
        name flashEnvironments { name activeBuildId } flashBuilds { id } } }"""
    answer = platform.client.post("/graphql", json={"query": query, "variables": {"name": "shop"}}).json()
    app = answer["data"]["flashAppByName"]
    (build,) = app["flashBuilds"]
    assert app == {
        "name": "shop",
        "flashEnvironments": [{"name": "production", "activeBuildId": build["id"]}],
        "flashBuilds": [build],
    }


def test_the_endpoints_are_those_of_the_code(project: Path, platform: Platform) -> None:
    found = {endpoint["name"]: endpoint for endpoint in platform.endpoints()}
    assert {name: (found[name]["cpu"][0]["id"], found[name]["workers"]["max"]) for name in found} == {
        "pricing": ("cpu3g", 1),
        "stock": ("cpu3g", 2),
    }
    env: dict[str, Any] = found["pricing"]["env"]
    assert env.pop("_FLASH_SOURCE_FINGERPRINT")
    assert env == {
        "CURRENCY": "EUR",
        "FLASH_APP": "shop",
        "FLASH_ENV": "production",
        "FLASH_RESOURCE_NAME": "pricing",
        "RUNPOD_API_KEY": platform.variables["RUNPOD_API_KEY"],
    }


def test_the_manifest_of_the_build_knows_the_endpoints(project: Path, platform: Platform) -> None:
    manifest = json.loads((project / ".flash" / "flash_manifest.json").read_text())
    assert manifest["function_registry"] == {"price": "pricing", "Stock": "stock"}
    ids = {endpoint["name"]: endpoint["id"] for endpoint in platform.endpoints()}
    assert manifest["resources_endpoints"] == {name: f"{platform.url}/v2/{ids[name]}" for name in ids}


def test_the_archive_has_code_and_dependency(project: Path) -> None:
    with tarfile.open(project / ".flash" / "artifact.tar.gz") as archive:
        names = set(archive.getnames())
    assert {"./prices.py", "./handler_pricing.py", "./handler_stock.py", "./humanize/__init__.py"} <= names


def test_the_deployed_app_answers_its_client(project: Path, python: Path, platform: Platform) -> None:
    said = platform.tell([python, "-W", "ignore", "prices.py"], cwd=project, **QUIET)
    assert said == [["price", "1,234,500 EUR"], ["count", 3]]


def test_the_deployed_app_answers_anybody_and_a_failure_is_one(project: Path, platform: Platform) -> None:
    ids = {endpoint["name"]: endpoint["id"] for endpoint in platform.endpoints()}
    job = platform.submit(ids["pricing"], {"amount": 1000})
    assert told(platform.reached(ids["pricing"], job)) == {"status": "COMPLETED", "output": "1,000 EUR"}
    failed = told(platform.reached(ids["pricing"], platform.submit(ids["pricing"], {"amount": "x"})))
    assert (failed["status"], failed["error"]) == ("FAILED", "unsupported operand type(s) for -: 'str' and 'int'")
    assert failed["output"]["success"] is False


def test_a_second_deploy_keeps_the_endpoints(project: Path, python: Path, platform: Platform) -> None:
    before = {endpoint["name"]: endpoint["id"] for endpoint in platform.endpoints()}
    platform.run([python.with_name("flash"), "deploy"], cwd=project, **QUIET)
    assert {endpoint["name"]: endpoint["id"] for endpoint in platform.endpoints()} == before


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("app", "list"), ["shop"]),
        (("env", "list", "--app", "shop"), ["production"]),
        (("env", "get", "production", "--app", "shop"), ["production", "pricing", "stock"]),
    ],
    ids=["app list", "env list", "env get"],
)
def test_the_command_line_sees_what_is_deployed(
    words: tuple[str, ...], lines: list[str], project: Path, python: Path, platform: Platform
) -> None:
    said = platform.run([python.with_name("flash"), *words], cwd=project, **QUIET).stdout
    assert all(line in said for line in lines), said


def test_an_app_that_is_deleted_takes_its_endpoints_with_it(project: Path, python: Path, platform: Platform) -> None:
    platform.run([python.with_name("flash"), "app", "delete", "shop"], cwd=project, **QUIET)
    assert platform.endpoints() == []
