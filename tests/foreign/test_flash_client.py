"""The released `runpod-flash` 1.0.0 and 1.21.0 as clients of the embedded Runpod: live functions, classes, drift, undeploy.

What they do and send: reference/flash-wire.md. Load-balanced calls are left out: https and a wildcard host are hard-coded
there (3.3).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from foreign import Platform

PROGRAMS = Path(__file__).with_name("programs")
OLD, NEW = "1.0.0", "1.21.0"
VERSIONS = (OLD, NEW)
#: 1.21 calls deployed endpoints unless it is told to provision; the others only make it say less
LIVE = {"FLASH_IS_LIVE_PROVISIONING": "true", "RUNPOD_URL_MIXED_OK": "1", "RUNPOD_FLASH_SILENCE_DEPRECATION": "1"}
pytestmark = pytest.mark.foreign


@dataclass(frozen=True)
class Client:
    """One version in a project folder of its own, where it keeps what it knows of its endpoints."""

    version: str
    python: Path
    folder: Path
    platform: Platform

    def tell(self, program: str, *words: str, **options: Any) -> list[Any]:
        return self.platform.tell([self.python, PROGRAMS / program, *words], cwd=self.folder, **LIVE, **options)

    def flash(self, *words: str) -> str:
        return self.platform.run([self.python.with_name("flash"), *words], cwd=self.folder, **LIVE).stdout

    def name(self, resource: str) -> str:
        """What the endpoint of a live resource is called (flash-wire.md 5.7)."""
        return f"live-{resource}-fb" if self.version == OLD else f"live-{resource}"

    def endpoints(self, resource: str) -> list[dict[str, Any]]:
        return [endpoint for endpoint in self.platform.endpoints() if endpoint["name"] == self.name(resource)]


@pytest.fixture(scope="module")
def clients(
    released: Callable[..., Path], platform: Platform, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Client]:
    return {
        version: Client(
            version, released(f"runpod-flash=={version}"), tmp_path_factory.mktemp(f"project-{version}"), platform
        )
        for version in VERSIONS
    }


#: (story of flash_functions.py, which versions tell it, what they see)
STORIES: list[tuple[str, tuple[str, ...], list[Any]]] = [
    (
        "arguments",
        VERSIONS,
        [
            ["async, by position and name", [3, 4, 10]],
            ["sync", 2],
            ["None alone is not sent", "nothing"],
            [
                "types there",
                ["int", "float", "str", "bytes", "NoneType", "tuple", "set", "dict", "date", "range", "PosixPath"],
            ],
            ["values here", True],
        ],
    ),
    ("output", VERSIONS, [["result", 5], ["printed", ["hello world", "a second line", "aside"]]]),
    (
        "errors",
        VERSIONS,
        [
            [
                "division",
                [
                    "Exception",
                    "Remote execution failed: division by zero",
                    "ZeroDivisionError: division by zero",
                ],
            ],
            ["exit", ["Exception", "Remote execution failed: 3", "SystemExit: 3"]],
            [
                "a result that can't be pickled",
                [
                    "Exception",
                    "Remote execution failed: cannot pickle 'generator' object",
                    "TypeError: cannot pickle 'generator' object",
                ],
            ],
            ["and the worker goes on", 0.25],
        ],
    ),
    ("many", VERSIONS, [["sums", [number + 2 for number in range(50)]]]),
    (
        "dependencies",
        VERSIONS,
        [
            ["installed", ["4.9.0", "1,234,567"]],
            [
                "not installed",
                ["Exception", "Remote execution failed: could not install no-such-package-anywhere-at-all"],
            ],
            ["and the worker goes on", 3],
        ],
    ),
    ("hardware", VERSIONS, [["on a GPU endpoint", [1, True, True]]]),
    ("modules", (NEW,), [["a local module", 42]]),
    ("stacked", (NEW,), [["one endpoint calls another", 37]]),
]
CASES = [
    pytest.param(story, version, seen, id=f"{story}-{version}", marks=[] if story == "arguments" else pytest.mark.slow)
    for story, versions, seen in STORIES
    for version in versions
]


@pytest.mark.parametrize(("story", "version", "seen"), CASES)
def test_functions_run_on_workers(story: str, version: str, seen: list[Any], clients: dict[str, Client]) -> None:
    assert clients[version].tell("flash_functions.py", story) == seen
    assert len(clients[version].endpoints("functions")) <= 1  # each process finds what the one before has made


@pytest.mark.slow
def test_both_clients_find_the_volume_that_one_of_them_made(clients: dict[str, Client], platform: Platform) -> None:
    assert clients[OLD].tell("flash_functions.py", "volume") == [["what a file on the volume counts", [1, 2]]]
    assert clients[NEW].tell("flash_functions.py", "volume") == [["what a file on the volume counts", [3, 4]]]
    (volume,) = platform.client.get("/v1/networkvolumes").json()
    assert volume == {"id": volume["id"], "name": "models", "size": 20, "dataCenterId": "EU-RO-1"}


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_an_instance_lives_on_its_worker(version: str, clients: dict[str, Client]) -> None:
    assert clients[version].tell("flash_classes.py") == [
        ["methods", [12, 18]],
        ["an async method", 18],
        ["another instance", 101],
        ["the first again", 18],
        ["a method that raises", ["Exception", "Remote execution failed: not in here"]],
        [
            "a method that is not there",
            ["Exception", "Remote execution failed: Method 'nothing' not found in class 'Counter'"],
        ],
        ["and the instance lives on", 18],
    ]


def drifted(client: Client, **resource: Any) -> tuple[list[Any], dict[str, Any], int]:
    """Call `look` with this configuration; returns what it saw, the endpoint's document, and its version."""
    ((_, seen),) = client.tell("flash_drift.py", json.dumps(resource))
    (document,) = client.endpoints("drifting")
    releases = client.platform.client.get(f"/v2/serverless/{document['id']}/releases").json()
    return seen, document, releases["endpointVersion"]


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_changed_configuration_changes_the_endpoint_and_undeploy_deletes_it(
    version: str, clients: dict[str, Client]
) -> None:
    client = clients[version]
    first, made, release = drifted(client, env={"COLOUR": "red"})
    same, _, unchanged = drifted(client, env={"COLOUR": "red"})
    assert (first, same, unchanged) == (["red", made["id"]], ["red", made["id"]], release)
    workers, changed, _ = drifted(client, env={"COLOUR": "red"}, workersMax=2, idleTimeout=30)
    assert workers == ["red", made["id"]]
    assert changed["workers"] == {"min": 0, "max": 2, "idleTimeout": 30}
    env, changed, newer = drifted(client, env={"COLOUR": "blue"}, workersMax=2, idleTimeout=30)
    assert env == ["blue", made["id"]]
    assert changed["env"]["COLOUR"] == "blue"
    assert newer > release
    client.flash("undeploy", client.name("drifting"), "--force")
    assert client.endpoints("drifting") == []
    again, fresh, _ = drifted(client, env={"COLOUR": "green"})
    assert again == ["green", fresh["id"]]
    assert fresh["id"] != made["id"]


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_undeploy_of_everything(version: str, clients: dict[str, Client]) -> None:
    client = clients[version]
    client.tell("flash_functions.py", "hardware")
    assert len(client.endpoints("on-gpu")) == 1
    client.flash("undeploy", "--all", "--force")
    left = [endpoint["name"] for endpoint in client.platform.endpoints()]
    assert [name for name in left if name.endswith("-fb") == (version == OLD)] == []


@pytest.mark.slow
def test_a_client_of_an_endpoint_that_is_there(
    clients: dict[str, Client], released: Callable[..., Path], platform: Platform
) -> None:
    worker = released("runpod==1.12.0", "cloudpickle")
    endpoint = platform.deploy("foreign-worker", f"{worker} {PROGRAMS / 'sdk_worker.py'} async")
    assert clients[NEW].tell("flash_endpoint.py", "client", endpoint) == [
        ["run", [True, {"sum": 3}, None]],
        ["status", "COMPLETED"],
        ["runsync", [True, [1]]],
        ["failure", ["FAILED", "'missing'"]],
        ["cancel", [True, "CANCELLED"]],
    ]


@pytest.mark.slow
def test_a_function_that_an_endpoint_decorates(clients: dict[str, Client]) -> None:
    assert clients[NEW].tell("flash_endpoint.py", "decorator") == [["decorated", [1, "red"]]]
    (endpoint,) = clients[NEW].endpoints("decorated")
    assert (endpoint["workers"]["max"], endpoint["cpu"][0]["id"]) == (2, "cpu3g")
