"""`flash endpoints`, `flash undeploy` and `flash volumes` against a real embedded Runpod."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from emulated import RealServer
from typer.testing import CliRunner, Result

from flash_jupyter.cli.main import app

pytestmark = pytest.mark.journey


class Desk:
    """A home whose Runpod allows more control calls a minute than the real one, and the command line."""

    def __init__(self, home: Path) -> None:
        self._environ = {"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local"}
        self._environ["FLASH_JUPYTER_OWNER"] = "ann"
        (home / "local").mkdir(parents=True)
        self.server = RealServer(home / "local")

    def endpoint(self, name: str, owner: str = "ann", **body: Any) -> str:
        return self.server.endpoint(name=name, env={"FLASH_JUPYTER_OWNER": owner}, **body)

    def volume(self, name: str) -> str:
        answer = self.server.client.post(
            "/v2/network-volumes", json={"name": name, "size": 10, "dataCenter": "EU-RO-1"}
        )
        return str(answer.json()["id"])

    def flash(self, *arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, arguments, env=self._environ, input=stdin)

    def json(self, *arguments: str) -> dict[str, Any]:
        result = self.flash(*arguments, "--json")
        assert result.exit_code == 0, result.output
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    def error(self, *arguments: str, code: int = 1) -> dict[str, Any]:
        result = self.flash(*arguments, "--json")
        assert (result.exit_code, result.stdout) == (code, "")
        error: dict[str, Any] = json.loads(result.stderr)["error"]
        return error

    def names(self, listing: str = "endpoints") -> list[str]:
        return sorted(each["name"] for each in self.json(listing)[listing])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("desk") / "home")
    yield desk
    desk.server.stop()


@pytest.fixture(autouse=True)
def _clean(desk: Desk) -> Iterator[None]:
    yield
    desk.flash("undeploy", "--all", "--yes")
    for volume in desk.json("volumes")["volumes"]:
        desk.flash("volumes", "delete", volume["id"], "--yes")


def test_endpoints_are_listed_with_whose_they_are(desk: Desk) -> None:
    mine, other = desk.endpoint("mine"), desk.endpoint("theirs", owner="bob")
    rows = desk.json("endpoints")["endpoints"]
    assert [(row["name"], row["id"], row["whose"], row["state"]) for row in rows] == [
        ("mine", mine, "ours", "asleep"),
        ("theirs", other, "others", "asleep"),
    ]
    lines = desk.flash("endpoints").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["endpoint", "mine", "theirs"]
    assert lines[2].endswith("bob's")
    desk.json("undeploy", other, "--yes")


def test_one_is_deleted_by_name_and_all_are_only_ours(desk: Desk) -> None:
    for name in ("one", "two", "three"):
        desk.endpoint(name)
    desk.endpoint("theirs", owner="bob")
    assert desk.json("undeploy", "one", "--yes") == {"deleted": ["one"]}
    assert desk.flash("undeploy", "--all", "--yes").stdout == "deleted: two, three\n"
    assert desk.names() == ["theirs"]
    assert desk.json("undeploy", "--all", "--yes") == {"deleted": []}
    assert desk.flash("undeploy", "--all").stdout == "nothing to delete\n"
    assert desk.flash("undeploy", "theirs", "-y").stdout == "deleted: theirs\n"


def test_a_person_is_asked_first(desk: Desk) -> None:
    desk.endpoint("mine")
    refused = desk.flash("undeploy", "mine", stdin="n\n")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("delete endpoint mine? [y/N]:")
    assert desk.names() == ["mine"]
    assert desk.flash("undeploy", "--all", stdin="y\n").stdout.endswith("deleted: mine\n")


def test_a_program_is_not_asked(desk: Desk) -> None:
    desk.endpoint("mine")
    assert desk.error("undeploy", "mine", code=2) == {
        "type": "OptionError",
        "message": "nobody can be asked with --json; nothing was deleted",
        "fix": "add --yes",
    }
    assert desk.names() == ["mine"]


@pytest.mark.parametrize(
    "arguments", [["undeploy"], ["undeploy", "mine", "--all"]], ids=["no name", "a name and --all"]
)
def test_undeploy_takes_a_name_or_all(desk: Desk, arguments: list[str]) -> None:
    assert desk.error(*arguments, code=2)["message"] == "undeploy takes a name, `list`, or --all for all of yours"


def test_an_unknown_endpoint_is_an_error_with_those_that_exist(desk: Desk) -> None:
    desk.endpoint("mine")
    done = desk.flash("undeploy", "nobody", "--yes")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "error: there is no endpoint nobody\n  → choose one of: mine\n"


def test_logs_of_an_endpoint_without_a_worker_and_of_nothing(desk: Desk) -> None:
    desk.endpoint("mine")
    text = "it has no worker now, so there is no log; of a job: %flash logs JOB"
    assert desk.flash("logs", "mine").stdout == f"mine\n{text}\n"
    assert desk.json("logs", "mine", "-n", "5") == {"logs": [{"title": "mine", "text": f"{text}\n", "path": ""}]}
    assert desk.error("logs", "nobody")["message"] == "there is no endpoint and no job nobody"
    assert desk.flash("logs").exit_code == 2


def test_volumes_are_listed_and_deleted_once_nobody_uses_them(desk: Desk) -> None:
    volume = desk.volume("models")
    desk.endpoint("trainer", networkVolumes=[volume], dataCenterIds=["EU-RO-1"])
    (row,) = desk.json("volumes")["volumes"]
    assert (row["name"], row["size_gb"], row["data_center"]) == ("models", 10, "EU-RO-1")
    assert (row["used_by"], row["usd_per_month"]) == (["trainer"], None)
    assert desk.flash("volumes").stdout == (
        "volume  size   data centre  used by\nmodels  10 GB  EU-RO-1      trainer\n"
    )
    assert desk.error("volumes", "delete", "models", "--yes") == {
        "type": "OptionError",
        "message": "network volume models was not deleted: endpoint trainer uses it",
        "fix": "undeploy it first: %flash undeploy trainer",
    }
    desk.json("undeploy", "trainer", "--yes")
    assert desk.flash("volumes", "delete", "models", stdin="n\n").exit_code == 1
    assert desk.names("volumes") == ["models"]
    assert desk.json("volumes", "delete", "models", "--yes") == {"deleted": volume}
    assert desk.json("volumes") == {"volumes": []}


def test_without_a_running_runpod_nothing_is_started(tmp_path: Path) -> None:
    environ = {"FLASH_JUPYTER_HOME": str(tmp_path / "home"), "FLASH_JUPYTER_BACKEND": "local"}

    def output(*arguments: str) -> str:
        return str(CliRunner().invoke(app, arguments, env=environ).stdout)

    ask: Callable[..., str] = output
    assert (ask("endpoints"), ask("volumes")) == ("no endpoints\n", "no network volumes\n")
    assert not (tmp_path / "home" / "local").exists()
