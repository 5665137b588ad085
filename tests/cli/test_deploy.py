"""`flash deploy`, `env`, `app` and `undeploy` against a real embedded Runpod: texts, JSON, questions, exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_desk import AppServer
from typer.testing import CliRunner, Result

from flash_jupyter.cli.main import app

pytestmark = pytest.mark.journey


class Shell:
    """The command line in a folder called `shop`."""

    def __init__(self, home: Path) -> None:
        self.server = AppServer(home)

    def flash(self, *arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, arguments, env=self.server.environ, input=stdin)

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.flash(*arguments, "--json")
        assert (done.exit_code, done.stderr) == (0, ""), done.output
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def error(self, *arguments: str, code: int = 1) -> dict[str, Any]:
        done = self.flash(*arguments, "--json")
        assert (done.exit_code, done.stdout) == (code, "")
        error: dict[str, Any] = json.loads(done.stderr)["error"]
        return error


@pytest.fixture(scope="module")
def server_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("deploy") / "home")
    yield shell
    shell.server.server.stop()


@pytest.fixture
def shell(server_shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield server_shell
    for each in server_shell.json("app", "list")["apps"]:
        server_shell.flash("app", "delete", each["name"], "--volumes", "--yes")


def test_an_environment_is_made_in_the_app_of_the_folder_and_listed(shell: Shell) -> None:
    assert shell.flash("deploy", "new", "live").stdout == (
        "made environment live in the new app shop; next: flash deploy send live\n"
    )
    assert shell.json("env", "create", "test")["made"]["is_new_app"] is False
    listed = shell.flash("deploy", "list").stdout
    assert re.sub(r"\d+ s", "0 s", listed) == (
        "environment  state    endpoints  runs build  age\n"
        "live         PENDING  0          none        0 s\n"
        "test         PENDING  0          none        0 s\n"
    )
    names = [each["name"] for each in shell.json("env", "list")["environments"]]
    assert names == [each["name"] for each in shell.json("deploy", "ls")["environments"]] == ["live", "test"]
    assert shell.flash("app", "list").stdout == (
        "app   environments  endpoints  builds\nshop  live, test    0          0\n"
    )


def test_another_app_is_named(shell: Shell) -> None:
    assert shell.flash("deploy", "new", "live", "--app-name", "mill").stdout == (
        "made environment live in the new app mill; next: flash deploy send live --app-name mill\n"
    )
    assert shell.error("deploy", "list") == {
        "type": "OptionError",
        "message": "there is no app shop",
        "fix": "choose one of: mill",
    }
    assert shell.json("deploy", "info", "live", "-a", "mill")["environment"]["state"] == "PENDING"


def test_an_environment_is_shown_with_its_endpoints(shell: Shell) -> None:
    live = shell.server.environment("shop", "live")
    ocr = shell.server.endpoint("ocr", "shop", "live", live)
    text = shell.flash("deploy", "info", "live").stdout
    head, titles, row = text.splitlines()
    assert re.sub(r"\d+ s", "0 s", head) == "shop/live: PENDING · has no build yet · 1 endpoint · made 0 s ago"
    assert titles.split() == ["endpoint", "kind", "hardware", "state", "id", "build", "url"]
    assert row.split()[:2] == ["ocr", "queue"]
    assert row.endswith(f"/v2/{ocr}")


def test_a_deletion_is_asked_for_twice_and_tells_what_is_left(shell: Shell) -> None:
    live, models = shell.server.environment("shop", "live"), shell.server.volume("models")
    shell.server.endpoint("ocr", "shop", "live", live, networkVolumeId=models)
    refused = shell.flash("deploy", "delete", "live", stdin="y\nlvie\n")
    assert refused.exit_code == 1
    assert refused.stdout.startswith("environment live of app shop:\n")
    assert refused.stderr.replace(": ", ":") == (
        "delete environment live of app shop? [y/N]:type live to delete it:nothing was deleted\n"
    )
    assert shell.flash("deploy", "delete", "live", stdin="n\n").exit_code == 1
    assert shell.error("deploy", "delete", "live", code=2)["fix"] == "add --yes"
    assert shell.server.listed("serverless", "endpoints") == ["ocr"]
    done = shell.flash("env", "delete", "live", stdin="y\nlive\n")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-4:] == [
        "deleted: environment live of app shop, with 1 endpoint",
        "      what    name    why",
        "left  volume  models  its data stays until you delete it: flash volumes delete NAME",
        "what is left costs nothing, as far as prices are documented",
    ]
    assert shell.server.listed("serverless", "endpoints") == []
    shell.flash("volumes", "delete", "models", "--yes")


def test_a_program_says_yes_and_reads_what_went(shell: Shell) -> None:
    live, models = shell.server.environment("shop", "live"), shell.server.volume("models")
    shell.server.endpoint("ocr", "shop", "live", live, networkVolumeId=models)
    removed = shell.json("app", "delete", "shop", "--volumes", "--yes")["removed"]
    assert [(each["kind"], each["name"]) for each in removed["deleted"]] == [("endpoint", "ocr"), ("volume", "models")]
    assert (removed["is_app"], removed["left"], removed["left_usd_per_month"]) == (True, [], 0)
    assert shell.json("app", "list") == {"apps": []}


def test_an_app_is_made_shown_and_not_made_twice(shell: Shell) -> None:
    assert shell.json("app", "create", "mill")["made"]["app"] == "mill"
    assert shell.flash("app", "get", "mill").stdout == (
        "app mill\napp mill has no environments; `flash deploy new ENV` makes one\nno builds\n"
    )
    assert shell.error("app", "create", "mill")["message"] == "there is an app mill already"
    assert shell.error("app", "get")["message"] == "there is no app shop"


def test_a_name_of_two_endpoints_is_told_with_what_tells_them_apart(shell: Shell) -> None:
    ids = [
        shell.server.endpoint("ocr", "shop", name, shell.server.environment("shop", name)) for name in ("live", "test")
    ]
    assert shell.error("undeploy", "ocr", "--yes") == {
        "type": "OptionError",
        "message": "2 endpoints are called ocr",
        "fix": f"give APP/ENV/NAME, or the id: shop/live/ocr ({ids[0]}), shop/test/ocr ({ids[1]})",
    }
    refused = shell.flash("undeploy", "shop/live/ocr", stdin="n\n")
    assert refused.stderr.startswith("delete endpoint shop/live/ocr (deployed: shop/live)? [y/N]:")
    assert shell.json("undeploy", "shop/live/ocr", "--yes") == {"deleted": ["ocr"]}
    assert [each["id"] for each in shell.json("undeploy", "list")["endpoints"]] == [ids[1]]
    assert shell.flash("undeploy", "list").stdout.splitlines()[0].split() == [
        *("nr", "endpoint", "app/environment", "hardware", "id", "age", "owner")
    ]


def test_nobody_chooses_where_there_is_no_terminal(shell: Shell) -> None:
    assert shell.error("undeploy", code=2)["message"] == "undeploy takes a name, `list`, or --all for all of yours"
    assert shell.flash("undeploy").exit_code == 2
