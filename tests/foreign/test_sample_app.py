"""The sample app of runpod-flash 1.21.0, deployed by its own client and by ours: the same endpoints, the same answers.

It is what its `flash init` writes, to the letter: `Endpoint(...)` imported from `runpod_flash`, CPU workers with one vCPU.
"""

from __future__ import annotations

import platform as platform_module
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from foreign import Platform, told

from flash_jupyter.build.bundle import build
from flash_jupyter.deploy.send import Deployer
from flash_jupyter.deploy.terms import Terms
from flash_jupyter.session.links import Links
from flash_jupyter.settings import Settings
from flash_jupyter.transport.loop import LoopThread

QUIET = {"RUNPOD_URL_MIXED_OK": "1", "RUNPOD_FLASH_SILENCE_DEPRECATION": "1"}
WORKERS = ("cpu_worker", "gpu_worker", "lb_worker")
#: the released client installs itself into its bundle, and so does its worker; packing that takes minutes
READY_S = 900
pytestmark = [pytest.mark.foreign, pytest.mark.slow]


@dataclass
class Deployed:
    """One of the two deployments, while it stands: the endpoints by name, and who answers for them."""

    platform: Platform
    endpoints: dict[str, dict[str, Any]]

    def answer(self, name: str, order: dict[str, Any]) -> dict[str, Any]:
        endpoint = self.endpoints[name]["id"]
        job = self.platform.submit(endpoint, order)
        return told(self.platform.reached(endpoint, job, within_s=READY_S))

    def ask(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        found = self.platform.client.request(
            method, f"/lb/{self.endpoints['lb_worker']['id']}{path}", timeout=READY_S, **body
        )
        return found.status_code, found.json()


def shape(endpoint: dict[str, Any]) -> dict[str, Any]:
    """What both must agree on. Left out: labels, ids and times, the limit of a job's time (ours 600 s, theirs none), the
    floor of CUDA (theirs 12.8), and the Python in the image's tag (theirs is 3.12, whatever Python it builds for).
    """
    repository, _, tag = endpoint["image"].partition(":")
    gpu = endpoint.get("gpu")
    labels = ("FLASH_", "RUNPOD_API_KEY", "_FLASH_")
    return {
        "type": endpoint["type"],
        "image": (repository, tag.rpartition("-")[2]),
        "gpu": None if gpu is None else (sorted(gpu["pools"]), gpu["count"]),
        **{name: endpoint.get(name) for name in ("cpu", "disk", "workers", "scaling", "flashboot", "networkVolumes")},
        "env": {name: value for name, value in endpoint["env"].items() if not name.startswith(labels)},
        "resource": {
            name: endpoint["env"].get(name) for name in ("FLASH_RESOURCE_NAME", "FLASH_ENV", "FLASH_ENDPOINT_TYPE")
        },
    }


def answers(deployed: Deployed) -> dict[str, Any]:
    given = {"input_data": {"message": "hi", "more": [1, 2.5, None]}}
    failed = [deployed.answer(name, {}) for name in WORKERS[:2]]
    return {
        "queues": [timeless(deployed.answer(name, given)) for name in WORKERS[:2]],
        "states of failures": [answer["status"] for answer in failed],
        "failures name the argument": ["input_data" in str(answer["error"]) for answer in failed],
        "routes": [
            timeless(deployed.ask("POST", "/process", json={"input_data": {"a": 1}})),
            deployed.ask("GET", "/health"),
        ],
        "a body that does not fit": deployed.ask("POST", "/process", json={"other": 1})[0],
        "no such path": deployed.ask("GET", "/nothing")[0],
    }


def timeless(value: Any) -> Any:
    """The same without what differs from run to run: the time, which is checked to be one."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(timeless, value))
    if not isinstance(value, dict):
        return value
    if "timestamp" in value:
        assert datetime.fromisoformat(value["timestamp"])
    return {name: timeless(each) for name, each in value.items() if name != "timestamp"}


def initialised(folder: Path, flash: Path, platform: Platform) -> Path:
    """Return the project that `flash init` makes."""
    platform.run([flash, "init", "sample"], cwd=folder, **QUIET)
    return folder / "sample"


@pytest.fixture(scope="module")
def theirs(
    released: Callable[..., Path], platform: Platform, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Deploy with the released client; gives the endpoints and their answers, and removes them with it again."""
    flash = released("runpod-flash==1.21.0").with_name("flash")
    folder = initialised(tmp_path_factory.mktemp("theirs"), flash, platform)
    version = ".".join(platform.run([flash.with_name("python"), "-V"]).stdout.split()[1].split(".")[:2])
    platform.run([flash, "deploy", "--python-version", version], cwd=folder, timeout_s=READY_S, **QUIET)
    deployed = Deployed(platform, {endpoint["name"]: endpoint for endpoint in platform.endpoints()})
    found = {name: shape(endpoint) for name, endpoint in deployed.endpoints.items()}, answers(deployed)
    platform.run([flash, "app", "delete", "sample"], cwd=folder, **QUIET)
    assert platform.endpoints() == []
    return found


@pytest.fixture(scope="module")
def ours(
    theirs: object,
    released: Callable[..., Path],
    platform: Platform,
    settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    flash = released("runpod-flash==1.21.0").with_name("flash")
    folder = initialised(tmp_path_factory.mktemp("ours"), flash, platform)
    bundle = build(folder, settings=settings)
    links, loop = Links(settings), LoopThread()
    sender = Deployer(links.open("local"), settings)
    terms = Terms(lambda _: False, smoke=False)
    loop.call(sender.send(bundle.archive, bundle.manifest, "sample", "production", terms))
    deployed = Deployed(platform, {endpoint["name"]: endpoint for endpoint in platform.endpoints()})
    yield {name: shape(endpoint) for name, endpoint in deployed.endpoints.items()}, answers(deployed)
    loop.close(links.aclose)


@pytest.mark.parametrize("name", WORKERS)
def test_both_clients_make_the_same_endpoint(name: str, theirs: Any, ours: Any) -> None:
    assert ours[0][name] == theirs[0][name]


def test_neither_makes_more(theirs: Any, ours: Any) -> None:
    assert sorted(ours[0]) == sorted(theirs[0]) == sorted(WORKERS)


def test_both_answer_alike(theirs: Any, ours: Any) -> None:
    assert ours[1] == theirs[1]


def test_the_answers_are_those_of_the_code(ours: Any) -> None:
    on_cpu, on_gpu = (answer["output"] for answer in ours[1]["queues"])
    assert on_cpu == {"message": "hi", "platform": "Linux", "python_version": platform_module.python_version()}
    assert (on_gpu["message"], on_gpu["gpu"]["available"]) == ("hi", False)
    assert ours[1]["routes"] == [(200, {"status": "success", "echo": {"a": 1}}), (200, {"status": "healthy"})]
